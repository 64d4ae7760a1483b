"""Adapters that are audited alike, counted, for those who may see them."""

import json
import os
import time

import pytest

from adapterhub.entry import Entry
from adapterhub.errors import Corrupt
from adapterhub.reference import parse
from adapterhub.store.index import alike as counting
from adapterhub.store.index.alike import Alike, alike, members, texts
from adapterhub.store.index.sides import Maker, known
from tests.builders import POET, digest_of, entry, filled

ALL, NOBODY = None, frozenset()


def rank(entry: Entry) -> bytes:
    """The side of an entry is the rank in its config."""
    with entry.open("adapter_config.json") as stream:
        return json.dumps({"r": json.load(stream)["r"]}).encode()


MAKER = Maker(1, frozenset({"peft"}), rank)


def settle(store):
    """Let the index have no reason to look again."""
    old = time.time() - 3600
    os.utime(store.layout.events, (old, old))


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "store", "ada/poet", "ada/chat", "bob/sql")


def test_what_nobody_has_read_yet_has_no_side(store):
    assert alike(store, MAKER, ALL) == (Alike("", "", "", 3),)
    assert texts(store, alike(store, MAKER, ALL)) == {}


def test_adapters_of_one_layout_and_pin_are_one_group(store):
    known(store, MAKER)
    store.note(POET, store.say(digest_of(store, POET), "base", {"evidence": "name", "source": "hf:org/tiny"}))
    one, other = sorted(alike(store, MAKER, ALL), key=lambda group: group.count)
    assert (one.count, other.count) == (1, 2)
    assert one.side == other.side
    assert json.loads(one.pin)["source"] == "hf:org/tiny"
    assert texts(store, [one, other]) == {one.side: b'{"r": 2}'}
    both = [one.key, other.key]
    assert [name for name, _, _ in members(store, MAKER, both, ALL, 9)] == ["ada/chat@1", "ada/poet@1", "bob/sql@1"]
    assert members(store, MAKER, [other.key], ALL, 1) == [("ada/chat@1", str(digest_of(store, "ada/chat")), other.key)]
    assert members(store, MAKER, [], ALL, 9) == []


def test_they_are_counted_once_as_long_as_nothing_changes(store, monkeypatch):
    known(store, MAKER)
    settle(store)
    first = alike(store, MAKER, ALL)
    assert alike(store, MAKER, ALL) is first
    assert alike(store, MAKER, frozenset({"bob"})) != first
    store.publish(entry(9), parse("cy/new"))
    known(store, MAKER)
    assert [group.count for group in alike(store, MAKER, ALL)] == [4]
    settle(store)
    monkeypatch.setattr(counting, "REMEMBERED", 1)
    assert alike(store, MAKER, ALL) == alike(store, MAKER, ALL)
    assert len(counting._COUNTED) == 1
    assert alike(store, Maker(7, MAKER.formats, rank), ALL)[0].side == ""


def test_everybody_is_told_of_what_he_may_see(store):
    known(store, MAKER)
    assert alike(store, MAKER, NOBODY) == ()
    (group,) = alike(store, MAKER, frozenset({"bob"}))
    assert group.count == 1
    assert [name for name, _, _ in members(store, MAKER, [group.key], frozenset({"bob"}), 9)] == ["bob/sql@1"]


def test_what_cannot_be_read_is_a_group_without_a_side(store):
    def make(entry: Entry) -> bytes:
        if entry.digest == digest_of(store, "ada/chat"):
            raise Corrupt("the weights are cut off")
        return rank(entry)

    known(store, Maker(1, frozenset({"peft"}), make))
    assert sorted((one.side != "", one.count) for one in alike(store, MAKER, ALL)) == [(False, 1), (True, 2)]


def test_other_formats_are_in_no_group(store):
    assert alike(store, Maker(1, frozenset({"mlx"}), rank), ALL) == ()
