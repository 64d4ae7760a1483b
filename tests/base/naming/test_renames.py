"""The table of renamed modules; that its rows are right is measured in test_find."""

import pytest

from adapterhub.base.naming.renames import RENAMES, renames


@pytest.mark.parametrize("name", RENAMES)
def test_no_two_phrases_become_one(name):
    phrases = RENAMES[name].phrases
    assert len(set(phrases.values())) == len(phrases)
    assert all(old.count("{}") == new.count("{}") for old, new in phrases.items())


@pytest.mark.parametrize("name", RENAMES)
def test_every_phrase_goes_there_and_back(name):
    there, back = dict(renames(None))[f"{name} 4 to 5"], dict(renames(None))[f"{name} 5 to 4"]
    for old in RENAMES[name].phrases:
        module = f"model.{old.format(*range(old.count('{}')))}"
        assert back(there(module)) == module


def test_a_type_has_its_own_rules_alone():
    assert [name for name, _ in renames("swin")] == ["swin 4 to 5", "swin 5 to 4"]
    assert list(renames("bert")) == []
