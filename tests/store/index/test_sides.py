"""What the audit needs of every adapter, kept in the index."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from adapterhub.entry import Entry
from adapterhub.errors import Corrupt
from adapterhub.store.index import sides
from adapterhub.store.index.sides import Maker, known
from tests.builders import POET, digest_of, filled


class Making:
    """A maker that counts: the side of an entry is the rank in its config."""

    def __init__(self, version: int = 1, formats: tuple[str, ...] = ("peft",)) -> None:
        self.made: list[str] = []
        self.maker = Maker(version, frozenset(formats), self.make)

    def make(self, entry: Entry) -> bytes:
        self.made.append(str(entry.digest))
        with entry.open("adapter_config.json") as stream:
            return json.dumps({"r": json.load(stream)["r"]}).encode()


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "store", "ada/poet", "ada/chat", "ada/sql")


def test_a_side_is_made_once_for_each_entry_and_kept_once_for_each_layout(store):
    first = Making()
    found = known(store, first.maker)
    assert [row.reference for row in found.rows] == ["ada/chat@1", "ada/poet@1", "ada/sql@1"]
    assert list(found.sides.values()) == [b'{"r": 2}']
    assert len(first.made) == 3
    second = Making()
    assert known(store, second.maker) == found
    assert second.made == []


def test_of_two_who_ask_at_once_one_makes_the_sides(store):
    known(store, Making(1).maker)  # so that the index itself is there
    making = Making(2)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: known(store, making.maker), range(2)))
    assert len(making.made) == 3
    assert found[0] == found[1]


def test_another_version_of_the_audit_makes_all_of_them_again(store):
    known(store, Making(1).maker)
    later = Making(2)
    known(store, later.maker)
    assert len(later.made) == 3


def test_progress_is_told(store, monkeypatch):
    monkeypatch.setattr(sides, "BATCH", 2)
    steps = []
    known(store, Making().maker, lambda done, total: steps.append((done, total)))
    assert steps == [(2, 3), (3, 3)]


def test_a_damaged_entry_hides_no_other_and_is_tried_again(store):
    path = store.layout.blob(digest_of(store, "ada/chat"))
    path.unlink()
    found = known(store, Making().maker)
    assert [row.reference for row in found.rows] == ["ada/poet@1", "ada/sql@1"]
    assert found.damaged == ("ada/chat@1",)


def test_an_entry_whose_files_cannot_be_read_is_told_too(store):
    making, chat = Making(), digest_of(store, "ada/chat")

    def make(entry: Entry) -> bytes:
        if entry.digest == chat:
            raise Corrupt("the weights are cut off")
        return making.make(entry)

    assert known(store, Maker(1, frozenset({"peft"}), make)).damaged == ("ada/chat@1",)
    assert known(store, making.maker).damaged == ()


def test_other_formats_are_counted(store):
    found = known(store, Making(formats=("mlx",)).maker)
    assert (found.rows, found.others, found.damaged) == ((), 3, ())


def test_a_base_that_is_noted_later_is_in_the_row(store):
    known(store, Making().maker)
    store.note(POET, store.say(digest_of(store, POET), "base", {"evidence": "name", "source": "hf:org/tiny"}))
    pins = {row.reference: row.pin for row in known(store, Making().maker).rows}
    assert pins == {"ada/chat@1": "", "ada/poet@1": '{"evidence":"name","source":"hf:org/tiny"}', "ada/sql@1": ""}


def test_where_nothing_can_be_written_the_sides_are_made_and_not_kept(store):
    store.layout.index.mkdir()
    for _ in range(2):
        making = Making()
        assert len(known(store, making.maker).rows) == 3
        assert len(making.made) == 3
