"""A depot is there with everything in it, or gone; never in between, and never while somebody uses it."""

import contextlib
import fcntl
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from adapterhub.durable import beside
from adapterhub.errors import NotFound
from adapterhub.store import depots as module
from adapterhub.store.depots import KEPT, NAME, SHORTEST, Depots, held
from adapterhub.store.sweep import sweep
from tests.builders import filled

ADA, BOB = "a" * 64, "b" * 64


def age(depots: Depots, owner: str, name: str, seconds: float) -> None:
    os.utime(depots.folder / owner / name / "lock", (time.time() - seconds,) * 2)


def test_an_owner_keeps_his_depot_and_shares_it_with_nobody(tmp_path: Path) -> None:
    depots = Depots(tmp_path, "xet")
    name = depots.current(ADA)
    with depots.using(ADA, name) as folder:
        (folder / "piece").write_bytes(b"poet")
    assert depots.current(ADA) == name
    assert depots.current(BOB) != name
    with pytest.raises(NotFound), depots.using(BOB, name):
        pass


@pytest.mark.parametrize("name", ["", "..", ".", "nothing", "00000000-0000000000000000", "../" + ADA, "lock"])
def test_what_is_no_depot_is_not_found(tmp_path: Path, name: str) -> None:
    depots = Depots(tmp_path, "xet")
    depots.current(ADA)
    with pytest.raises(NotFound, match="no longer kept"), depots.using(ADA, name):
        pass


def test_a_full_depot_and_one_that_is_over_are_followed_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depots = Depots(tmp_path, "xet")
    first = depots.current(ADA)
    depots.retire(ADA, first)
    second = depots.current(ADA)
    assert second != first
    with depots.using(ADA, first):
        pass
    with depots.using(ADA, second) as folder:
        (folder / "piece").write_bytes(b"poet")
        assert held(folder) == (4, 2)
    assert depots.current(ADA) == second
    with monkeypatch.context() as patched:
        patched.setattr("adapterhub.store.depots.FULL", 4)
        assert depots.current(ADA) not in (first, second)
    monkeypatch.setattr("adapterhub.store.depots.MANY", 1)
    assert depots.current(ADA) != depots.current(ADA)


def test_what_nobody_used_for_long_is_deleted_whole(tmp_path: Path) -> None:
    depots = Depots(tmp_path, "xet")
    old, young = depots.current(ADA), depots.current(BOB)
    age(depots, ADA, old, KEPT + 60)
    age(depots, BOB, young, KEPT - 60)
    depots.clean()
    assert [path.name for path in depots.folder.iterdir()] == [BOB]
    assert depots.current(ADA) != old
    assert depots.current(BOB) == young


def test_a_depot_in_use_stays_however_old_it_looks(tmp_path: Path) -> None:
    depots = Depots(tmp_path, "xet")
    name = depots.current(ADA)
    with depots.using(ADA, name) as folder:
        age(depots, ADA, name, 2 * KEPT)
        depots.clean()
        assert folder.is_dir()
    depots.clean()
    assert not folder.exists()


def test_a_depot_that_is_being_deleted_is_gone_and_nobody_waits_for_that(tmp_path: Path) -> None:
    depots = Depots(tmp_path, "xet")
    name = depots.current(ADA)
    with (depots.folder / ADA / name / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(NotFound), depots.using(ADA, name):
            pass
        assert depots.current(ADA) != name
    with depots.using(ADA, name):
        pass


def test_using_a_depot_keeps_it(tmp_path: Path) -> None:
    depots = Depots(tmp_path, "xet")
    name = depots.current(ADA)
    age(depots, ADA, name, KEPT + 60)
    with depots.using(ADA, name):
        pass
    depots.clean()
    assert depots.current(ADA) == name


def test_what_a_process_that_died_left_of_a_depot_is_deleted_too(tmp_path: Path) -> None:
    depots = Depots(tmp_path, "xet")
    name = depots.current(ADA)
    left = depots.folder / ADA / ".left.tmp"
    left.mkdir()
    os.utime(left, (time.time() - KEPT - 60,) * 2)
    depots.clean()
    assert not left.exists()
    assert depots.current(ADA) == name


def test_a_sweep_deletes_old_depots_and_no_other_and_check_takes_them_for_no_strays(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    depots = Depots(store.layout.incoming, "xet")
    old, young = depots.current(ADA), depots.current(BOB)
    age(depots, ADA, old, SHORTEST + 60)
    age(depots, BOB, young, SHORTEST - 60)
    sweep(store, grace=0)
    assert [path.name for path in depots.folder.iterdir()] == [BOB]


def test_pieces_that_get_their_name_while_a_depot_is_measured_cost_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depots = Depots(tmp_path, "xet")
    folder = depots.folder / ADA / depots.current(ADA)
    (folder / "piece").write_bytes(b"poet")
    (folder / ".1.tmp").write_bytes(b"arriving")
    scandir = os.scandir

    def scan(path: Path) -> "contextlib.nullcontext[list[os.DirEntry[str]]]":
        with scandir(path) as found:
            items = list(found)
        (folder / ".1.tmp").unlink()
        return contextlib.nullcontext(items)

    monkeypatch.setattr("adapterhub.store.depots.os.scandir", scan)
    assert held(folder) == (4, 2)


def test_a_depot_begins_although_its_owners_folder_is_cleaned_away_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depots = Depots(tmp_path, "xet")
    make, cleaned = Path.mkdir, list[Path]()

    def mkdir(path: Path, *more: Any, **options: Any) -> None:
        if path.name.startswith(".") and len(cleaned) < 3:
            cleaned.append(path)
            depots.clean()
        make(path, *more, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with depots.using(ADA, depots.current(ADA)) as folder:
        assert folder.is_dir()
    assert len(cleaned) == 3


def test_what_got_its_name_while_depots_are_cleaned_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    depots = Depots(tmp_path, "xet")
    name = depots.current(ADA)
    folders, left = module._folders, depots.folder / ADA / ".1.tmp"
    with monkeypatch.context() as patched:
        patched.setattr(module, "_folders", lambda folder: [*folders(folder), *([left] if folder.name == ADA else [])])
        depots.clean()
    assert depots.current(ADA) == name


def test_many_at_once_begin_depots_and_fill_them(tmp_path: Path) -> None:
    """As many requests do: every owner's first depot, cleaned all the while, then pieces that come and get names."""
    depots = Depots(tmp_path, "xet")

    def begin(number: int) -> str:
        depots.clean()
        return depots.current(f"{number:064x}")

    def fill(number: int) -> tuple[int, int]:
        with depots.using(ADA, name) as folder, beside(folder) as (sink, path):
            sink.write(b"poet")
            path.rename(folder / f"{number}.piece")
            return held(folder)

    with ThreadPoolExecutor(8) as pool:
        assert all(NAME.fullmatch(one) for one in pool.map(begin, range(100)))
        name = depots.current(ADA)
        assert max(count for _, count in pool.map(fill, range(300))) >= 280
