"""What takes long is read aside, once; who asks meanwhile is told so."""

from threading import Event

import pytest

from adapterhub.server import warming
from adapterhub.server.warming import Warming
from adapterhub.store.index.sides import LOCK
from adapterhub.store.locks import alone
from adapterhub.verbs import hub_list
from adapterhub.verbs.matrix import unread
from tests.builders import filled, tiny_adapter, tiny_base
from tests.server.running import running
from tests.verbs.hub_ground import desk_in


@pytest.fixture
def desk(tmp_path):
    filled(tmp_path / "store", "ada/poet", "bob/poet")
    return desk_in(tmp_path)


def test_everything_is_read_when_it_says_so(desk):
    assert unread(desk, None) == 2
    assert Warming(desk).done()
    assert unread(desk, None) == 0


def test_one_reads_at_a_time_and_who_asks_goes_on_after_a_while(desk, monkeypatch):
    monkeypatch.setattr(warming, "PATIENCE", 0.01)
    begun, may_end, real = [], Event(), warming.known_adapters
    monkeypatch.setattr(warming, "known_adapters", lambda desk: (begun.append(1), may_end.wait(60), real(desk)))
    one = Warming(desk)
    assert not one.done()
    assert not one.done()
    assert len(begun) == 1
    may_end.set()
    monkeypatch.setattr(warming, "PATIENCE", 60.0)
    assert one.done()
    assert unread(desk, None) == 0


def test_only_a_large_store_is_read_before_anybody_asks(desk, monkeypatch):
    begun, told = [], Event()
    monkeypatch.setattr(warming, "known_adapters", lambda desk: (begun.append(1), told.set()))
    Warming(desk).begin()
    assert begun == []
    monkeypatch.setattr(hub_list, "MANY", 1)
    Warming(desk).begin()
    assert told.wait(60)


def test_a_fault_ends_nothing_but_the_reading(desk, monkeypatch, capsys):
    def broken(desk):
        raise RuntimeError("odd")

    monkeypatch.setattr(warming, "known_adapters", broken)
    assert Warming(desk).done()
    assert "RuntimeError: odd" in capsys.readouterr().err


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
