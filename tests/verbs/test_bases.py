"""Bases: a word becomes a card, a card a pin."""

from pathlib import Path

import pytest

from adapterhub.errors import BadReference, DoesNotFit, NotFound, Refused
from adapterhub.hub import Hub
from tests.builders import tiny_adapter, tiny_base, tree


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def test_a_base_is_kept_once_and_known_by_name_and_by_digest(hub: Hub, tmp_path: Path) -> None:
    shown = hub.base_add(tiny_base(tmp_path / "tiny"))
    assert hub.base_add(tmp_path / "tiny") == shown
    assert [base.name for base in hub.base_list()] == ["tiny"]
    assert hub.base_show("tiny") == shown
    assert hub.base_show(str(shown.weights_digest)[:16]).card == shown.card


@pytest.mark.parametrize("word", ["s", "sha", "sha256:", "sha256:0123", ""])
def test_a_few_letters_are_no_digest_of_a_base(hub: Hub, tmp_path: Path, word: str) -> None:
    hub.base_add(tiny_base(tmp_path / "tiny"))
    with pytest.raises(NotFound, match=r"no base is called .* here; known: tiny"):
        hub.base_show(word)


def test_showing_a_base_keeps_nothing(hub: Hub, tmp_path: Path) -> None:
    hub.base_show(tiny_base(tmp_path / "tiny"))
    assert not hub.store.exists()


def test_the_same_base_has_the_same_card_wherever_it_lies(hub: Hub, tmp_path: Path) -> None:
    first, second = (hub.base_add(tiny_base(tmp_path / name)) for name in ("one", "two"))
    assert first.card == second.card
    assert len(hub.base_list()) == 1


def test_two_bases_differ_where_their_tensors_do(hub: Hub, tmp_path: Path) -> None:
    tiny_base(tmp_path / "one")
    tiny_base(tmp_path / "two", modules=("q_proj", "k_proj"), seed=1)
    found = hub.base_diff(tmp_path / "one", tmp_path / "two")
    assert (found.changed, found.only_a, found.only_b, found.same) == (
        ("layers.0.q_proj.weight",),
        ("layers.0.v_proj.weight",),
        ("layers.0.k_proj.weight",),
        0,
    )


def test_what_is_no_base_says_what_one_is(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet")
    before = tree(hub.store)
    with pytest.raises(DoesNotFit, match="ada/poet@1 is of kind adapter, and a base is of kind model"):
        hub.base_add("ada/poet")
    with pytest.raises(BadReference, match="is a file; a base is a folder"):
        hub.base_add(tmp_path / "run" / "adapter_config.json")
    with pytest.raises(Refused, match="bases on a Hub cannot be read yet"):
        hub.base_add("hf:gpt2")
    with pytest.raises(NotFound):
        hub.base_add("./nowhere")
    assert tree(hub.store) == before
