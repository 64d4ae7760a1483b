"""LoRA in GGUF: adapters are claimed and described, whole models are not."""

import math
from typing import Any

import pytest

from adapterhub.errors import Corrupt
from adapterhub.facts import Facts
from adapterhub.formats import gguf
from tests.formats.foreign_files import Folder, Tensor, checks, zeros
from tests.formats.foreign_files import gguf as written

KEYS = {
    "general.architecture": "llama",
    "general.type": "adapter",
    "adapter.type": "lora",
    "adapter.lora.alpha": 16.0,
}
Q = "blk.0.attn_q.weight"
PAIR = {f"{Q}.lora_a": Tensor(4, 64), f"{Q}.lora_b": Tensor(32, 4)}


def folder(tensors: dict[str, Tensor] = PAIR, **keys: Any) -> Folder:
    return Folder({"a.gguf": written({**KEYS, **keys}, tensors)})


def facts(tensors: dict[str, Tensor] = PAIR, **keys: Any) -> Facts:
    return gguf.facts(folder(tensors, **keys))


def test_an_adapter_is_described():
    assert gguf.claims(folder())
    found = facts(**{"adapter.lora.task_name": "sql"})
    assert (found.format, found.type, found.rank, found.alpha) == ("gguf", "LORA", 4, 16.0)
    assert (found.targets, found.modules, found.dtype, found.parameters) == (("attn_q",), 1, "F32", 384)
    assert (found.details, found.findings) == ({"version": 3, "architecture": "llama", "task_name": "sql"}, ())


@pytest.mark.parametrize(
    ("keys", "base"),
    [
        ({"general.base_model.0.repo_url": "https://example.org/org/base/"}, "org/base"),
        ({"general.base_model.0.name": "base", "general.base_model.0.organization": "org"}, "org/base"),
        ({"general.base_model.0.name": "base"}, "base"),
        ({}, None),
    ],
)
def test_the_base_is_named_as_well_as_the_file_can(keys, base):
    assert facts(**keys).base_name == base


def test_experts_have_one_dimension_more():
    found = facts(
        {"blk.0.ffn_up_exps.weight.lora_a": Tensor(3, 4, 8), "blk.0.ffn_up_exps.weight.lora_b": Tensor(3, 6, 4)}
    )
    assert (found.rank, found.findings) == (4, ())


def test_the_embedding_is_the_other_way_round():
    found = facts({"token_embd.weight.lora_a": Tensor(100, 4), "token_embd.weight.lora_b": Tensor(64, 4)})
    assert (found.rank, found.targets, found.findings) == (4, ("token_embd",), ())


@pytest.mark.parametrize("alpha", [0.0, None])
def test_without_an_alpha_nothing_is_scaled(alpha):
    keys = {key: value for key, value in {**KEYS, "adapter.lora.alpha": alpha}.items() if value is not None}
    found = gguf.facts(Folder({"a.gguf": written(keys, PAIR)}))
    assert (found.alpha, checks(found), found.health) == (None, ["no-alpha"], "ok")


def test_tokens_that_switch_it_on_are_kept():
    assert facts(**{"adapter.alora.invocation_tokens": [1, 2]}).details["invocation_tokens"] == [1, 2]
    assert "invocation_tokens" not in facts(**{"adapter.alora.invocation_tokens": [1.5, math.nan]}).details


@pytest.mark.parametrize(
    ("tensors", "check"),
    [
        ({f"{Q}.lora_a": Tensor(4, 64)}, "missing-half"),
        ({**PAIR, "blk.0.odd": Tensor(8)}, "unexplained-tensors"),
        ({**PAIR, f"{Q}.lora_b": zeros(32, 4)}, "untrained"),
        ({**PAIR, f"{Q}.lora_b": Tensor(32, 8)}, "factor-shapes"),
        ({}, "no-factors"),
    ],
)
def test_what_is_wrong_with_the_tensors_is_found(tensors, check):
    assert checks(facts(tensors)) == [check]


def test_norms_that_were_saved_too_are_no_finding():
    assert facts({**PAIR, "blk.0.attn_norm.weight": Tensor(8)}).findings == ()


@pytest.mark.parametrize("keys", [{"general.type": "model"}, {"general.type": 7}])
def test_a_whole_model_is_not_claimed(keys):
    assert not gguf.claims(folder(**keys))
    with pytest.raises(Corrupt, match=r"general\.type"):
        facts(**keys)


def test_a_damaged_file_is_claimed_so_that_somebody_says_what_is_wrong():
    members = Folder({"a.gguf": written(KEYS, PAIR)[:-1]})
    assert gguf.claims(members)
    with pytest.raises(Corrupt, match="cut off"):
        gguf.facts(members)


def test_other_files_are_not_claimed():
    assert not gguf.claims(Folder({"a.safetensors": b""}))
    assert not gguf.claims(Folder({"a.gguf": b"", "b.gguf": b""}))


@pytest.mark.parametrize("alpha", ["16", float("nan"), float("inf"), True])
def test_an_alpha_that_is_no_number_is_refused(alpha):
    with pytest.raises(Corrupt, match=r"a\.gguf: adapter\.lora\.alpha"):
        facts(**{"adapter.lora.alpha": alpha})
