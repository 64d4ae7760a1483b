"""The words of a pull: references, places on the Hub, and the names these get."""

import pytest

from adapterhub.errors import BadReference, WrongUsage
from adapterhub.verbs.wanted import wanted


def read(*words: str, remote: str | None = None) -> list[tuple[str, str | None, bool]]:
    return [(str(one.reference.here()), one.remote, one.address is not None) for one in wanted(words, remote)]


def test_a_place_on_the_hub_is_kept_under_its_own_name_or_under_the_one_that_follows() -> None:
    assert read("hf:org/poet@refs/pr/1", "hf:gpt2-lora#inner", "ada/gpt2@2", "hf:org/ode") == [
        ("org/poet", "hf", True),
        ("ada/gpt2@2", "hf", True),
        ("org/ode", "hf", True),
    ]


def test_a_reference_in_a_remote_is_no_name_for_what_stands_before_it() -> None:
    assert read("hf:org/poet", "team:ada/poet@1") == [("org/poet", "hf", True), ("ada/poet@1", "team", False)]


def test_the_remote_that_is_named_is_that_of_words_without_one() -> None:
    assert read("ada/poet", "team:ada/ode", remote="team") == [("ada/poet", "team", False), ("ada/ode", "team", False)]
    with pytest.raises(WrongUsage, match="names the remote team, --from other"):
        read("team:ada/ode", remote="other")


def test_half_a_name_is_not_enough_and_a_digest_is_no_version() -> None:
    with pytest.raises(WrongUsage, match="hf:gpt2-lora has no organisation"):
        read("hf:gpt2-lora")
    with pytest.raises(WrongUsage, match="a version is a word"):
        read("hf:org/poet", f"ada/poet@sha256:{'0' * 64}")
    with pytest.raises(BadReference):
        read("hf:")
