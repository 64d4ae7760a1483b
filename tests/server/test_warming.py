"""What takes long is read aside, once; who asks meanwhile is told so."""

import os
import time
from threading import Event

import pytest

from adapterhub.reference import parse
from adapterhub.server import warming
from adapterhub.server.warming import Warming
from adapterhub.store.index.newest import Asked, newest
from adapterhub.store.index.sides import LOCK
from adapterhub.store.locks import alone
from adapterhub.verbs.matrix import groups
from tests.builders import entry, filled, tiny_adapter, tiny_base
from tests.server.running import running
from tests.verbs.hub_ground import desk_in


@pytest.fixture
def desk(tmp_path):
    filled(tmp_path / "store", "ada/poet", "bob/poet")
    return desk_in(tmp_path)


def left(desk):
    """How many adapters were not read."""
    return groups(desk, None)[1]


def settle(desk):
    """Let the index have no reason to look again."""
    old = time.time() - 3600
    os.utime(desk.store.layout.events, (old, old))


def test_everything_is_read_when_it_says_so(desk):
    assert left(desk) == 2
    assert Warming(desk).state() == "read"
    assert left(desk) == 0


def test_one_reads_at_a_time_and_who_asks_goes_on_after_a_while(desk, monkeypatch):
    monkeypatch.setattr(warming, "PATIENCE", 0.01)
    begun, may_end, real = [], Event(), warming.known_adapters
    monkeypatch.setattr(warming, "known_adapters", lambda desk: (begun.append(1), may_end.wait(60), real(desk)))
    one = Warming(desk)
    assert [one.state(), one.state()] == ["reading"] * 2
    may_end.set()
    monkeypatch.setattr(warming, "PATIENCE", 60.0)
    one._reading.join(60)
    assert len(begun) == 1
    assert one.state() == "read"
    assert left(desk) == 0


def test_only_a_large_store_is_read_before_anybody_asks(desk, monkeypatch):
    begun, told = [], Event()
    monkeypatch.setattr(warming, "known_adapters", lambda desk: (begun.append(1), told.set()))
    Warming(desk).begin()
    assert begun == []
    monkeypatch.setattr(warming, "MANY", 1)
    Warming(desk).begin()
    assert told.wait(60)


def test_a_fault_ends_nothing_but_the_reading(desk, monkeypatch, capsys):
    def broken(desk):
        raise RuntimeError("odd")

    monkeypatch.setattr(warming, "known_adapters", broken)
    assert Warming(desk).state() == "failed"
    assert "RuntimeError: odd" in capsys.readouterr().err


def test_what_cannot_be_read_is_not_tried_again_until_something_changes(desk, monkeypatch):
    digest = desk.store.publish(entry(9, rank=4), parse("ada/odd")).digest
    newest(desk.store, Asked(namespaces=None))  # its line is in the index, and then it is damaged
    desk.store.layout.blob(desk.store.open(digest).manifest.file("adapter_config.json").blob).unlink()
    begun, real = [], warming.known_adapters
    monkeypatch.setattr(warming, "known_adapters", lambda desk: (begun.append(1), real(desk)))
    one = Warming(desk)
    settle(desk)
    assert [one.state() for _ in range(5)] == ["read"] * 5
    assert left(desk) == 1
    assert len(begun) == 2  # the second time nothing was new
    desk.store.publish(entry(7, rank=3), parse("cy/poet"))
    assert left(desk) == 2
    assert one.state() == "read"
    assert left(desk) == 1


def test_a_base_tells_of_what_was_read_while_the_rest_is_being_read(tmp_path):
    with running(tmp_path / "served") as server:
        base = tiny_base(tmp_path / "tiny")
        card = server.hub.base_add(base).card.removeprefix("sha256:")
        server.hub.add(tiny_adapter(tmp_path / "a", seed=1), "ada/poet", base=base)
        with alone(server.hub.desk.store.layout.incoming, LOCK):
            page = server.ask("GET", f"/bases/{card}")
            assert "1 adapter not read yet" in page.text
            assert "ada/poet" not in page.text
        assert "ada/poet@1" in (page := server.ask("GET", f"/bases/{card}")).text
        assert "not read yet" not in page.text
