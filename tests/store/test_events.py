"""Events tell who did what, one file each."""

from pathlib import Path

import pytest

from adapterhub.errors import Corrupt
from adapterhub.store.store import Store
from tests.builders import POET, entry, filled
from tests.contract import library


def test_every_deed_leaves_one_event_in_the_order_of_time(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.alias(POET, "prod")
    store.note(POET.at("1"), store.say(entry(0).digest, "tags", {"add": ["calm"]}))
    store.publish(entry(1), POET)
    store.remove(POET.at("2"))
    told = [(event.action, event.reference, event.detail, event.by) for event in store.events.all()]
    assert told == [
        ("publish", "ada/poet@1", "", "ada"),
        ("alias", "ada/poet@1", "prod", "ada"),
        ("note", "ada/poet@1", "tags", "ada"),
        ("publish", "ada/poet@2", "", "ada"),
        ("remove", "ada/poet@2", "", "ada"),
    ]


def test_events_about_one_name_leave_out_the_others(tmp_path: Path) -> None:
    store = library(tmp_path)
    assert {event.reference for event in store.events.all("bob/ode")} == {"bob/ode@1"}
    assert list(store.events.all("bob/od")) == []


def test_an_event_that_is_taken_back_while_others_read_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path, "ada/poet")
    names = store.events.files()
    monkeypatch.setattr(type(store.events), "files", lambda _: [*names, "2099-taken-back.json"])
    assert len(list(store.events.all())) == 1


@pytest.mark.parametrize("data", [b"", b"[]", b"5", b'{"reference":"ada/poet@1"}', b"[" * 100_000])
def test_an_event_that_cannot_be_read_is_corrupt_and_named(tmp_path: Path, data: bytes) -> None:
    store = filled(tmp_path, "ada/poet")
    (store.layout.events / "2099-x.json").write_bytes(data)
    with pytest.raises(Corrupt, match=r"2099-x\.json: "):
        list(store.events.all())


def test_without_a_store_nothing_was_done(tmp_path: Path) -> None:
    assert list(Store(tmp_path / "none").events.all()) == []
