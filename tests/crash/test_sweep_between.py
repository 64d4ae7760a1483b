"""A sweep at the worst moment takes nothing a writer is about to name."""

import threading
import time

import pytest

from adapterhub.hub import Hub
from adapterhub.store import leases, sweep
from adapterhub.store.session import Session
from tests.crash.adapters import write_adapter
from tests.crash.deeds import age
from tests.crash.invariants import opens

NAMED = "ada/again"
BLOBS = 4
"""A manifest and three files."""


@pytest.fixture
def hub(place):
    """A store whose only blobs are named by nobody: the next writer finds them there and fetches nothing."""
    hub = Hub.open(place / "store")
    write_adapter(place / "folder", 1)
    other = Hub.open(place / "other")
    other.add(place / "folder", NAMED)
    other.push([NAMED], f"file://{hub.store}")
    hub.remove(f"{NAMED}@1")
    return hub


def pushed_while(monkeypatch, hub, step, deed):
    """Push, and do something right after a step of that writer's; the bytes he sent, and what the deed gave."""
    real, done = getattr(Session, step), []

    def both(self, *words):
        answer = real(self, *words)
        if not done:
            done.append(deed())
        return answer

    monkeypatch.setattr(Session, step, both)
    (pushed,) = Hub.open(hub.store.parent / "other").push([NAMED], f"file://{hub.store}")
    return pushed.bytes_sent, *done


def test_without_a_writer_the_sweep_takes_everything(hub):
    assert hub.sweep(0).deleted == BLOBS
    assert not any(hub.store.glob("blobs/sha256/*/*"))


def test_a_lease_keeps_a_sweep_from_what_a_writer_found_there(hub, monkeypatch):
    sent, swept = pushed_while(monkeypatch, hub, "_fetch_missing", lambda: hub.sweep(0))
    assert (sent, swept.deleted) == (0, 0)
    opens(hub.store)


def test_a_writer_that_stood_still_for_long_keeps_what_it_found_there(hub, monkeypatch):
    def late():
        age(hub.store / "incoming", 2 * leases.TTL)
        return hub.sweep(0)

    sent, swept = pushed_while(monkeypatch, hub, "_fetch_missing", late)
    assert (sent, swept.deleted) == (0, 0)
    opens(hub.store)


def test_when_the_lease_is_gone_the_writer_sees_it_and_sends_everything_again(hub, monkeypatch):
    def late():
        for lease in (hub.store / "incoming").glob("*.lease"):
            lease.unlink()
        return hub.sweep(0)

    sent, swept = pushed_while(monkeypatch, hub, "_fetch_missing", late)
    assert sent > 0
    assert swept.deleted == BLOBS
    assert len(opens(hub.store)) == 1


def test_a_sweep_that_sees_no_lease_still_waits_while_an_entry_is_named(hub, monkeypatch):
    monkeypatch.setattr(sweep, "leased", lambda incoming: set())
    sweeper = threading.Thread(target=hub.sweep, args=(0,))

    def meanwhile():
        sweeper.start()
        time.sleep(0.2)
        return sweeper.is_alive()

    # After the writer's last look whether all blobs are there, before the name.
    sent, waited = pushed_while(monkeypatch, hub, "_settle", meanwhile)
    sweeper.join(60)
    assert (sent, waited) == (0, True)
    assert len(opens(hub.store)) == 1


def test_a_lease_lives_as_long_as_its_writer_renews_it(place, monkeypatch):
    monkeypatch.setattr(leases, "RENEW", 0)
    with leases.Lease(place / "incoming") as lease:
        age(place / "incoming", 2 * leases.TTL)
        lease.renew()
        assert time.time() - lease.path.stat().st_mtime < leases.TTL


def test_what_is_being_fetched_is_not_taken_for_a_leftover(place):
    hub = Hub.open(place / "store")
    hub.add(write_adapter(place / "folder", 1), "ada/first")
    part = hub.store / "incoming" / f"{'0' * 64}.part"
    part.write_bytes(b"half")
    with leases.Lease(hub.store / "incoming"):
        age(part.parent, 2 * leases.TTL)
        for lease in part.parent.glob("*.lease"):
            lease.touch()
        hub.sweep(0)
        assert part.exists()
    hub.sweep(0)
    assert not part.exists()
