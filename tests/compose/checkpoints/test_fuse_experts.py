"""Experts that a checkpoint holds otherwise than the adapter names them; peft and the loaded result are the judges."""

from dataclasses import replace

import peft
import pytest
import torch
import transformers

from adapterhub import Hub
from adapterhub.compose.checkpoints import patch
from adapterhub.compose.checkpoints.fuse_plan import plan_fuse
from adapterhub.errors import DoesNotFit
from adapterhub.lora.adapter import Adapter, Gain
from tests.compose.builders import MIXTURE, ask, quiet, saved, trained
from tests.compose.checkpoints.builders import checkpoint, delta, far, fused, normal, one, part, tensors_of

pytestmark = pytest.mark.filterwarnings("ignore")  # what peft and transformers say of each other is not asked here

SIZES = {**MIXTURE, "intermediate_size": 12}
KINDS = {
    "mixtral": (transformers.MixtralConfig, {"num_local_experts": 4}, "mlp"),
    "qwen3_moe": (transformers.Qwen3MoeConfig, {"num_experts": 4, "moe_intermediate_size": 12, "head_dim": 8}, "mlp"),
    "olmoe": (transformers.OlmoeConfig, {"num_experts": 4}, "mlp"),
    "granitemoe": (transformers.GraniteMoeConfig, {"num_local_experts": 4}, "block_sparse_moe"),
}
BLOCK = "layers.0.mlp.experts"
LEAVES = {"gate_proj": (12, 16), "up_proj": (12, 16), "down_proj": (16, 12)}
APART = {f"{BLOCK}.{e}.{leaf}": shape for e in range(3) for leaf, shape in LEAVES.items()}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Every matrix in several blocks."""
    monkeypatch.setattr(patch, "BLOCK", 100)


def tiny(kind):
    """A seeded model of a family, in eval mode."""
    config, sizes, _ = KINDS[kind]
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(config(**{**SIZES, **sizes})).eval()


def theirs(kind, folder, seed=1):
    """A model in peft's hands, and the adapter it saved to a folder: of layers and of all experts."""
    block = KINDS[kind][2]
    parameters = [f"{block}.experts.gate_up_proj", f"{block}.experts.down_proj"]
    config = peft.LoraConfig(r=3, lora_alpha=5, target_modules=["q_proj"], target_parameters=parameters)
    model = trained(tiny(kind), config, seed)
    saved(model, folder)
    return model


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_experts_are_fused_as_peft_merges_them(tmp_path, kind, apart):
    judge, base = theirs(kind, tmp_path / "a"), tiny(kind)
    base.save_pretrained(str(tmp_path / "base"), max_shard_size="10KB", save_original_format=apart)
    fused([part(tmp_path / "a")], tmp_path / "base", tmp_path / "out")
    got = type(base).from_pretrained(str(tmp_path / "out")).eval()
    assert torch.allclose(ask(got, "text"), ask(judge, "text"), atol=1e-5)
    with quiet():
        assert far(judge.merge_and_unload().state_dict(), got.state_dict()) < 1e-6
    assert not torch.allclose(ask(got, "text"), ask(base, "text"), atol=1e-2)


@pytest.mark.parametrize("kind", ["mixtral", "qwen3_moe", "olmoe"])
@torch.no_grad()
def test_a_fuse_of_several_answers_as_the_stack_does_and_its_plan_names_the_tensors(tmp_path, kind):
    hub, model, mix = Hub.open(tmp_path / "store"), tiny(kind), "ada/a*0.7 + ada/b*0.3"
    model.save_pretrained(str(tmp_path / "base"))
    for seed, name in enumerate("ab", 1):
        theirs(kind, tmp_path / name, seed)
        hub.add(tmp_path / name, f"ada/{name}", base=tmp_path / "base")
    plan = hub.fuse_plan(mix, tmp_path / "base")
    hub.fuse(mix, tmp_path / "base", tmp_path / "out")
    with hub.stack(model, mix):
        wanted = ask(model, "text")
    assert torch.allclose(ask(type(model).from_pretrained(str(tmp_path / "out")).eval(), "text"), wanted, atol=1e-5)
    experts = {one.tensor: (sorted(one.shape), one.rank) for one in plan.tensors if ".experts." in one.tensor}
    assert len(experts) == 2 * 4 * 3
    assert set(map(str, experts.values())) == {"([12, 16], 6)"}


def held_apart(folder, **shapes):
    return checkpoint(folder, {f"{name}.weight": normal(*shape) for name, shape in {**APART, **shapes}.items()})


@pytest.mark.parametrize("turned", [False, True])
def test_either_way_that_peft_has_written_a_parameter_is_seen_from_its_shape(tmp_path, turned):
    change = delta(24, 16)
    written = replace(change, A=change.B.T, B=change.A.T) if turned else change
    result = fused(
        [one(Adapter({f"{BLOCK}.gate_up_proj[1]": written}))], held_apart(tmp_path / "base"), tmp_path / "out"
    )
    assert result.touched == (f"{BLOCK}.1.gate_proj.weight", f"{BLOCK}.1.up_proj.weight")
    before, after = tensors_of(tmp_path / "base"), tensors_of(tmp_path / "out")
    got = torch.cat([after[name] - before[name] for name in result.touched])
    assert torch.allclose(got, change.dense(), atol=1e-5)


def test_changes_of_experts_by_both_names_meet_in_one_matrix(tmp_path):
    both = {f"{BLOCK}.gate_up_proj[1]": delta(24, 16)}, {f"{BLOCK}.1.up_proj": delta(12, 16, seed=7)}
    want = both[0][f"{BLOCK}.gate_up_proj[1]"].dense()
    want[12:] += both[1][f"{BLOCK}.1.up_proj"].dense()
    parts = [one(Adapter(deltas), name=str(number)) for number, deltas in enumerate(both)]
    apart = held_apart(tmp_path / "apart")
    stacked = checkpoint(tmp_path / "stacked", {f"{BLOCK}.gate_up_proj": normal(3, 24, 16)}, hidden_size=16)
    fused(parts, apart, tmp_path / "one")
    fused(parts, stacked, tmp_path / "two")
    ones, twos = (
        {name: tensor - tensors_of(base)[name] for name, tensor in tensors_of(out).items()}
        for base, out in ((apart, tmp_path / "one"), (stacked, tmp_path / "two"))
    )
    got = torch.cat([ones[f"{BLOCK}.1.{leaf}.weight"] for leaf in ("gate_proj", "up_proj")])
    assert torch.allclose(got, want, atol=1e-5)
    assert torch.allclose(twos[f"{BLOCK}.gate_up_proj"][1], want, atol=1e-5)
    assert not twos[f"{BLOCK}.gate_up_proj"][[0, 2]].any()


@pytest.mark.parametrize("leaf", ["gate_proj", "up_proj", "down_proj"])
def test_the_experts_of_a_stack_are_changed_by_their_own_names(tmp_path, leaf):
    stacks = {f"{BLOCK}.gate_up_proj": normal(3, 24, 16), f"{BLOCK}.down_proj": normal(3, 16, 12)}
    change = delta(*LEAVES[leaf])
    base = checkpoint(tmp_path / "base", stacks, hidden_size=16)
    fused([one(Adapter({f"{BLOCK}.2.{leaf}": change}))], base, tmp_path / "out")
    rows = {"gate_proj": slice(0, 12), "up_proj": slice(12, 24), "down_proj": slice(0, 16)}[leaf]
    name = f"{BLOCK}.down_proj" if leaf == "down_proj" else f"{BLOCK}.gate_up_proj"
    want = {key: value.clone() for key, value in stacks.items()}
    want[name][2, rows] += change.dense()
    got = tensors_of(tmp_path / "out")
    assert all(torch.allclose(got[key], want[key], atol=1e-5) for key in want)


def refused(folder, adapter):
    with pytest.raises(DoesNotFit) as refusal:
        plan_fuse([one(adapter)], folder, recipe={})
    return str(refusal.value)


def test_a_square_is_not_guessed(tmp_path):
    base = held_apart(tmp_path / "base", **{name: (8, 16) for name in APART if "down" not in name})
    told = refused(base, Adapter({f"{BLOCK}.gate_up_proj[1]": delta(16, 16)}))
    assert "cannot be told from a square" in told
    lying = checkpoint(tmp_path / "stacked", {f"{BLOCK}.gate_up_proj": normal(3, 16, 16)}, hidden_size=16)
    assert "nobody can tell" in refused(lying, Adapter({f"{BLOCK}.1.up_proj": delta(8, 16)}))


def test_a_stack_that_lies_turned_has_no_place_for_an_expert_of_its_own(tmp_path):
    base = checkpoint(tmp_path / "base", {f"{BLOCK}.gate_up_proj": normal(3, 16, 24)}, hidden_size=16)
    assert "does not lie (out, in)" in refused(base, Adapter({f"{BLOCK}.1.up_proj": delta(12, 16)}))


@pytest.mark.parametrize(
    ("adapter", "told"),
    [
        (Adapter({f"{BLOCK}.gate_up_proj[3]": delta(24, 16)}), "[3] is 3 of 24×16 in this base"),
        (Adapter({f"{BLOCK}.gate_up_proj[1]": delta(20, 16)}), "the adapter changes 20×16"),
        (
            Adapter({f"{BLOCK}.down_proj[1]": delta(16, 12)}, magnitudes={f"{BLOCK}.down_proj[1]": normal(16)}),
            "has a DoRA magnitude",
        ),
    ],
)
def test_what_does_not_fit_experts_that_lie_apart_is_told(tmp_path, adapter, told):
    assert told in refused(held_apart(tmp_path / "base"), adapter)


def test_a_vector_of_an_expert_has_no_place_in_a_stack(tmp_path):
    base = checkpoint(tmp_path / "base", {f"{BLOCK}.gate_up_proj": normal(3, 24, 16)}, hidden_size=16)
    told = refused(base, Adapter(gains={f"{BLOCK}.1.up_proj": Gain(normal(12), "out")}))
    assert "no place for an IA3 vector" in told
    assert "the base has no weight" not in told
