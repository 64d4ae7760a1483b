"""Adapters of `target_parameters` on the mixtures of experts of transformers: peft is the judge."""

import peft
import pytest
import torch
import transformers

from adapterhub.compose.live.stack import stack
from adapterhub.lora.load import load
from tests.compose.builders import MIXTURE, ask, quiet, saved, trained
from tests.lora.builders import entry_of

SIZES = {**MIXTURE, "intermediate_size": 24}
KINDS = {
    "mixtral": (transformers.MixtralConfig, {"num_local_experts": 4}),
    "qwen3_moe": (transformers.Qwen3MoeConfig, {"num_experts": 4, "moe_intermediate_size": 24, "head_dim": 8}),
    "gpt_oss": (transformers.GptOssConfig, {"num_local_experts": 4, "head_dim": 8}),  # stored (experts, in, out)
}
ROUTERS = {"mixtral": "mlp.gate.weight", "qwen3_moe": "mlp.gate.weight", "gpt_oss": "mlp.router.weight"}
BOTH = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]


def tiny(kind, **fields):
    """A seeded model of a family, in eval mode."""
    config, sizes = KINDS[kind]
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(config(**{**SIZES, **sizes, **fields})).eval()


def theirs(kind, parameters, seed=1, modules=("q_proj", "v_proj"), **fields):
    """A model in peft's hands, what it would train drawn at random."""
    config = peft.LoraConfig(r=3, lora_alpha=5, target_modules=list(modules), target_parameters=list(parameters))
    return trained(tiny(kind, **fields), config, seed)


def ours(model, folder):
    """The adapter that peft saves of a model."""
    return load(entry_of(saved(model, folder)))


@pytest.mark.parametrize("targets", ["first", "second", "both", "router"])
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_experts_beside_layers_answer_as_peft_does(tmp_path, kind, targets):
    parameters = {"first": BOTH[:1], "second": BOTH[1:], "both": BOTH, "router": [*BOTH, ROUTERS[kind]]}[targets]
    judge, model = theirs(kind, parameters), tiny(kind)
    plain, wanted = ask(model, "text"), ask(judge, "text")
    with stack(model, [("a", ours(judge, tmp_path), 1.0)]) as live:
        assert torch.allclose(ask(model, "text"), wanted, atol=1e-5)
        live.weights = {}
        assert torch.equal(ask(model, "text"), plain)
    assert torch.equal(ask(model, "text"), plain)
    assert not torch.allclose(wanted, plain, atol=1e-2)


@pytest.mark.parametrize("how", ["eager", "batched_mm", "grouped_mm"])
@torch.no_grad()
def test_every_way_to_compute_experts_sees_the_change(tmp_path, how):
    judge, model = theirs("qwen3_moe", BOTH), tiny("qwen3_moe")
    model.set_experts_implementation(how)
    with stack(model, [("a", ours(judge, tmp_path), 1.0)]):
        assert torch.allclose(ask(model, "text"), ask(judge, "text"), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_two_adapters_add_up_as_peft_adds_them(tmp_path, kind):
    """peft weighs nothing here; all it has is both at once."""
    judge, other = theirs(kind, BOTH, modules=()), theirs(kind, BOTH, seed=2, modules=())
    one, two = ours(judge, tmp_path / "one"), ours(other, tmp_path / "two")
    with quiet():
        judge.load_adapter(str(tmp_path / "two"), "two")
        judge.base_model.set_adapter(["default", "two"])
    model = tiny(kind)
    with stack(model, [("one", one, 1.0), ("two", two, 1.0)]):
        assert torch.allclose(ask(model, "text"), ask(judge, "text"), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_bf16_is_as_near_to_the_truth_as_peft(tmp_path, kind):
    every = {"num_experts_per_tok": 4}  # whom a router picks hangs on how its numbers are rounded
    judge = theirs(kind, BOTH, modules=(), **every)
    one, wanted = ours(judge, tmp_path), ask(judge, "text")
    model, rounded = tiny(kind, **every).bfloat16(), ask(judge.bfloat16(), "text").float()
    with stack(model, [("a", one, 1.0)]):
        got = ask(model, "text").float()
    assert (got - wanted).norm() < 1.1 * (rounded - wanted).norm()


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_generates_as_peft_does(tmp_path, kind):
    judge, model = theirs(kind, BOTH), tiny(kind)
    ids = torch.randint(1, 32, (2, 5), generator=torch.Generator().manual_seed(1))
    how = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "max_new_tokens": 6, "do_sample": False}
    with stack(model, [("a", ours(judge, tmp_path), 1.0)]):
        assert torch.equal(model.generate(**how), judge.generate(**how))


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_compiled_model_answers_the_same(tmp_path, kind):
    torch._dynamo.reset()
    one, model = ours(theirs(kind, BOTH), tmp_path), tiny(kind)
    compiled = torch.compile(model, backend="eager")
    with stack(model, [("a", one, 1.0)]) as live:
        for weight in (1.0, 0.3):
            live.weights = {"a": weight}
            assert torch.allclose(ask(compiled, "text"), ask(model, "text"), atol=1e-5)
    torch._dynamo.reset()
