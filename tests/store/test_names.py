"""Names: versions never change, aliases move by compare-and-set, and what is missing is said with what is there."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Conflict, Corrupt, NotFound, Refused
from adapterhub.reference import parse
from adapterhub.store.shelf import now
from adapterhub.store.store import Store
from tests.builders import POET, entry, filled


def versions(store: Store, **files: bytes) -> None:
    """Versions written by hand."""
    folder = store.layout.versions(POET.name)
    for label, data in files.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / label).write_bytes(data)


def line(hex_: str, time: str = "2026-01-01T00:00:00Z") -> bytes:
    return f'{{"digest":"sha256:{hex_}","time":"{time}"}}'.encode()


def test_the_newest_survives_a_clock_that_was_set_back(tmp_path: Path) -> None:
    store = Store(tmp_path, "ada")
    store.create()
    versions(store, **{"1": line("a" * 64, "2099-01-01T00:00:00.000000Z")})
    store.publish(entry(), POET)
    assert store.resolve(POET).reference.pin == "2"
    assert store.resolve(POET).time == "2099-01-01T00:00:00.000001Z"


@pytest.mark.parametrize("odd", ["", "yesterday", "2026-01-01", "9999-12-31T23:59:59.999999Z", "2099-01-01T00:00:00"])
def test_a_time_that_nobody_can_follow_stops_nobody(odd: str) -> None:
    assert now(odd).endswith("Z")


def test_a_digest_that_begins_like_two_versions_asks_for_more_digits(tmp_path: Path) -> None:
    store = Store(tmp_path, "ada")
    versions(store, a=line("ab" * 31 + "00"), b=line("ab" * 31 + "11"))
    with pytest.raises(BadReference, match="several versions begin so: @a abababababab, @b ab") as refusal:
        store.resolve(POET.at("sha256:abababab"))
    assert refusal.value.hint == "write more digits"
    assert store.resolve(POET.at("sha256:" + "ab" * 31 + "11")).reference.pin == "b"


def test_two_labels_of_one_digest_are_not_ambiguous(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet@1", "ada/x")
    store.publish(entry(0), POET.at("2"))
    assert store.resolve(POET.at(f"sha256:{entry(0).digest.hex[:8]}")).reference.pin == "2"


def test_what_is_missing_is_said_with_what_is_there(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.publish(entry(5), POET)
    with pytest.raises(NotFound, match=f"ada/poet@9: no such version or alias in {tmp_path}") as refusal:
        store.resolve(POET.at("9"))
    assert refusal.value.hint == "the versions there: 1, 2"
    with pytest.raises(NotFound, match="ada/peot: no such adapter") as refusal:
        store.resolve(parse("ada/peot"))
    assert refusal.value.hint.startswith("did you mean ada/poet?")


def test_an_alias_moves_only_from_where_it_is_expected(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet@1")
    store.publish(entry(1), POET.at("2"))
    store.alias(POET.at("1"), "prod", expect="")
    with pytest.raises(Conflict, match="the alias prod means 1, not nothing"):
        store.alias(POET.at("2"), "prod", expect="")
    with pytest.raises(Conflict, match="the alias prod means 1, not 2"):
        store.alias(POET.at("2"), "prod", expect="2")
    assert store.alias(POET.at("2"), "prod", expect="1").aliases == ("prod",)
    assert store.resolve(POET.at("prod")).reference.pin == "2"


def test_of_two_who_expect_the_same_one_moves_the_alias(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet@1")

    def move(_: int) -> bool:
        try:
            Store(tmp_path).alias(POET.at("1"), "prod", expect="")
        except Conflict:
            return False
        return True

    for _ in range(5):
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(move, range(4))) == 1
        store.names.drop_aliases(POET.name)


def test_an_alias_is_no_version_and_a_version_no_alias(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet@1")
    with pytest.raises(Conflict, match="'1' is a version, so it cannot be an alias"):
        store.alias(POET, "1")
    store.alias(POET, "2")
    with pytest.raises(Conflict, match="2 is an alias of ada/poet"):
        store.publish(entry(1), POET.at("2"))
    assert store.publish(entry(1), POET).reference.pin == "3"
    with pytest.raises(BadReference, match=r"not a valid alias: '\.\./x'"):
        store.alias(POET, "../x")


def test_a_version_with_an_alias_is_not_removed(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.alias(POET, "prod")
    with pytest.raises(Refused, match="ada/poet@1: the alias prod means this version") as refusal:
        store.remove(POET)
    assert "adapterhub alias ada/poet@VERSION prod" in refusal.value.hint
    store.alias(POET, "stable")
    with pytest.raises(Refused, match="ada/poet@1: the aliases prod, stable mean this version"):
        store.remove(POET)


def test_an_alias_is_never_left_without_its_version(tmp_path: Path) -> None:
    """Many try to remove a version while others point an alias at it; whoever is second is told."""
    for _ in range(10):
        store = filled(tmp_path / str(_), "ada/poet@1")
        with ThreadPoolExecutor(2) as pool:
            moved = pool.submit(store.alias, POET.at("1"), "prod")
            removed = pool.submit(store.remove, POET.at("1"))
            outcomes = {type(moved.exception()), type(removed.exception())}
        assert outcomes in ({type(None), Refused}, {NotFound, type(None)})
        assert (store.names.aliases(POET.name) != {}) == (store.names.version(POET.name, "1") is not None)


def test_of_two_who_remove_a_version_one_is_told_that_it_is_gone(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet@1")
    store.names.remove(POET.name, "1")
    with pytest.raises(NotFound, match="somebody else removed it"):
        store.names.remove(POET.name, "1")


def test_an_alias_whose_version_is_gone_says_so(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet@1")
    store.alias(POET, "prod")
    (store.layout.aliases(POET.name) / "prod").write_bytes(b"7\n")
    with pytest.raises(NotFound, match="ada/poet@prod: the alias means version 7, which is gone"):
        store.resolve(POET.at("prod"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"digest":5,"time":"t"}',
        b'{"digest":"sha256:x","time":"t"}',
        b"\xff",
        b"[" * 100_000,
    ],
    ids=lambda data: ascii(data[:12]),
)
def test_a_version_file_that_cannot_be_read_is_corrupt_and_named(tmp_path: Path, data: bytes) -> None:
    store = Store(tmp_path, "ada")
    versions(store, **{"1": data})
    with pytest.raises(Corrupt, match=r"names/ada/poet/versions/1: not a version's file") as refusal:
        store.resolve(POET.at("1"))
    assert "check --repair" in refusal.value.hint


def test_files_that_are_being_written_and_names_that_are_none_are_not_listed(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    (store.layout.versions(POET.name) / ".0123.tmp").write_bytes(b"half")
    (store.layout.names / "ada" / "po--et" / "versions").mkdir(parents=True)
    (store.layout.names / "stray").write_bytes(b"")
    assert [str(found.reference) for found in store.list()] == ["ada/poet@1"]


def test_a_version_remembers_what_was_newest_before_it(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet@a")
    store.publish(entry(1), POET.at("b"))
    version = store.names.version(POET.name, "b")
    assert version is not None
    assert (version.after, version.by, version.digest) == ("a", "ada", Digest(entry(1).digest.hex))
