"""A fused checkpoint answers as the stack of the same adapters on the same base does."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from adapterhub.compose.live.stack import stack
from adapterhub.lora.adapter import Adapter, Gain, Rows
from adapterhub.lora.delta import Delta, Form
from tests.compose.builders import ask, tiny
from tests.compose.checkpoints.builders import base_of, fused, normal, tensors_of

pytestmark = pytest.mark.filterwarnings("ignore")

EVEN, ODD = tuple(range(0, 32, 2)), tuple(range(1, 32, 2))
LAYER = {"llama": "model.layers.0.", "bert": "bert.encoder.layer.0.", "gpt2": "transformer.h.0."}


def change(out, into, seed=1, kind="linear"):
    return Delta(0.3 * normal(2, into, seed=seed), 0.3 * normal(out, 2, seed=seed + 50), 2.0, Form(kind))


def dora(module, out, into, kind="linear", **more):
    lengths = normal(out, seed=9).abs() + 0.5
    return Adapter({module: change(out, into, 3, kind)}, magnitudes={module: lengths}, **more)


def tokens(module, indices, seed=1, width=16):
    return Adapter(rows={module: Rows(indices, normal(len(indices), width, seed=seed))})


def near_one(size, seed=1):
    return 1 + 0.3 * normal(size, seed=seed)


EMBED, HEAD = "model.embed_tokens", "lm_head"
DENSE, UP, NORM = (LAYER["bert"] + name for name in ("output.dense", "intermediate.dense", "output.LayerNorm"))
ATTN, PROJ = LAYER["gpt2"] + "attn.c_attn", LAYER["gpt2"] + "mlp.c_proj"

KINDS = {
    "lora": ("llama", Adapter({LAYER["llama"] + "self_attn.q_proj": change(16, 16)})),
    "lora of a head": ("llama", Adapter({HEAD: change(32, 16)})),
    "lora of an embedding": ("llama", Adapter({EMBED: change(16, 32, kind="embedding")})),
    "lora of a Conv1D": ("gpt2", Adapter({ATTN: change(48, 16)})),
    "lora of a convolution": (
        "vit",
        Adapter({"vit.embeddings.patch_embeddings.projection": Delta(
            normal(2, 48, seed=4), normal(16, 2, seed=5), 0.1, Form("conv", (4, 4))
        )}),
    ),
    "dora": ("bert", dora(DENSE, 16, 24)),
    "dora of a Conv1D": ("gpt2", dora(PROJ, 16, 64)),
    "dora of an embedding": ("llama", dora(EMBED, 16, 32, "embedding")),
    "dora with a trained bias": ("bert", dora(DENSE, 16, 24, biases={DENSE: normal(16, seed=6)})),
    "a bias of B": ("bert", Adapter({DENSE: change(16, 24)}, shifts={DENSE: normal(16, seed=6)})),
    "a bias of B of a Conv1D": ("gpt2", Adapter({ATTN: change(48, 16)}, shifts={ATTN: normal(48, seed=6)})),
    "a trained bias": ("bert", Adapter(biases={DENSE: normal(16, seed=6), NORM: normal(16, seed=7)})),
    "ia3 of outputs": ("bert", Adapter(gains={DENSE: Gain(near_one(16), "out")})),
    "ia3 of inputs": ("bert", Adapter(gains={UP: Gain(near_one(16), "in")})),
    "ia3 of a Conv1D": ("gpt2", Adapter(gains={ATTN: Gain(near_one(48), "out"), PROJ: Gain(near_one(64), "in")})),
    "tokens": ("llama", tokens(EMBED, EVEN)),
    "tokens of a tied model": ("gpt2", tokens("transformer.wte", EVEN)),
}  # fmt: skip

WHOLE = Adapter(tensors={"lm_head.weight": normal(32, 16, seed=8)})
NORMS = Adapter(tensors={f"{NORM}.weight": normal(16, seed=8), f"{NORM}.bias": normal(16, seed=9)})
CLASSES = Adapter(tensors={"classifier.weight": normal(2, 16, seed=8), "classifier.bias": normal(2, seed=9)})
EMBEDDING = Adapter(tensors={f"{EMBED}.weight": normal(32, 16, seed=8)})
WHOLES = {"a head": ("llama", WHOLE), "norms": ("bert", NORMS), "an embedding": ("llama", EMBEDDING)}

PAIRS = {
    "a head and another's dora": ("llama", WHOLE, dora(HEAD, 32, 16)),
    "a head and another's lora": ("llama", WHOLE, Adapter({HEAD: change(32, 16)})),
    "a head and another's ia3": ("bert", CLASSES, Adapter(gains={"classifier": Gain(near_one(2), "out")})),
    "a head with a bias and another's dora": ("bert", CLASSES, dora("classifier", 2, 16)),
    "norms and another's bias": ("bert", NORMS, Adapter(biases={NORM: normal(16, seed=3)})),
    "an embedding and another's dora": ("llama", EMBEDDING, dora(EMBED, 16, 32, "embedding")),
    "tokens and another's dora": ("llama", tokens(EMBED, EVEN), dora(EMBED, 16, 32, "embedding")),
    "tokens and others": ("llama", tokens(EMBED, EVEN), tokens(EMBED, ODD, 2)),
    "tokens and a head": ("llama", tokens(EMBED, EVEN), WHOLE),
    "two biases": ("bert", Adapter(biases={DENSE: normal(16, seed=3)}), Adapter(biases={DENSE: normal(16, seed=4)})),
    "ia3 and another's bias": (
        "bert",
        Adapter(gains={DENSE: Gain(near_one(16), "out")}),
        Adapter(biases={DENSE: normal(16, seed=4)}),
    ),
    "dora and dora": (
        "bert",
        dora(DENSE, 16, 24),
        Adapter({DENSE: change(16, 24, 8)}, magnitudes={DENSE: near_one(16)}),
    ),
}


def assert_same_answers(tmp_path, kind, parts, base=None, **options):
    base = base or base_of(tmp_path / "base", kind)
    fused(parts, base, tmp_path / "out", **options)
    plain, result = (type(tiny(kind)).from_pretrained(str(tmp_path / name)).eval() for name in ("base", "out"))
    with torch.no_grad():
        before, got = ask(plain, kind), ask(result, kind)
        with stack(plain, parts, choose=options.get("choose")):
            want = ask(plain, kind)
    assert not torch.allclose(before, want, atol=1e-3)
    assert torch.allclose(got, want, atol=1e-4)


@pytest.mark.parametrize("weight", [1.0, 0.4, -0.7])
@pytest.mark.parametrize(("kind", "adapter"), KINDS.values(), ids=KINDS)
def test_one_adapter_answers_the_same(tmp_path, kind, adapter, weight):
    assert_same_answers(tmp_path, kind, [("one", adapter, weight)])


@pytest.mark.parametrize("weight", [1.0, 0.4])
@pytest.mark.parametrize(("kind", "adapter"), WHOLES.values(), ids=WHOLES)
def test_whole_tensors_are_whole_at_any_weight(tmp_path, kind, adapter, weight):
    assert_same_answers(tmp_path, kind, [("one", adapter, weight)])


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.4, -0.7)])
@pytest.mark.parametrize(("kind", "one", "other"), PAIRS.values(), ids=PAIRS)
def test_two_adapters_in_one_place_answer_the_same(tmp_path, kind, one, other, weights):
    assert_same_answers(tmp_path, kind, [("one", one, weights[0]), ("other", other, abs(weights[1]))])


def test_a_tied_weight_that_is_stored_twice_stays_tied(tmp_path):
    base = base_of(tmp_path / "base", "llama", "1MB", tie_word_embeddings=True)
    tensors = tensors_of(base)
    tensors["lm_head.weight"] = tensors[f"{EMBED}.weight"].clone()
    save_file(tensors, str(base / "model.safetensors"), metadata={"format": "pt"})
    assert_same_answers(tmp_path, "llama", [("one", tokens(EMBED, EVEN), 0.4)], base)
    assert tied(tmp_path / "out")
    base_change = Adapter({EMBED: change(16, 32, kind="embedding")})
    fused([("one", base_change, 1.0)], base, tmp_path / "both", tied=True)
    assert tied(tmp_path / "both")


def tied(folder):
    tensors = tensors_of(folder)
    return torch.equal(tensors["lm_head.weight"], tensors[f"{EMBED}.weight"])


def test_the_one_chosen_answers_for_tokens_and_whole_tensors(tmp_path):
    one = replace(tokens(EMBED, EVEN), tensors=WHOLE.tensors)
    other = tokens(EMBED, (*ODD, 0), 2)
    parts = [("one", one, 0.4), ("other", other, 1.0), ("off", EMBEDDING, 0.0)]
    result = fused(parts, base_of(tmp_path / "base", "llama"), tmp_path / "out", choose="one")
    assert result.notes == (f"of other, token 0 of {EMBED} is not used: another adapter's was chosen",)
    got, want = (tensors_of(tmp_path / name) for name in ("out", "base"))
    embedding = want[f"{EMBED}.weight"]
    embedding[list(EVEN)] += 0.4 * (one.rows[EMBED].values - embedding[list(EVEN)])
    embedding[list(ODD)] = other.rows[EMBED].values[:-1]
    want |= WHOLE.tensors
    assert all(torch.allclose(got[name], want[name], atol=1e-6) for name in want)


def test_dora_leaves_the_bias_of_another_s_head_alone(tmp_path):
    parts = [("head", CLASSES, 1.0), ("dora", dora("classifier", 2, 16), 0.7)]
    fused(parts, base_of(tmp_path / "base", "bert"), tmp_path / "out")
    assert torch.equal(tensors_of(tmp_path / "out")["classifier.bias"], CLASSES.tensors["classifier.bias"])


def test_an_embedding_that_is_used_whole_has_no_tokens_of_others(tmp_path):
    parts = [("tokens", tokens(EMBED, EVEN), 1.0), ("whole", EMBEDDING, 0.5)]
    result = fused(parts, base_of(tmp_path / "base", "llama"), tmp_path / "out", choose="whole")
    assert result.notes == (f"of tokens, {EMBED} is not used: another adapter's was chosen",)
    assert torch.equal(tensors_of(tmp_path / "out")[f"{EMBED}.weight"], EMBEDDING.tensors[f"{EMBED}.weight"])


def test_the_base_s_own_tensors_can_be_chosen(tmp_path):
    base = base_of(tmp_path / "base", "llama")
    head = {"lm_head.weight": tensors_of(base)["lm_head.weight"]}
    parts = [("trained", WHOLE, 1.0), ("untrained", Adapter({HEAD: change(32, 16)}, tensors=head), 1.0)]
    result = fused(parts, base, tmp_path / "out", choose="untrained")
    assert result.notes == ("of trained, lm_head.weight is not used: another adapter's was chosen",)
    want = head["lm_head.weight"] + change(32, 16).dense()
    assert torch.allclose(tensors_of(tmp_path / "out")["lm_head.weight"], want, atol=1e-6)


def test_the_same_head_in_two_adapters_needs_no_choice(tmp_path):
    again = Adapter(tensors={"lm_head.weight": WHOLE.tensors["lm_head.weight"].clone()})
    parts = [("one", WHOLE, 1.0), ("again", again, 0.5)]
    assert_same_answers(tmp_path, "llama", parts)
    assert fused(parts, tmp_path / "base", tmp_path / "again").notes == ()
    assert torch.equal(tensors_of(tmp_path / "again")["lm_head.weight"], WHOLE.tensors["lm_head.weight"])
