"""cloneofsimo's files: layers by number, classes and ranks in the metadata, tokens beside them."""

import pytest

from adapterhub.facts import Facts
from adapterhub.formats import cloneofsimo
from tests.formats.foreign_files import Folder, Tensor, checks, safetensors, zeros

METADATA = {"unet": '["CrossAttention", "GEGLU"]', "unet:0:rank": "4", "text_encoder": '["CLIPAttention"]'}


def pair(model: str = "unet", layer: int = 0, rank: int = 4) -> dict[str, Tensor]:
    return {f"{model}:{layer}:up": Tensor(6, rank), f"{model}:{layer}:down": Tensor(rank, 8)}


def facts(tensors: dict[str, Tensor], metadata: dict[str, str] = METADATA) -> Facts:
    members = Folder({"a.safetensors": safetensors(tensors, metadata)})
    assert cloneofsimo.claims(members)
    return cloneofsimo.facts(members)


def test_a_file_is_described():
    found = facts(pair() | pair("unet", 1) | pair("text_encoder"))
    assert (found.format, found.type, found.rank, found.ranks) == ("cloneofsimo", "LORA", 4, {"4": 3})
    assert found.targets == ("CLIPAttention", "CrossAttention", "GEGLU")
    assert (found.details, found.health) == ({"components": {"unet": 2, "text_encoder": 1}}, "ok")


def test_tokens_are_named_and_are_no_modules():
    found = facts({**pair(), "<s1>": Tensor(8), "cat": Tensor(8)}, {**METADATA, "cat": "<embed>"})
    assert (found.modules, found.details["tokens"], found.findings) == (1, ["<s1>", "cat"], ())


def test_another_rank_in_the_metadata_is_told_and_the_tensors_count():
    found = facts(pair(rank=2))
    assert (found.rank, checks(found)) == (2, ["rank-differs"])


@pytest.mark.parametrize("said", ["", "{", "3", "[3, {}]", "[" * 99_999])
def test_classes_that_cannot_be_read_name_no_target(said):
    assert facts(pair(), {"unet": said}).targets == ()


@pytest.mark.parametrize(
    ("tensors", "check"),
    [
        ({"unet:0:up": Tensor(6, 4)}, "missing-half"),
        ({**pair(), "unet:0": Tensor(1)}, "unexplained-tensors"),
        ({**pair(), "unet:0:up": zeros(6, 4)}, "untrained"),
        ({**pair(), "unet:0:up": Tensor(6, 3)}, "factor-shapes"),
    ],
)
def test_what_is_wrong_with_the_tensors_is_found(tensors, check):
    assert checks(facts(tensors)) == [check]


def test_a_file_of_other_names_is_not_claimed():
    for name in ("unet:up", "unet:0:rank", f"unet:{'1' * 5000}:up"):
        assert not cloneofsimo.claims(Folder({"a.safetensors": safetensors({name: Tensor(1, 1)})}))
