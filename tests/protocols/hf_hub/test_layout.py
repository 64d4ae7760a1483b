"""Where an entry's things lie in a repository, and what its tags mean."""

import pytest

from adapterhub.digest import Digest
from adapterhub.protocols.hf_hub.layout import (
    alias_of,
    alias_tag,
    base_of,
    base_path,
    is_version,
    note_of,
    note_path,
    reserved,
)

ABOUT, NOTE = Digest.of(b"about"), Digest.of(b"note")


def test_a_path_says_what_it_was_made_of() -> None:
    assert note_of(note_path(ABOUT, NOTE)) == (ABOUT, NOTE)
    assert base_of(base_path(NOTE)) == NOTE


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        f".adapterhub/notes/{ABOUT.hex}/x.json",
        f"x/{note_path(ABOUT, NOTE)}",
        f"{note_path(ABOUT, NOTE)}\n",
    ],
)
def test_any_other_path_is_neither_a_note_nor_a_card(path: str) -> None:
    assert note_of(path) is None
    assert base_of(path) is None


@pytest.mark.parametrize("path", ["adapterhub.json", "AdapterHub.JSON", ".adapterhub/x", ".AdapterHub/x"])
def test_our_own_paths_are_ours_however_they_are_spelled(path: str) -> None:
    assert reserved(path)


def test_an_alias_is_no_version_and_a_version_no_alias() -> None:
    assert alias_of(alias_tag("prod")) == "prod"
    assert not is_version(alias_tag("prod"))
    assert is_version("v1.2")
    assert alias_of("v1.2") is None
    assert alias_of("alias/a/b") is None
