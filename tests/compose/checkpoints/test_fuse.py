"""A fused checkpoint is what peft and plain algebra make of the base."""

import json

import peft
import pytest
import torch

from adapterhub.compose.checkpoints import patch
from adapterhub.lora.adapter import Adapter, Gain, Rows
from adapterhub.lora.delta import Delta
from tests.compose.builders import TARGETS, adapter, ask, lora, tiny, wrapped
from tests.compose.checkpoints.builders import (
    base_of,
    checkpoint,
    delta,
    far,
    fused,
    normal,
    one,
    part,
    peft_merged,
    reloaded,
    tensors_of,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # what peft and transformers say of each other is not asked here

CONFIGS = {
    "plain": {},
    "rslora": {"use_rslora": True},
    "dora": {"use_dora": True},
    "bias of some": {"bias": "lora_only"},
    "bias of all": {"bias": "all"},
    "patterns": {"rank_pattern": {"c_attn": 2, "query": 2, "q_proj": 2}, "alpha_pattern": {"c_proj": 3, "fc1": 3}},
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Every matrix in several blocks."""
    monkeypatch.setattr(patch, "BLOCK", 100)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("kind", TARGETS)
def test_one_adapter_is_fused_as_peft_merges_it(tmp_path, kind, config):
    folder, base = adapter(tmp_path / "a", kind, **config), base_of(tmp_path / "base", kind)
    fused([part(folder)], base, tmp_path / "out")
    merged, got = peft_merged(folder, kind), reloaded(tmp_path / "out", kind)
    assert far(merged, tiny(kind).state_dict()) > 0.1
    assert far(merged, got) < 1e-6


@pytest.mark.parametrize("kind", ["gpt2", "bert", "vit"])
def test_a_bias_of_b_adds_to_the_bias(tmp_path, kind):
    folder, base = adapter(tmp_path / "a", kind, lora_bias=True), base_of(tmp_path / "base", kind)
    fused([part(folder)], base, tmp_path / "out")
    assert far(peft_merged(folder, kind), reloaded(tmp_path / "out", kind)) < 1e-6


@pytest.mark.parametrize("dora", [False, True])
def test_an_embedding_is_changed_the_way_it_is_stored(tmp_path, dora):
    folder = adapter(tmp_path / "a", "llama", target_modules=["embed_tokens", "lm_head"], use_dora=dora)
    fused([part(folder)], base_of(tmp_path / "base", "llama"), tmp_path / "out")
    assert far(peft_merged(folder, "llama"), reloaded(tmp_path / "out", "llama")) < 1e-6


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_ia3_scales_weights_and_biases(tmp_path, kind):
    targets = {"llama": ["k_proj", "down_proj"], "gpt2": ["c_attn", "mlp.c_proj"]}[kind]
    config = peft.IA3Config(target_modules=targets, feedforward_modules=targets[1:], fan_in_fan_out=kind == "gpt2")
    wrapped(kind, config).save_pretrained(str(tmp_path / "a"))
    fused([part(tmp_path / "a")], base_of(tmp_path / "base", kind), tmp_path / "out")
    assert far(peft_merged(tmp_path / "a", kind), reloaded(tmp_path / "out", kind)) < 1e-6


def test_a_head_takes_the_place_of_the_base_s(tmp_path):
    folder = adapter(tmp_path / "a", "bert", modules_to_save=["classifier"])
    fused([part(folder)], base_of(tmp_path / "base", "bert"), tmp_path / "out")
    assert far(peft_merged(folder, "bert"), reloaded(tmp_path / "out", "bert")) < 1e-6


@pytest.mark.parametrize("ties", [False, True])
def test_trained_tokens_take_their_rows(tmp_path, ties):
    config = lora("llama", trainable_token_indices={"embed_tokens": [3, 30]})
    wrapped("llama", config, tie_word_embeddings=ties).save_pretrained(str(tmp_path / "a"))
    base = base_of(tmp_path / "base", "llama", tie_word_embeddings=ties)
    fused([part(tmp_path / "a")], base, tmp_path / "out")
    merged = peft_merged(tmp_path / "a", "llama", tie_word_embeddings=ties)
    assert far(merged, reloaded(tmp_path / "out", "llama")) < 1e-6


def test_trained_tokens_that_peft_saved_for_every_tied_layer_take_their_rows_once(tmp_path):
    config = peft.TrainableTokensConfig(target_modules=["embed_tokens"], token_indices=[3, 30])
    wrapped("llama", config, tie_word_embeddings=True).save_pretrained(str(tmp_path / "a"))
    assert len(part(tmp_path / "a")[1].rows) == 2
    base = base_of(tmp_path / "base", "llama", tie_word_embeddings=True)
    fused([part(tmp_path / "a")], base, tmp_path / "out")
    merged = peft_merged(tmp_path / "a", "llama", tie_word_embeddings=True)
    assert far(merged, reloaded(tmp_path / "out", "llama")) < 1e-6


def test_a_head_the_base_does_not_have_comes_in_a_file_of_its_own(tmp_path):
    folder = adapter(tmp_path / "a", "bert", modules_to_save=["classifier"])
    base = tmp_path / "base"
    tiny("bert").bert.save_pretrained(str(base))
    result = fused([part(folder)], base, tmp_path / "out", new_tensors=True)
    assert {"classifier.weight", "classifier.bias"} <= set(result.touched)
    assert "classifier.bias, classifier.weight: new in this checkpoint" in result.notes[0]
    assert not (tmp_path / "out" / "model.safetensors").exists()
    assert far(peft_merged(folder, "bert"), reloaded(tmp_path / "out", "bert")) < 1e-6


def test_a_new_file_is_counted_in_the_names_of_all(tmp_path):
    tensors = {"a.weight": normal(4, 3), "b.weight": normal(4, 3)}
    base = checkpoint(tmp_path / "base", tensors, ["a.weight"], ["b.weight"])
    headed = one(Adapter({"a": delta(4, 3)}, tensors={"score.weight": normal(2, 3)}))
    fused([headed], base, tmp_path / "out", new_tensors=True)
    names = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    assert sorted(path.name for path in (tmp_path / "out").glob("*.safetensors")) == names
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    assert index["weight_map"] == dict(zip(["a.weight", "b.weight", "score.weight"], names, strict=True))
    assert index["metadata"]["total_size"] == 4 * (12 + 12 + 6)
    assert torch.equal(tensors_of(tmp_path / "out")["score.weight"], normal(2, 3))


@pytest.mark.parametrize("kind", TARGETS)
def test_weighted_adapters_add_up_and_the_result_answers_so(tmp_path, kind):
    folders = [adapter(tmp_path / "a", kind), adapter(tmp_path / "b", kind, 2, r=3, use_rslora=True)]
    base = base_of(tmp_path / "base", kind)
    fused(
        [part(folder, folder.name, weight) for folder, weight in zip(folders, (0.5, -1.5), strict=True)],
        base,
        tmp_path / "out",
    )
    plain = tiny(kind).state_dict()
    first, second = (peft_merged(folder, kind) for folder in folders)
    want = {k: plain[k] + 0.5 * (first[k] - plain[k]) - 1.5 * (second[k] - plain[k]) for k in plain}
    model = tiny(kind)
    model.load_state_dict(want)
    with torch.no_grad():
        loaded = type(model).from_pretrained(str(tmp_path / "out")).eval()
        assert torch.allclose(ask(loaded, kind), ask(model, kind), atol=1e-4)


def dense(W, parts):
    """W + Σ w·(diag(c)(W + sBA) − W), each c from the base alone, in float64."""
    total = W.double().clone()
    for change, magnitude, weight in parts:
        new = W.double() + change.scale * change.B.double() @ change.A.double()
        if magnitude is not None:
            new = magnitude.double()[:, None] / new.norm(dim=1, keepdim=True) * new
        total += weight * (new - W.double())
    return total


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("turned", [False, True])
def test_dora_and_lora_of_any_weight_meet_in_one_matrix(tmp_path, dtype, turned):
    W, m = normal(31, 17, dtype=dtype), normal(31, seed=5).abs()
    name, kind = ("h.0.attn.c_attn", "gpt2") if turned else ("layers.0.q", "llama")
    stored = W.T.contiguous() if turned else W
    base = checkpoint(tmp_path / "base", {f"{name}.weight": stored, "z.weight": normal(3)}, model_type=kind)
    changes = [(delta(31, 17, seed=n), m if n else None, w) for n, w in enumerate((0.7, 0.4, -0.3))]
    parts = [
        one(Adapter({name: change}, magnitudes={} if lengths is None else {name: lengths}), weight, f"ada/{n}")
        for n, (change, lengths, weight) in enumerate(changes)
    ]
    fused(parts, base, tmp_path / "out")
    got = tensors_of(tmp_path / "out")[f"{name}.weight"]
    assert got.dtype == dtype
    want = dense(W, changes)
    room = {torch.float64: 1e-12, torch.float32: 2e-6}.get(dtype, 0.51 * torch.finfo(dtype).eps)
    assert torch.all(((got.T if turned else got).double() - want).abs() <= room * want.abs().clamp_min(1))


def test_a_half_precision_weight_is_rounded_once(tmp_path):
    W = normal(40, 30, dtype=torch.bfloat16)
    base = checkpoint(tmp_path / "base", {"q.weight": W})
    parts = [one(Adapter({"q": delta(40, 30, seed=n)}), 0.01, str(n)) for n in range(4)]
    fused(parts, base, tmp_path / "out")
    want = (W.double() + sum(0.01 * part[1].deltas["q"].dense().double() for part in parts)).bfloat16()
    same = (tensors_of(tmp_path / "out")["q.weight"] == want).float().mean()
    assert same > 0.999  # but for what lies between two numbers within fp32's rounding


@pytest.mark.parametrize("turned", [False, True])
def test_experts_are_changed_one_by_one_whichever_way_they_lie(tmp_path, turned):
    name = "layers.0.mlp.experts.down_proj"
    W = normal(3, 5, 4) if turned else normal(3, 4, 5)
    base = checkpoint(tmp_path / "base", {name: W, "a.weight": normal(2, 2)})
    changes = {f"{name}[{e}]": delta(4, 5, seed=e) for e in (0, 2)}
    fused([one(Adapter(changes))], base, tmp_path / "out")
    want = W.clone()
    for e in (0, 2):
        change = changes[f"{name}[{e}]"].dense()
        want[e] += change.T if turned else change
    assert torch.allclose(tensors_of(tmp_path / "out")[name], want, atol=1e-6)


def test_experts_are_fused_as_peft_merges_them(tmp_path):
    class Experts(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.down_proj = torch.nn.Parameter(normal(3, 8, 5))

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.config = {"model_type": "made up"}
            self.experts = Experts()

    config = peft.LoraConfig(r=2, target_modules=[], target_parameters=["experts.down_proj"])
    with torch.no_grad():
        model = peft.get_peft_model(Model(), config)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_()
    base = checkpoint(tmp_path / "base", {"experts.down_proj": normal(3, 8, 5)})
    model.save_pretrained(str(tmp_path / "a"))
    fused([part(tmp_path / "a")], base, tmp_path / "out")
    want = model.merge_and_unload().state_dict()["experts.down_proj"]
    assert torch.allclose(tensors_of(tmp_path / "out")["experts.down_proj"], want, atol=1e-6)


def test_a_gain_and_a_trained_bias_are_weighed(tmp_path):
    tensors = {
        "k.weight": normal(4, 3),
        "k.bias": normal(4, seed=1),
        "n.weight": normal(4),
        "n.bias": normal(4, seed=2),
    }
    base = checkpoint(tmp_path / "base", tensors)
    gain, bias = normal(4, seed=3), normal(4, seed=4)
    parts = [one(Adapter(gains={"k": Gain(gain, "out")}), 0.5, "a"), one(Adapter(biases={"n": bias}), 0.25, "b")]
    parts.append(one(Adapter(gains={"k": Gain(normal(3, seed=6), "in")}), 2.0, "c"))
    fused(parts, base, tmp_path / "out")
    got = tensors_of(tmp_path / "out")
    rows, columns = 0.5 * (gain - 1), 2 * (normal(3, seed=6) - 1)
    assert torch.allclose(got["k.weight"], tensors["k.weight"] * (1 + rows[:, None] + columns), atol=1e-6)
    assert torch.allclose(got["k.bias"], tensors["k.bias"] * (1 + rows), atol=1e-6)
    assert torch.allclose(got["n.bias"], 0.75 * tensors["n.bias"] + 0.25 * bias, atol=1e-6)
    assert torch.equal(got["n.weight"], tensors["n.weight"])


def test_an_adapter_that_is_off_is_not_looked_at(tmp_path):
    base = checkpoint(tmp_path / "base", {"q.weight": normal(4, 3)})
    broken = Adapter({"elsewhere": Delta(torch.full((1, 3), torch.nan), torch.ones(4, 1))})
    fused([one(Adapter({"q": delta(4, 3)})), one(broken, 0.0, "off")], base, tmp_path / "out")
    assert torch.allclose(tensors_of(tmp_path / "out")["q.weight"], normal(4, 3) + delta(4, 3).dense(), atol=1e-6)


def test_whose_whole_tensors_are_used_can_be_chosen(tmp_path):
    base = checkpoint(tmp_path / "base", {"q.weight": normal(4, 3), "e.weight": normal(6, 3)})
    first = Adapter({"q": delta(4, 3)}, tensors={"e.weight": normal(6, 3, seed=7)})
    second = Adapter({"q": delta(4, 3, seed=9)}, rows={"e": Rows((5, 0), normal(2, 3, seed=8))})
    result = fused([one(first, 0.5, "a"), one(second, 1.0, "b")], base, tmp_path / "out", choose="b")
    got = tensors_of(tmp_path / "out")["e.weight"]
    assert torch.equal(got[[5, 0]], normal(2, 3, seed=8))
    assert torch.equal(got[1:5], normal(6, 3)[1:5])
    assert result.notes == ("of a, e.weight is not used: another adapter's was chosen",)


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_an_embedding_saved_whole_but_unchanged_is_not_in_the_way(tmp_path, weight):
    folders = [adapter(tmp_path / n, "llama", target_modules=["embed_tokens", "lm_head"]) for n in "ab"]
    parts = [part(folder, folder.name, weight) for folder in folders]
    assert all(changes.tensors for _, changes, _ in parts)
    fused(parts, base_of(tmp_path / "base", "llama"), tmp_path / "out")
    plain, merged = tiny("llama").state_dict(), peft_merged(folders[0], "llama")
    want = {name: plain[name] + 2 * weight * (merged[name] - plain[name]) for name in plain}
    assert far(want, reloaded(tmp_path / "out", "llama")) < 1e-5


def test_an_adapter_s_own_embedding_is_what_its_dora_and_its_tokens_change(tmp_path):
    base = checkpoint(tmp_path / "base", {"embed.weight": normal(6, 3)})
    own, tokens, lengths = normal(6, 3, seed=7), Rows((4, 1), normal(2, 3, seed=8)), normal(3, seed=5).abs()
    change = delta(3, 6, kind="embedding")
    dora = Adapter({"embed": change}, magnitudes={"embed": lengths}, tensors={"embed.weight": own})
    fused([one(dora)], base, tmp_path / "dora")
    want = dense(own.T, [(change, lengths, 1.0)]).T
    assert torch.allclose(tensors_of(tmp_path / "dora")["embed.weight"].double(), want, atol=1e-5)
    fused([one(Adapter(rows={"embed": tokens}, tensors={"embed.weight": own}), 0.5)], base, tmp_path / "tokens")
    assert torch.equal(
        tensors_of(tmp_path / "tokens")["embed.weight"], own.index_copy(0, torch.tensor([4, 1]), tokens.values)
    )
