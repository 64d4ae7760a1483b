"""Normal form: what is written is what is read, the bytes are fixed, and peft loads it without a word."""

import copy
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.formats.members import FolderMembers
from adapterhub.formats.peft import factor_tensors, facts
from adapterhub.formats.peft_config import read
from adapterhub.formats.peft_write import Beside, Factors, normal_config, write
from adapterhub.formats.safetensors_write import Raw
from tests.formats.foreign_files import checks
from tests.formats.peft_folders import CONFIG, WEIGHTS


def factors(rank=2, into=5, out=4, seed=0):
    rolls = np.random.default_rng(seed)
    A, B = rolls.normal(size=(rank, into)), rolls.normal(size=(out, rank))
    return Factors(A.astype(np.float32), B.astype(np.float32))


def members_of(folder):
    return FolderMembers({path.name: path for path in folder.iterdir()})


def test_golden_config_of_two_ranks(tmp_path):
    write({"b.v": factors(2), "b.q": factors(2), "a.q": factors(3)}, tmp_path, base_name="org/base", task="CAUSAL_LM")
    assert json.loads((tmp_path / CONFIG).read_text()) == {
        "alpha_pattern": {"a.q": 3}, "base_model_name_or_path": "org/base", "bias": "none", "fan_in_fan_out": False,
        "inference_mode": True, "init_lora_weights": True, "lora_alpha": 2, "lora_dropout": 0.0,
        "modules_to_save": None, "peft_type": "LORA", "r": 2, "rank_pattern": {"a.q": 3}, "revision": None,
        "target_modules": ["a.q", "b.q", "b.v"], "task_type": "CAUSAL_LM", "use_dora": False, "use_rslora": False,
    }  # fmt: skip


def test_the_same_deltas_are_the_same_bytes_in_any_order(tmp_path):
    deltas = {name: factors(rank, seed=rank) for name, rank in (("q", 2), ("v", 3), ("o", 4))}
    write(deltas, tmp_path / "a")
    write(dict(reversed(deltas.items())), tmp_path / "b")
    for name in (CONFIG, WEIGHTS):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_further_fields_win(tmp_path):
    write({"c_attn": factors()}, tmp_path, fields={"fan_in_fan_out": True, "revision": "abc"})
    config = json.loads((tmp_path / CONFIG).read_text())
    assert config["fan_in_fan_out"] is True
    assert config["revision"] == "abc"


def test_what_is_written_has_its_facts_and_no_faults(tmp_path):
    write({"q": factors(2), "v": factors(3)}, tmp_path, base_name="org/base")
    told = facts(members_of(tmp_path))
    assert (told.rank, told.ranks, told.targets, checks(told)) == (3, {"2": 1, "3": 1}, ("q", "v"), [])
    assert factor_tensors(members_of(tmp_path)).header.metadata == {"format": "pt"}


MODULES = st.lists(st.sampled_from("abc01"), min_size=1, max_size=3).map(".".join)


@given(st.dictionaries(MODULES, st.integers(1, 4), min_size=1, max_size=6))
def test_every_module_gets_its_rank_and_a_scale_of_one(ranks):
    config = read(json.dumps(normal_config(ranks)).encode(), CONFIG)
    assert {module: config.rank_of(module) for module in ranks} == ranks
    assert all(config.scaling(module, rank) == 1.0 for module, rank in ranks.items())


@settings(deadline=None, max_examples=20)
@given(st.dictionaries(MODULES, st.integers(1, 4), min_size=1, max_size=4))
def test_the_values_come_back_bit_for_bit(tmp_path_factory, ranks):
    from safetensors.numpy import load_file

    folder = tmp_path_factory.mktemp("w")
    deltas = {module: factors(rank, seed=number) for number, (module, rank) in enumerate(ranks.items())}
    write(deltas, folder)
    values, parts = load_file(folder / WEIGHTS), factor_tensors(members_of(folder))
    for module, one in deltas.items():
        assert (values[parts.modules[module]["A"].name] == one.A).all()
        assert (values[parts.modules[module]["B"].name] == one.B).all()


@pytest.mark.parametrize("shapes", [((2, 5), (4, 3)), ((5,), (4, 5)), ((0, 5), (4, 0))])
def test_factors_that_do_not_meet_do_not_fit(tmp_path, shapes):
    with pytest.raises(DoesNotFit, match="q: wanted A"):
        write({"q": Factors(*map(np.zeros, shapes))}, tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_an_adapter_without_modules_is_not_written(tmp_path):
    with pytest.raises(WrongUsage, match="without modules"):
        write({}, tmp_path / "w")


def test_peft_loads_it_without_a_warning_and_adds_the_same(tmp_path):
    from peft import PeftModel

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ModuleDict({"0": torch.nn.Linear(4, 5)}))
    model.forward = lambda x: model[1]["0"](model[0](x))
    deltas = {"0": factors(2), "1.0": factors(3, 4, 5, seed=1)}  # "0" is also the end of "1.0"
    write(deltas, tmp_path)
    x = torch.randn(7, 5)
    plain = [model[0].weight.detach().clone(), model[1]["0"].weight.detach().clone()]
    got = PeftModel.from_pretrained(model, tmp_path)(x)
    first, second = (w + torch.from_numpy(one.B @ one.A) for w, one in zip(plain, deltas.values(), strict=True))
    wanted = (x @ first.T + model[0].bias) @ second.T + model[1]["0"].bias
    torch.testing.assert_close(got, wanted)


class Model(torch.nn.Module):
    """One module of each kind, as peft needs it."""

    def __init__(self):
        super().__init__()
        self.wte, self.conv = torch.nn.Embedding(9, 4), torch.nn.Conv1d(4, 6, 3, padding=1)
        self.proj, self.norm = torch.nn.Linear(6, 5), torch.nn.LayerNorm(5)
        self.score = torch.nn.Linear(5, 2)

    def forward(self, ids):
        return self.score(self.norm(self.proj(self.conv(self.wte(ids).mT).mT)))


def test_every_kind_of_part_comes_back_from_peft(tmp_path):
    from peft import PeftModel

    torch.manual_seed(0)
    model, ids = Model(), torch.arange(8).view(2, 4)
    wanted = copy.deepcopy(model)
    embedding, conv, proj = factors(2, 9, 4), factors(2, 12, 6), factors(2, 6, 5)
    bias, head = factors(1, 5, 1).A[0], {"score.weight": factors(2, 5).A, "score.bias": factors(1, 2).A[0]}
    stored = {name: Raw.of(tensor) for name, tensor in head.items()}
    pieces = {
        "wte": Factors(embedding.A, embedding.B, "embedding"),
        "conv": Factors(conv.A, conv.B, "conv", (3,)),
        "proj": proj,
    }
    write(pieces, tmp_path, beside=Beside(biases={"norm": Raw.of(bias), "proj": Raw.of(bias)}, tensors=stored))
    with torch.no_grad():
        wanted.wte.weight += torch.from_numpy((embedding.B @ embedding.A).T)
        wanted.conv.weight += torch.from_numpy(conv.B @ conv.A).view(6, 4, 3)
        wanted.proj.weight += torch.from_numpy(proj.B @ proj.A)
        wanted.norm.bias.copy_(torch.from_numpy(bias))
        wanted.proj.bias.copy_(torch.from_numpy(bias))
        wanted.score.load_state_dict({name.removeprefix("score."): torch.from_numpy(t) for name, t in head.items()})
    torch.testing.assert_close(PeftModel.from_pretrained(model, tmp_path)(ids), wanted(ids))


def test_biases_of_b_and_trained_tokens_come_back_from_peft(tmp_path):
    from peft import PeftModel

    torch.manual_seed(0)
    model, ids = Model(), torch.arange(8).view(2, 4)
    wanted = copy.deepcopy(model)
    one, other, row = factors(2, 6, 5), factors(2, 5, 2), factors(1, 4, 1).A
    shift = factors(1, 5, 1).A[0]
    pieces = {"proj": Factors(one.A, one.B, bias=shift), "score": other}
    write(pieces, tmp_path, beside=Beside(rows={"wte": ((3,), Raw.of(row))}))
    with torch.no_grad():
        wanted.proj.weight += torch.from_numpy(one.B @ one.A)
        wanted.proj.bias += torch.from_numpy(shift)
        wanted.score.weight += torch.from_numpy(other.B @ other.A)
        wanted.wte.weight[3] = torch.from_numpy(row[0])
    torch.testing.assert_close(PeftModel.from_pretrained(model, tmp_path)(ids), wanted(ids))


class Experts(torch.nn.Module):
    """Two experts as transformers holds them: (E, out, in), used as parameters."""

    def __init__(self):
        super().__init__()
        self.gate_up_proj = torch.nn.Parameter(torch.randn(2, 10, 6))
        self.down_proj = torch.nn.Parameter(torch.randn(2, 6, 5))

    def forward(self, x):
        inner = torch.einsum("eoi,bi->beo", self.gate_up_proj, x)
        return torch.einsum("eoi,bei->bo", self.down_proj, inner[..., :5] * inner[..., 5:])


class Mixture(torch.nn.Module):
    """A layer before some experts."""

    def __init__(self):
        super().__init__()
        self.proj, self.experts = torch.nn.Linear(6, 6), Experts()

    def forward(self, x):
        return self.experts(self.proj(x))


def test_experts_come_back_from_peft(tmp_path):
    from peft import PeftModel

    torch.manual_seed(0)
    model, x = Mixture(), torch.randn(3, 6)
    wanted = copy.deepcopy(model)
    shapes = {"gate_up_proj": (6, 10), "down_proj": (5, 6)}
    pieces = {
        f"experts.{leaf}[{e}]": factors(2 + e, into, out, seed=e + into)
        for leaf, (into, out) in shapes.items()
        for e in range(2)
    }
    pieces["proj"] = factors(2, 6, 6)
    write(pieces, tmp_path)
    with torch.no_grad():
        wanted.proj.weight += torch.from_numpy(pieces["proj"].B @ pieces["proj"].A)
        for leaf in shapes:
            for e in range(2):
                one = pieces[f"experts.{leaf}[{e}]"]
                getattr(wanted.experts, leaf)[e] += torch.from_numpy(one.B @ one.A)
    torch.testing.assert_close(PeftModel.from_pretrained(model, tmp_path)(x), wanted(x), rtol=1e-5, atol=1e-4)


def test_a_module_with_factors_and_a_weight_of_its_own_keeps_both(tmp_path):
    from peft import PeftModel

    torch.manual_seed(0)
    model, ids = Model(), torch.arange(8).view(2, 4)
    wanted, head, weight = copy.deepcopy(model), factors(2, 5, 2), factors(2, 5).A
    write({"score": head}, tmp_path, beside=Beside(tensors={"score.weight": Raw.of(weight)}))
    with torch.no_grad():
        wanted.score.weight.copy_(torch.from_numpy(weight + head.B @ head.A))
    torch.testing.assert_close(PeftModel.from_pretrained(model, tmp_path)(ids), wanted(ids))
