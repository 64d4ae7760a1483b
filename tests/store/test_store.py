"""The store keeps what every registry promises, and some things that only a folder can."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.errors import Conflict, Corrupt, NotFound, Refused
from adapterhub.manifest import File, Manifest
from adapterhub.reference import parse
from adapterhub.store.store import Store
from tests.builders import POET, BytesFiles, digest_of, entry, entry_of, filled, read_all, tree
from tests.contract import RegistryContract, library


class TestStore(RegistryContract):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> Store:
        return Store(tmp_path / "store", "ada")

    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Store:
        return library(tmp_path / "shelf")


def test_opening_and_looking_touches_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    assert list(store.list()) == []
    with pytest.raises(NotFound):
        store.resolve(POET)
    assert not store.root.exists()


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("…")
    with pytest.raises(Refused, match=r"is no registry, and not empty: it holds thesis\.tex"):
        Store(tmp_path).publish(entry(), POET)
    assert list(tree(tmp_path)) == ["thesis.tex"]


@pytest.mark.parametrize("spelling", ['{"layout":1}', '{"layout": 1}\n', '{"layout": 1, "by": "hand"}'])
def test_a_registry_says_its_layout_in_any_json(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "registry.json").write_text(spelling)
    assert Store(tmp_path).publish(entry(), POET).reference == POET.at("1")


def test_a_later_layout_is_refused_and_garbage_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "registry.json").write_text('{"layout":2}')
    with pytest.raises(Refused, match="a registry of layout 2; this version reads layout 1"):
        Store(tmp_path)
    (tmp_path / "registry.json").write_text("<html>")
    with pytest.raises(Corrupt, match=r"registry\.json holds b'<html>'"):
        Store(tmp_path)


def test_two_stores_over_one_folder_see_the_same(tmp_path: Path) -> None:
    one, two = Store(tmp_path / "store", "ada"), Store(tmp_path / "store", "bob")
    one.publish(entry(1), POET)
    two.publish(entry(2), POET)
    assert list(one.list()) == list(two.list())
    assert [line.by for line in one.list()] == ["ada", "bob"]


def test_of_many_writers_of_one_version_exactly_one_wins(tmp_path: Path) -> None:
    def write(seed: int) -> str | None:
        try:
            return Store(tmp_path / "store", "ada").publish(entry(seed), POET.at("7")).digest.hex
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        done = [hex_ for hex_ in pool.map(write, range(8)) if hex_]
    assert [line.digest.hex for line in Store(tmp_path / "store").list()] == done


def test_of_many_writers_without_a_version_everyone_gets_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda seed: Store(tmp_path / "s", "ada").publish(entry(seed), POET), range(8)))
    assert {done.reference.pin for done in done} == set("12345678")
    assert len({line.digest for line in Store(tmp_path / "s").list()}) == 8


def test_a_manifest_that_lies_about_a_size_is_not_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", "ada")
    for size in (3, 5):
        file = File(path="a", size=size, sha256=Digest.of(b"poem").hex)
        lying = Entry(Manifest(kind="data", files=(file,)), BytesFiles({"a": b"poem"}))
        with pytest.raises(Corrupt, match=f"a: .*{size} bytes"):
            store.publish(lying, POET)
    assert list(store.list()) == []


def test_a_size_that_contradicts_a_blob_that_is_there_is_not_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", "ada")
    store.publish(entry_of({"a": b"poem"}), POET)
    file = File(path="a", size=5, sha256=Digest.of(b"poem").hex)
    with pytest.raises(Corrupt, match="a: "):
        store.publish(Entry(Manifest(kind="data", files=(file,)), BytesFiles({})), POET)
    assert len(list(store.list())) == 1


def test_a_file_of_no_bytes_and_an_entry_of_no_files_are_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", "ada")
    store.publish(entry_of({"empty": b""}), POET)
    store.publish(entry_of({}), parse("ada/none"))
    assert read_all(store.open(digest_of(store, POET))) == {"empty": b""}
    assert read_all(store.open(digest_of(store, "ada/none"))) == {}


def test_a_missing_blob_is_named_with_what_to_do(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    digest = digest_of(store, POET)
    store.layout.blob(digest).unlink()
    with pytest.raises(Corrupt, match=f"the blob {digest} is missing") as refusal:
        store.open(digest)
    assert "check --repair" in refusal.value.hint


def test_an_event_of_a_deed_that_failed_is_taken_back(tmp_path: Path) -> None:
    store = filled(tmp_path, "ada/poet")
    store.alias(POET, "prod")
    before = tree(store.layout.events)
    with pytest.raises(Conflict):
        store.alias(POET, "prod", expect="")
    with pytest.raises(Refused):
        store.remove(POET.at("1"))
    with pytest.raises(Conflict):
        store.publish(entry(5), POET.at("1"))
    assert tree(store.layout.events) == before


def test_a_base_card_that_was_damaged_is_mended_by_the_next_who_keeps_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    digest = store.put_card(b"{}")
    for path in (tmp_path / "store" / "bases").iterdir():
        path.chmod(0o644)
        path.write_bytes(b"[")
    assert store.put_card(b"{}") == digest
    assert store.card(digest) == b"{}"


def test_a_base_card_that_is_gone_says_how_to_get_it_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "store", "ada")
    card = store.put_card(b"{}")
    pinned = entry_of({"a": b"1"}, base={"evidence": "bytes", "card": str(card)})
    store.publish(pinned, POET)
    assert store.open(pinned.digest).cards == (b"{}",)
    store.layout.base(card).unlink()
    with pytest.raises(Corrupt, match="no base card") as refusal:
        store.open(pinned.digest)
    assert "pull the entry again" in refusal.value.hint
