"""A sweep frees what nobody names, and never what somebody is about to name."""

import contextlib
import io
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt
from adapterhub.reference import parse
from adapterhub.store.depots import Depots
from adapterhub.store.leases import TTL, Lease
from adapterhub.store.store import Store
from adapterhub.store.sweep import sweep
from tests.builders import POET, adapter_files, entry, filled, read_all, tree


def abandoned(root: Path) -> Store:
    """A store whose ada/x is removed; it shares its config with ada/poet."""
    store = filled(root, "ada/poet", "ada/x")
    store.remove(parse("ada/x@1"))
    return store


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_nobody_names_waits_for_its_grace_period_and_goes(tmp_path: Path) -> None:
    store = abandoned(tmp_path)
    first = sweep(store, grace=60)
    assert (first.deleted, first.waiting) == (0, 2)
    assert first.waiting_bytes == sum(store.layout.blob(d).stat().st_size for d in loose(store))
    second = sweep(store, grace=0)
    assert (second.deleted, second.freed, second.waiting) == (2, first.waiting_bytes, 0)
    assert read_all(store.open(entry(0).digest)) == adapter_files(seed=0)
    assert not store.blobs.has(entry(1).digest)


def loose(store: Store) -> list[Digest]:
    """The blobs of ada/x alone: its manifest and its weights."""
    weights = entry(1).manifest.file("adapter_model.safetensors")
    assert weights is not None
    return [entry(1).digest, weights.blob]


def test_what_is_named_again_before_its_time_is_not_marked_any_more(tmp_path: Path) -> None:
    store = abandoned(tmp_path)
    sweep(store, grace=60)
    store.publish(entry(1), POET)
    assert (sweep(store, grace=0).deleted, sweep(store, grace=0).waiting) == (0, 0)
    store.remove(POET)
    assert sweep(store, grace=60).waiting == 2


def test_a_lease_protects_what_it_claims_while_its_writer_lives_and_for_a_while_after_he_died(tmp_path: Path) -> None:
    store = abandoned(tmp_path)
    with Lease(store.layout.incoming) as lease:
        for digest in loose(store):
            lease.add(digest)
        assert sweep(store, grace=0).deleted == 0
        age(lease.path, 10 * TTL)  # he was stopped, or the machine slept: nothing was renewed
        assert sweep(store, grace=0).deleted == 0
        left = lease.path.with_name("dead.lease")
        left.write_bytes(lease.path.read_bytes())
    assert sweep(store, grace=0).deleted == 0
    age(left, TTL + 1)
    assert sweep(store, grace=0).deleted == 2
    assert not left.exists()


def test_what_died_while_a_clock_was_ahead_goes_like_everything_else(tmp_path: Path) -> None:
    store = abandoned(tmp_path)
    lease, part = (store.layout.incoming / name for name in ("dead.lease", f"{'0' * 64}.part"))
    lease.write_text("\n".join(digest.hex for digest in loose(store)))
    part.write_bytes(b"half")
    depots = Depots(store.layout.incoming, "xet")
    depot = depots.folder / "a" / depots.current("a")
    for path in (lease, part, depot / "lock"):
        age(path, -3600)
    assert (sweep(store, grace=0).deleted, part.exists(), depot.exists()) == (0, True, True)  # clocks differ by an hour
    for path in (lease, part, depot / "lock"):
        age(path, -366 * 86400)
    assert (sweep(store, grace=0).deleted, lease.exists(), part.exists(), depot.exists()) == (2, False, False, False)
    with Lease(store.layout.incoming) as living:
        age(living.path, -366 * 86400)
        sweep(store, grace=0)
        assert living.path.exists()


def test_a_lease_that_is_renewed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lease(tmp_path) as lease:
        age(lease.path, TTL + 1)
        monkeypatch.setattr("adapterhub.store.leases.RENEW", -1.0)
        lease.renew()
        assert time.time() - lease.path.stat().st_mtime < TTL
    assert list(tmp_path.iterdir()) == []


def test_what_a_writer_has_staged_survives_a_sweep_in_between(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    with store.session() as session:
        for data in adapter_files(seed=7).values():
            session.take(io.BytesIO(data))
        sweep(store, grace=0)
        session.publish(entry(7), POET)
    assert read_all(store.open(entry(7).digest)) == adapter_files(seed=7)


def test_a_blob_that_was_swept_while_it_was_relied_on_is_fetched_again(tmp_path: Path) -> None:
    store = abandoned(tmp_path)
    again = entry(1)
    with store.session() as session:
        assert store.blobs.has(again.digest)
        sweep(store, grace=0)
        done = session.publish(again, POET)
    assert done.received > 0
    assert read_all(store.open(again.digest)) == adapter_files(seed=1)


def test_nothing_is_swept_while_a_manifest_cannot_be_read(tmp_path: Path) -> None:
    store = abandoned(tmp_path)
    blob = store.layout.blob(entry(0).digest)
    blob.chmod(0o644)
    blob.write_bytes(b"{}")
    before = tree(store.layout.blobs)
    with pytest.raises(Corrupt, match=r"ada/poet@1: .*nothing was swept"):
        sweep(store, grace=0)
    assert tree(store.layout.blobs) == before


def test_what_dead_writers_left_goes_when_no_lease_can_speak_for_it(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    old = [store.layout.incoming / name for name in ("a.tmp", "b.part", "c.ready")]
    for path in old:
        path.write_bytes(b"half")
        age(path, TTL + 1)
    young = store.layout.incoming / "young.part"
    young.write_bytes(b"half")
    with Lease(store.layout.incoming):
        sweep(store, grace=0)
        assert all(path.exists() for path in old)
    sweep(store, grace=0)
    assert [path.exists() for path in (*old, young)] == [False, False, False, True]


def test_what_a_killed_training_was_writing_goes_too(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    run = store.layout.runs / "ab12"
    run.mkdir(parents=True)
    for name in (".0123.tmp", "state.safetensors"):
        (run / name).write_bytes(b"half")
        age(run / name, TTL + 1)
    sweep(store, grace=0)
    assert [path.name for path in run.iterdir()] == ["state.safetensors"]


def test_no_manifest_is_read_while_writers_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, held, read = abandoned(tmp_path), list[bool](), list[bool]()

    @contextlib.contextmanager
    def watched(folder: Path) -> Iterator[None]:
        held.append(True)
        yield

    real = Store.manifest
    monkeypatch.setattr("adapterhub.store.sweep.alone", watched)
    monkeypatch.setattr(Store, "manifest", lambda *asked: (read.append(bool(held)), real(*asked))[1])
    assert sweep(store, grace=0).deleted == 2
    assert read == [False]


def test_what_was_named_after_the_manifests_were_read_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = abandoned(tmp_path)

    @contextlib.contextmanager
    def late(folder: Path) -> Iterator[None]:
        store.publish(entry(1), POET.at("late"))
        yield

    monkeypatch.setattr("adapterhub.store.sweep.alone", late)
    assert sweep(store, grace=0).deleted == 0
    assert read_all(store.open(entry(1).digest)) == adapter_files(seed=1)


@pytest.mark.parametrize("marks", [b"", b"[]", b'{"x":"y"}', b"\xff"])
def test_marks_that_cannot_be_read_only_start_the_grace_period_again(tmp_path: Path, marks: bytes) -> None:
    store = abandoned(tmp_path)
    sweep(store, grace=60)
    (store.layout.incoming / "marks.json").write_bytes(marks)
    assert sweep(store, grace=60).waiting == 2


def test_a_clock_that_was_set_back_deletes_nothing_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, now = abandoned(tmp_path), time.time()
    monkeypatch.setattr("adapterhub.store.sweep.clock_of", lambda folder: now)
    sweep(store, grace=60)
    monkeypatch.setattr("adapterhub.store.sweep.clock_of", lambda folder: now - 9999)
    assert sweep(store, grace=60).deleted == 0
    monkeypatch.setattr("adapterhub.store.sweep.clock_of", lambda folder: now - 9999 + 61)
    assert sweep(store, grace=60).deleted == 2


def test_a_machine_whose_clock_is_ahead_deletes_nothing_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, real = abandoned(tmp_path), time.time
    sweep(store, grace=60)
    monkeypatch.setattr(time, "time", lambda: real() + 7200)
    assert sweep(store, grace=60).waiting == 2


def test_with_an_entry_goes_what_was_said_about_it_and_made_of_it(tmp_path: Path) -> None:
    store = abandoned(tmp_path)
    store.notes.add([store.say(entry(1).digest, "tags", {"add": ["x"]})])
    sweep(store, grace=0)
    assert not store.layout.notes(entry(1).digest).exists()


def test_sweeping_where_no_store_is_makes_none(tmp_path: Path) -> None:
    assert sweep(Store(tmp_path / "none")).deleted == 0
    assert not (tmp_path / "none").exists()
