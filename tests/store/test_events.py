"""Events tell who did what, one file each."""

from pathlib import Path

import pytest

from adapterhub.errors import NotFound
from adapterhub.hub import Hub
from adapterhub.store.check import check
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
@pytest.mark.parametrize("about", ["", "ada/poet"])
def test_an_event_that_cannot_be_read_is_told_where_it_stands_and_hides_no_other(
    tmp_path: Path, data: bytes, about: str
) -> None:
    store = filled(tmp_path, "ada/poet")
    (store.layout.events / "2099-x.json").write_bytes(data)
    published, odd = store.events.all(about)
    assert (published.action, odd.action, odd.time, odd.reference) == ("publish", "unreadable", "2099", "")
    assert "2099-x.json: " in odd.detail
    assert "adapterhub check" in odd.detail


def test_a_log_with_an_event_that_cannot_be_read_is_shown(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    (store.layout.events / "2099-x.json").write_bytes(b"")
    hub = Hub.open(tmp_path)
    assert [event.action for event in hub.log()] == ["publish", "unreadable"]
    assert [event.action for event in hub.log("ada/poet")] == ["publish", "unreadable"]
    with pytest.raises(NotFound, match="ada/x: no such adapter"):
        hub.log("ada/x")
    assert [damage.kind for damage in check(store).damage] == ["bad-event"]


def test_without_a_store_nothing_was_done(tmp_path: Path) -> None:
    assert list(Store(tmp_path / "none").events.all()) == []
