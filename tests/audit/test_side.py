"""An adapter's side of a fit, as bytes and back."""

import dataclasses

import pytest

from adapterhub.audit.adapter import Adapter, Target
from adapterhub.audit.fit import fit
from adapterhub.audit.read import adapter_of
from adapterhub.audit.side import OWN, read_side, side_of
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats.members import FolderMembers
from adapterhub.formats.peft_config import read
from adapterhub.manifest import BasePin
from tests.audit.builders import card
from tests.builders import tiny_adapter

FULL = Adapter(
    name="ada/poet",
    facts=Facts(format="peft", rank=8, ranks={"8": 2}, findings=(Finding(check="odd", severity="info"),)),
    targets={
        "h.10.b": Target((2, 3)),
        "h.2.a": Target(),
        "experts.up": Target((4, 2, 3), stacked=True),
        "f": Target((2, -1), flat=True),
    },
    digest="sha256:" + "1" * 64,
    saved={"score.weight": (2, 3), "scale": ()},
    unread=("mlp.experts",),
    listed=("a", "b"),
    transposed=True,
    model_type="opt",
    pin=BasePin(evidence="name"),
    noted=BasePin(evidence="name"),
    recorded=card(),
    config=read(b'{"r": 8, "rank_pattern": {"^h.2": 4}, "odd": "\\ud83d\\ude00"}', "config"),
    roles=frozenset({"A", "B"}),
    reasons={"score.weight": "head"},
    tokens={"embed": (1, 7)},
    files=("adapter_config.json",),
)


def told(adapter: Adapter) -> dict[str, object]:
    """Every field that is not one adapter's alone, in a form that can be compared, order and all."""
    fields = {
        field.name: getattr(adapter, field.name) for field in dataclasses.fields(adapter) if field.name not in OWN
    }
    config = adapter.config
    fields["config"] = config and (config.fields, config.r, config.alpha, config.ranks.values, config.alphas.values)
    return {name: list(value.items()) if isinstance(value, dict) else value for name, value in fields.items()}


def test_every_field_comes_back_in_its_order():
    empty = [field.name for field in dataclasses.fields(FULL) if not getattr(FULL, field.name)]
    assert empty == []  # a field that is added must be in this adapter, and so in the side
    assert told(read_side(side_of(FULL))) == told(FULL)


def test_what_belongs_to_one_adapter_alone_does_not_come_back():
    back = read_side(side_of(FULL))
    assert [name for name in OWN if getattr(back, name)] == []


def test_adapters_of_one_layout_have_one_side(tmp_path):
    def side(name, **fields):
        folder = tiny_adapter(tmp_path / name, **fields)
        return side_of(adapter_of(FolderMembers({path.name: path for path in folder.iterdir()}), name))

    assert side("a", seed=1) == side("b", seed=2)
    assert side("c", rank=3) != side("a", seed=1)
    assert side("d", use_rslora=True) != side("a", seed=1)


@pytest.mark.parametrize("base", [card(), card({"h.2.a": (2, 3)}), card({"h.10.b": (9, 9)})])
def test_a_side_that_was_kept_fits_as_the_adapter_does(base):
    bare = dataclasses.replace(FULL, name="", digest=None, pin=None, noted=None, recorded=None)
    assert fit(read_side(side_of(FULL)), base) == fit(bare, base)
