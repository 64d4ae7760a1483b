"""A bucket is a registry like any other, and its tree is that of a store."""

import json
import os
import shutil
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.entry import Damaged
from adapterhub.errors import Conflict, Corrupt, NotFound, Refused, Unreachable
from adapterhub.hub import Hub
from adapterhub.reference import parse
from adapterhub.registry import LabelTaken, Registry
from adapterhub.remotes.bucket import Bucket
from adapterhub.remotes.bucket_objects import Objects
from adapterhub.remotes.table import open_remote
from adapterhub.store.store import Store
from tests.builders import POET, BytesFiles, entry, entry_of, filled, read_all, tiny_adapter
from tests.contract import RegistryContract, library
from tests.remotes.bucket.trees import download, get, keys, put, upload

LARGE = os.urandom(20 << 20)


class TestBucket(RegistryContract):
    @pytest.fixture
    def registry(self, url: str) -> Registry:
        return open_remote(url, user="ada", write=True)

    @pytest.fixture
    def shelf(self, url: str, tmp_path: Path) -> Registry:
        upload(library(tmp_path / "shelf").root, url)
        return open_remote(url)


def test_what_a_bucket_holds_is_a_whole_store(url: str, tmp_path: Path) -> None:
    bucket = Bucket(url, "ada")
    for seed in range(3):
        bucket.publish(entry(seed, notes=[("metrics", {"accuracy": seed / 4})]), POET)
    bucket.alias(POET.at("2"), "prod")
    bucket.remove(POET.at("3"))
    store = Store(download(url, tmp_path / "copy"))
    shutil.rmtree(store.layout.incoming)
    assert list(store.list()) == list(bucket.list())
    assert [event.action for event in store.events.all()] == ["publish", "publish", "publish", "alias", "remove"]
    hub = Hub.open(store.root)
    assert hub.check().ok
    assert [row["reference"] for row in hub.search(where="accuracy>0.2")] == ["ada/poet@2"]


def test_a_note_that_is_new_travels_to_an_entry_that_is_there(url: str) -> None:
    bucket = Bucket(url, "ada")
    bucket.publish(entry(), POET)
    again = bucket.publish(entry(notes=[("tags", {"add": ["calm"]})]), POET)
    assert (again.reference, again.received) == (POET.at("1"), 0)
    assert [note.kind for note in bucket.open(entry().digest).notes] == ["tags"]
    before = keys(url)
    bucket.publish(entry(notes=[("tags", {"add": ["calm"]})]), POET)
    assert keys(url) == before


def test_a_base_card_goes_with_its_entry_and_a_damaged_one_is_mended(url: str) -> None:
    card = b'{"tensors":[]}'
    pin = {"evidence": "name", "source": "org/tiny", "card": str(Digest.of(card))}
    pinned = entry_of({"adapter_config.json": b"{}"}, base=pin)
    whole = type(pinned)(pinned.manifest, pinned.files, pinned.notes, (card,))
    bucket = Bucket(url, "ada")
    bucket.publish(whole, POET)
    assert bucket.open(whole.digest).cards == (card,)
    put(url, f"bases/{Digest.of(card).hex}.json", b"rotten")
    with pytest.raises(Corrupt, match=r"bases/.*expected sha256:"):
        bucket.open(whole.digest)
    bucket.publish(whole, POET)
    assert bucket.open(whole.digest).cards == (card,)


def test_an_alias_moves_by_compare_and_set(url: str) -> None:
    bucket = Bucket(url, "ada")
    for seed in range(2):
        bucket.publish(entry(seed), POET)
    assert bucket.alias(POET.at("1"), "prod", expect="").aliases == ("prod",)
    with pytest.raises(Conflict, match="the alias prod means 1, not 2"):
        bucket.alias(POET.at("1"), "prod", expect="2")
    assert bucket.alias(POET.at("2"), "prod", expect="1").reference == POET.at("2")
    assert get(url, "names/ada/poet/aliases/prod") == b"2\n"
    with pytest.raises(Conflict, match="'1' is a version"):
        bucket.alias(POET.at("2"), "1")
    with pytest.raises(LabelTaken, match="prod is an alias"):
        bucket.publish(entry(3), POET.at("prod"))
    with pytest.raises(Refused, match="alias prod means this version"):
        bucket.remove(POET.at("2"))
    told = [key for key in keys(url) if key.startswith("events/")]
    assert len(told) == 4  # what failed is not told


def test_a_large_file_is_sent_in_parts_and_fetched_in_ranges(url: str, tmp_path: Path) -> None:
    large = entry_of({"adapter_config.json": b"{}", "adapter_model.safetensors": LARGE})
    bucket = Bucket(url, "ada")
    assert bucket.publish(large, POET).received > len(LARGE)
    assert keys(url)[f"blobs/sha256/{Digest.of(LARGE).hex[:2]}/{Digest.of(LARGE).hex}"] == len(LARGE)
    assert read_all(bucket.open(large.digest))["adapter_model.safetensors"] == LARGE
    store = Store(tmp_path / "store", "ada")
    assert store.publish(bucket.open(large.digest), POET).received == large.manifest.size + len(
        large.manifest.to_bytes()
    )


def test_a_large_file_that_is_not_what_its_manifest_says_never_appears(url: str) -> None:
    lying = entry_of({"adapter_model.safetensors": LARGE})
    assert isinstance(lying.files, BytesFiles)
    bucket = Bucket(url, "ada")
    for wrong in (LARGE[:-1] + b"!", LARGE[:-1], LARGE + b"!"):
        lying.files.files = {"adapter_model.safetensors": wrong}
        with pytest.raises(Damaged, match=r"adapter_model\.safetensors: what arrived is not"):
            bucket.publish(lying, POET)
        assert not [key for key in keys(url) if key.startswith(("blobs", "names"))]


def test_a_blob_of_another_length_is_sent_again(url: str) -> None:
    bucket = Bucket(url, "ada")
    bucket.publish(entry(), POET)
    (file,) = (file for file in entry().manifest.files if file.path == "adapter_config.json")
    put(url, f"blobs/sha256/{file.sha256[:2]}/{file.sha256}", b"half")
    assert bucket.publish(entry(), POET).received == file.size
    assert read_all(bucket.open(entry().digest)).keys() == {"adapter_config.json", "adapter_model.safetensors"}


def test_a_pull_that_broke_goes_on_where_it_was(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large = entry_of({"adapter_model.safetensors": LARGE})
    Bucket(url, "ada").publish(large, POET)
    part, asked = Objects.part, []

    def broken(self: Objects, path: str, start: int, length: int) -> bytes:
        asked.append(start)
        if start > len(LARGE) // 2:
            raise Unreachable("the line is dead")
        return part(self, path, start, length)

    store = Store(tmp_path / "store", "ada")
    monkeypatch.setattr(Objects, "part", broken)
    with pytest.raises(Unreachable):
        store.publish(Bucket(url).open(large.digest), POET)
    monkeypatch.setattr(Objects, "part", part)
    arrived = store.publish(Bucket(url).open(large.digest), POET).received
    assert 0 < arrived < len(LARGE) * 0.8
    assert read_all(store.open(large.digest)) == {"adapter_model.safetensors": LARGE}


def test_what_cannot_be_read_is_left_out_of_lists_and_told_in_summaries(url: str, tmp_path: Path) -> None:
    upload(filled(tmp_path / "store", "ada/poet", "bob/ode").root, url)
    put(url, "names/ada/poet/versions/2", b"{")
    put(url, "names/ada/poet/versions/3", b"x" * (1 << 21))
    put(url, "names/ada/poet/versions/.4", b"no label")
    put(url, "names/..odd/poet/versions/1", b"no name")
    bucket = Bucket(url)
    assert [str(line.reference) for line in bucket.list()] == ["ada/poet@1", "bob/ode@1"]
    assert bucket.resolve(POET).detail == "without what cannot be read: 2, 3"
    with pytest.raises(Corrupt, match="2097152 bytes, no such document is that large"):
        bucket.resolve(POET.at("3"))
    told = {row.reference: row.unreadable for row in bucket.summaries()}
    assert [reference for reference, why in told.items() if why] == ["ada/poet@2", "ada/poet@3"]


def test_a_hub_lists_and_pulls_and_pushes_with_facts_and_aliases(url: str, tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "mine")
    hub.add(tiny_adapter(tmp_path / "a"), "ada/poet", metrics={"accuracy": 0.5})
    assert hub.remote_add("team", url).kind == "a bucket, writable"
    with pytest.raises(NotFound, match=r"registry\.json is missing"):
        hub.list("team")
    (pushed,) = hub.push(["ada/poet"], aliases=["prod"])
    (line,) = hub.list("team")
    assert (line.reference, line.aliases, line.facts.rank, line.metrics) == (
        "ada/poet@1",
        ("prod",),
        2,
        {"accuracy": 0.5},
    )
    other = Hub.open(tmp_path / "other")
    (pulled,) = other.pull(["ada/poet@prod"], url)
    assert pulled.bytes_received == pushed.bytes_sent > 0
    assert other.show("ada/poet").metrics == {"accuracy": 0.5}
    assert other.check().ok
    assert hub.remote_test("team").kind == "writable, 1 version"


def test_a_damaged_store_is_mended_from_a_bucket(url: str, tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "mine")
    added = hub.add(tiny_adapter(tmp_path / "a"), "ada/poet")
    hub.remote_add("team", url)
    hub.push(["ada/poet"])
    blob = hub.desk.store.layout.blob(added.manifest.files[0].blob)
    blob.chmod(0o644)
    blob.write_bytes(b"rotten")
    hub.check(repair=True)
    assert hub.check().ok


def test_a_place_that_holds_something_else_is_left_alone(url: str) -> None:
    put(url, "photos/cat.jpg", b"meow")
    with pytest.raises(Refused, match="is no registry, and not empty: it holds photos") as refusal:
        Bucket(url, "ada").publish(entry(), POET)
    assert "another prefix" in refusal.value.hint
    assert list(keys(url)) == ["photos/cat.jpg"]


def test_a_newer_layout_is_refused(url: str) -> None:
    put(url, "registry.json", json.dumps({"layout": 2}).encode())
    with pytest.raises(Refused, match="a registry of layout 2"):
        list(Bucket(url).list())
    with pytest.raises(Refused, match="a registry of layout 2"):
        Bucket(url).publish(entry(), POET)


def test_offline_asks_no_bucket(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path, offline=True)
    assert hub.remote_add("team", "s3://nowhere/x").kind == "a bucket"
    with pytest.raises(Unreachable, match="s3://nowhere/x: not asked, since --offline was given"):
        hub.list("team")
    assert parse("team:ada/poet").remote == "team"
