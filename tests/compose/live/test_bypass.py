"""A weight that is read without calling its module cannot be changed by a hook: it is refused, never overlooked."""

import re
from pathlib import Path

import pytest
import torch
import transformers
from torch import nn

from adapterhub.compose.live.bypass import HARMLESS, SETUP, bypass, reads
from adapterhub.compose.live.stack import stack
from adapterhub.errors import DoesNotFit
from adapterhub.lora.delta import Delta, Form
from tests.compose.live.test_stack import of
from tests.lora.builders import delta

OPERAND = re.compile(r"self((?:\.\w+|\[\d+\])+)\.weight\b(?!\.(?:dtype|device|shape|ndim|size|is_meta|data_ptr))")
EXCEPTIONS = {
    r"^\s*self[\w.\[\]]*\.weight = ": "it is put there, not read",
    r"isinstance\(self[\w.]*\.weight,|hasattr\(self[\w.]*\.weight,": "it is asked what it is",
    r"GatheredParameters\(": "it is brought to this process",
    r"_is_hf_initialized": "it is asked whether it was drawn",
    r"parametrizations\.weight": "a part of a weight, when the model is made",
    r"init\.\w+\(": "it is drawn",
    r"weight that is being trained": "words",
}
"""A line of source -> why a weight that is named there is not read."""


def by_lines(source):
    """The modules whose weights are read, by a look at lines and indentation: another way than the tested one."""
    method = ""
    for line in source.split("\n"):
        if found := re.match(r"    def (\w+)|(?:class|def) ", line):
            method = found[1] or ""
        if method.startswith(SETUP) or not method or any(re.search(one, line) for one in EXCEPTIONS):
            continue
        for found in OPERAND.finditer(line.partition("#")[0]):
            yield re.sub(r"\[(\d+)\]", r".\1", found[1]).strip(".")


@pytest.mark.slow
def test_every_weight_that_transformers_reads_is_known():
    missed, known = {}, set()
    for path in Path(transformers.__file__).parent.glob("models/*/modeling_*.py"):
        source = path.read_text()
        if lines := set(by_lines(source)):
            found = {name for some in reads(source).values() for name in some}
            known |= lines
            missed[path.name] = lines - found
    assert not {name: some for name, some in missed.items() if some}
    assert {"dt_proj", "x_proj", "out_proj", "conv1d", "conv", "classifier", "k_proj", "lm_head", "decoder"} <= known


SIZES = {"vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SPEECH = {
    **{name: size for name, size in SIZES.items() if name != "vocab_size"},
    **{"intermediate_size": 24, "conv_dim": (8, 8), "conv_kernel": (10, 3), "conv_stride": (5, 2)},
    **{"num_feat_extract_layers": 2, "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2},
}
MAMBA = {"mamba_d_state": 4, "mamba_dt_rank": 4, "use_mamba_kernels": False}
MODELS = {
    "mamba": (
        lambda t: t.MambaForCausalLM(t.MambaConfig(vocab_size=32, hidden_size=16, num_hidden_layers=1, state_size=4)),
        {"conv1d", "dt_proj"},
    ),
    "jamba": (
        lambda t: t.JambaForCausalLM(
            t.JambaConfig(
                **SIZES, **MAMBA, intermediate_size=24, num_key_value_heads=1, attn_layer_period=2, attn_layer_offset=1,
                expert_layer_period=2, num_experts=1,
            )
        ),
        {"conv1d", "dt_proj"},
    ),
    "lfm2": (
        lambda t: t.Lfm2ForCausalLM(
            t.Lfm2Config(
                **SIZES, intermediate_size=24, num_key_value_heads=1, layer_types=["conv", "full_attention"]
            )
        ),
        {"conv"},
    ),
    "mobilebert": (
        lambda t: t.MobileBertForMaskedLM(
            t.MobileBertConfig(
                **SIZES, embedding_size=8, intermediate_size=16, intra_bottleneck_size=16, true_hidden_size=16
            )
        ),
        {"decoder", "dense"},
    ),
    "reformer": (
        lambda t: t.ReformerModel(
            t.ReformerConfig(
                vocab_size=32, hidden_size=16, num_attention_heads=2, attention_head_size=8, attn_layers=["lsh"],
                feed_forward_size=24, axial_pos_embds=False, num_buckets=2, lsh_attn_chunk_length=4,
                max_position_embeddings=32, is_decoder=False,
            )
        ),
        {"query_key", "value"},
    ),
    "wavlm": (
        lambda t: t.WavLMModel(t.WavLMConfig(**SPEECH, num_buckets=8)),
        {"q_proj", "k_proj", "v_proj", "out_proj"},
    ),
    "wav2vec2": (lambda t: t.Wav2Vec2Model(t.Wav2Vec2Config(**SPEECH)), set()),
}  # fmt: skip


def change_of(module):
    torch.manual_seed(0)
    if isinstance(module, nn.Embedding):
        rows, dim = module.weight.shape
        return Delta(torch.randn(2, rows), torch.randn(dim, 2), 1.0, Form("embedding"))
    if isinstance(module, nn.Conv1d):
        size = module.in_channels * module.kernel_size[0]
        form = Form("conv", tuple(module.kernel_size))
        return Delta(torch.randn(2, size), torch.randn(module.out_channels, 2), 1.0, form)
    return Delta(torch.randn(2, module.in_features), torch.randn(module.out_features, 2))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", MODELS)
@torch.no_grad()
def test_what_is_attached_changes_the_answer_or_is_refused(kind):
    make, leaves = MODELS[kind]
    torch.manual_seed(0)
    model = make(transformers).eval()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.3)
    x = torch.randn(2, 400) if kind.startswith("wav") else torch.randint(1, 32, (2, 8))
    plain, refused = model(x)[0], {}
    for path, module in model.named_modules():
        leaf = path.rpartition(".")[2]
        if not isinstance(module, nn.Linear | nn.Embedding | nn.Conv1d) or "pos" in path:
            continue
        try:
            live = stack(model, [("a", of(change_of(module), path), 5.0)])
        except DoesNotFit as refusal:
            refused[leaf] = str(refusal)
            continue
        with live:
            assert not torch.equal(model(x)[0], plain), path
    assert set(refused) == leaves
    assert all("reads its weight without calling it" in said for said in refused.values())


class Owner(nn.Module):
    """A model of somebody's own."""

    def __init__(self):
        super().__init__()
        self.read, self.asked, self.called = nn.Linear(5, 5), nn.Linear(5, 5), nn.Linear(5, 5)
        self.inner = nn.ModuleList([nn.Linear(5, 5)])

    def forward(self, x):
        if x.dtype != self.asked.weight.dtype or not isinstance(self.asked.weight, nn.Parameter):
            raise TypeError
        return self.called(self.asked(x @ self.read.weight.T)) @ self.inner[0].weight


def test_a_model_of_somebodys_own_is_read_too():
    model = nn.Sequential(Owner())
    bypassed = {name for name, _ in model.named_modules() if bypass(model, name)}
    assert bypassed == {"0.read", "0.inner.0"}
    assert bypass(model, "0.read") == "Owner reads its weight without calling it"


def test_a_read_that_never_happens_is_harmless():
    sizes = {"hidden_size": 16, "n_layer": 1, "n_head": 2, "vocab_size": 32}
    for exact in (False, True):
        config = transformers.BloomConfig(**sizes, pretraining_tp=2 if exact else 1, slow_but_exact=exact)
        model = transformers.BloomModel(config)
        assert bool(bypass(model, "h.0.self_attention.dense")) == exact
        assert bool(bypass(model, "h.0.mlp.dense_4h_to_h")) == exact
        assert not bypass(model, "h.0.self_attention.query_key_value")
    model = transformers.DebertaModel(transformers.DebertaConfig(**SIZES, intermediate_size=24))
    assert not bypass(model, "encoder.layer.0.attention.self.in_proj")


def test_what_is_called_harmless_is_still_read():
    """A row for a class that no longer reads would hide the next one of that name."""
    models = Path(transformers.__file__).parent / "models"
    found = {}
    for name in ("bloom", "deberta", "gemma4"):
        found |= reads((models / name / f"modeling_{name}.py").read_text())
    assert all(module in found.get(owner, ()) for owner, module in HARMLESS)


def test_a_weight_that_is_divided_in_place_is_refused():
    config = transformers.RwkvConfig(vocab_size=32, hidden_size=16, num_hidden_layers=2, intermediate_size=24)
    model = transformers.RwkvModel(config)
    assert "divides its weight in place" in bypass(model, "blocks.0.attention.output")
    assert "divides its weight in place" in bypass(model, "blocks.0.feed_forward.value")
    assert not bypass(model, "blocks.0.attention.key")


class Trainee(nn.Module):
    """A model that goes another way while it trains."""

    def __init__(self):
        super().__init__()
        self.inner, self.both = nn.Linear(5, 5), nn.Linear(5, 5)

    def forward(self, x, fast=True):
        if self.training and fast:
            return x @ self.inner.weight @ self.both.weight
        if not self.training:
            x = x @ self.both.weight
        return self.both(self.inner(x))


def test_a_weight_that_is_read_in_training_only_is_refused_in_training_only():
    model, one = nn.Sequential(Trainee()).eval(), of(delta(5), "0.inner")
    x = torch.randn(2, 5)
    plain = model(x)
    assert bypass(model, "0.both") == "Trainee reads its weight without calling it"
    with stack(model, [("a", one, 1.0)]) as live:
        live.attach("b", one)
        assert not torch.equal(model(x), plain)
        model.train()
        with pytest.raises(DoesNotFit, match=r"0\.inner: Trainee reads its weight .* while it trains") as refusal:
            model(x)
        assert "model.eval()" in refusal.value.hint
        live.remove("a", "b")
        model(x)
    assert not model[0]._forward_pre_hooks
    with pytest.raises(DoesNotFit, match="while it trains"):
        stack(model, [("a", one, 1.0)])
