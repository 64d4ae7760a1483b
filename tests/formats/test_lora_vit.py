"""LoRA-ViT's files: numbered halves, which are sometimes only one half."""

import pytest

from adapterhub.facts import Facts
from adapterhub.formats import lora_vit
from tests.formats.foreign_files import Folder, Tensor, checks, safetensors, zeros


def halves(half: str, count: int = 4, rank: int = 2) -> dict[str, Tensor]:
    shape = (rank, 8) if half == "a" else (8, rank)
    return {f"w_{half}_{number:03d}": Tensor(*shape) for number in range(count)}


def facts(tensors: dict[str, Tensor]) -> Facts:
    members = Folder({"lora.safetensors": safetensors(tensors)})
    assert lora_vit.claims(members)
    return lora_vit.facts(members)


def test_a_file_is_described():
    found = facts({**halves("a"), **halves("b"), "fc_8in_10out": Tensor(10, 8)})
    assert (found.format, found.type, found.rank, found.ranks) == ("lora-vit", "LORA", 2, {"2": 4})
    assert (found.targets, found.modules, found.parameters) == (("query", "value"), 4, 128)
    assert (found.details, found.findings) == ({"head": {"in": 8, "out": 10}}, ())


@pytest.mark.parametrize(("half", "lacking"), [("a", "no up factor"), ("b", "no down factor")])
def test_one_half_alone_is_an_error(half, lacking):
    found = facts(halves(half))
    (finding,) = found.findings
    assert (finding.check, finding.severity, found.rank) == ("missing-half", "error", 2)
    assert "4 of 4" in finding.message
    assert lacking in finding.message


@pytest.mark.parametrize(
    ("tensors", "check"),
    [
        ({"w_a_000": Tensor(2, 8), "w_b_000": zeros(8, 2)}, "untrained"),
        ({"w_a_000": Tensor(2, 8), "w_b_000": Tensor(8, 3)}, "factor-shapes"),
        ({**halves("a"), **halves("b"), "odd": Tensor(1)}, "unexplained-tensors"),
    ],
)
def test_what_is_wrong_with_the_tensors_is_found(tensors, check):
    assert checks(facts(tensors)) == [check]


def test_a_file_of_other_names_is_not_claimed():
    assert not lora_vit.claims(Folder({"a.safetensors": safetensors({"w_c_000": Tensor(2, 8)})}))
    assert not lora_vit.claims(Folder({"a.safetensors": b"{"}))
