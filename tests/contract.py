"""What every registry promises, whatever it is made of. A registry's tests inherit these."""

from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Conflict, Corrupt, NotFound
from adapterhub.reference import parse
from adapterhub.registry import Registry
from adapterhub.store.catalog import write_catalog
from adapterhub.store.store import Store
from adapterhub.transfer.copy import copy
from tests.builders import POET, BytesFiles, adapter_files, entry, read_all


def library(root: Path) -> Store:
    """Two versions of ada/poet, one of bob/ode; prod means ada/poet@1."""
    store = Store(root, "ada")
    first = entry(1, notes=[("tags", {"add": ["calm"]}), ("metrics", {"accuracy": 0.5})])
    store.publish(first, POET)
    store.publish(entry(2), POET.at("1.1"))
    store.publish(entry(3), parse("bob/ode"))
    store.alias(POET.at("1"), "prod")
    write_catalog(store)
    return store


class ReadingContract:
    """For readers. Give a `shelf` fixture: the registry over what `library` makes."""

    def test_a_list_has_every_version_with_its_aliases(self, shelf: Registry) -> None:
        lines = {str(line.reference): (line.digest, line.aliases) for line in shelf.list()}
        assert lines == {
            "ada/poet@1": (entry(1).digest, ("prod",)),
            "ada/poet@1.1": (entry(2).digest, ()),
            "bob/ode@1": (entry(3).digest, ()),
        }

    @pytest.mark.parametrize(
        ("word", "seed", "version"),
        [("ada/poet@1", 1, "1"), ("ada/poet@prod", 1, "1"), ("ada/poet@1.1", 2, "1.1"), ("ada/poet", 2, "1.1")],
    )
    def test_a_reference_means_a_version(self, shelf: Registry, word: str, seed: int, version: str) -> None:
        found = shelf.resolve(parse(word))
        assert (found.digest, found.reference) == (entry(seed).digest, POET.at(version))

    @pytest.mark.parametrize("digits", [8, 64])
    def test_a_digest_names_an_entry_by_its_first_digits(self, shelf: Registry, digits: int) -> None:
        digest = entry(1).digest
        assert shelf.resolve(POET.at(f"sha256:{digest.hex[:digits]}")).digest == digest

    @pytest.mark.parametrize("word", ["ada/prose", "ada/poet@2", "ada/poet@beta", "ada/poet@sha256:00000000"])
    def test_what_is_not_there_is_not_found_by_name(self, shelf: Registry, word: str) -> None:
        with pytest.raises(NotFound) as refusal:
            shelf.resolve(parse(word))
        assert word.partition("@")[0] in str(refusal.value)
        assert refusal.value.hint

    def test_an_entry_has_the_bytes_and_the_notes_it_was_published_with(self, shelf: Registry) -> None:
        found = shelf.open(shelf.resolve(POET.at("1")).digest)
        assert read_all(found) == adapter_files(seed=1)
        assert sorted(note.kind for note in found.notes) == ["metrics", "tags"]

    def test_a_file_can_be_read_from_its_middle(self, shelf: Registry) -> None:
        found = shelf.open(entry(1).digest)
        (file,) = (file for file in found.manifest.files if file.path == "adapter_config.json")
        with found.files.open(file, 7) as stream:
            assert stream.read() == adapter_files(seed=1)[file.path][7:]

    def test_a_digest_nobody_published_cannot_be_opened(self, shelf: Registry) -> None:
        with pytest.raises((NotFound, Corrupt), match="7ccc804f5546"):
            shelf.open(Digest.of(b"poet"))

    def test_what_is_copied_by_its_digest_takes_no_number_that_means_another_here(
        self, shelf: Registry, tmp_path: Path
    ) -> None:
        sink = Store(tmp_path / "sink")
        sink.publish(entry(9), POET.at("1.1"))
        assert copy(POET.at(str(entry(2).digest)), shelf, sink).published.reference == POET.at("2")
        assert copy(POET.at(str(entry(2).digest)), shelf, sink).published.reference == POET.at("2")
        assert copy(POET.at("1"), shelf, sink).published.reference == POET.at("1")


class RegistryContract(ReadingContract):
    """For those that can be written too. Give `shelf`, and `registry`, an empty one."""

    def test_what_is_published_is_what_is_opened(self, registry: Registry) -> None:
        done = registry.publish(entry(), POET)
        found = registry.open(registry.resolve(POET).digest)
        assert (done.reference, done.digest) == (POET.at("1"), entry().digest)
        assert (found.manifest, read_all(found)) == (entry().manifest, adapter_files())
        assert done.received == entry().manifest.size + len(entry().manifest.to_bytes())

    def test_publishing_the_same_again_changes_nothing_and_reads_nothing(self, registry: Registry) -> None:
        registry.publish(entry(), POET)
        again = entry()
        assert registry.publish(again, POET) == registry.publish(again, POET.at("1"))
        assert registry.publish(again, POET).received == 0
        assert isinstance(again.files, BytesFiles)
        assert again.files.opened == []
        assert len(list(registry.list())) == 1

    def test_only_what_is_missing_is_read(self, registry: Registry) -> None:
        registry.publish(entry(), POET)
        other = entry(1)  # the same config, other weights
        registry.publish(other, POET)
        assert isinstance(other.files, BytesFiles)
        assert other.files.opened == [("adapter_model.safetensors", 0)]

    def test_without_a_version_the_next_integer_is_taken(self, registry: Registry) -> None:
        pins = [registry.publish(entry(seed), POET).reference.pin for seed in range(3)]
        assert pins == ["1", "2", "3"]
        assert registry.publish(entry(9), POET.at("41")).reference.pin == "41"
        assert registry.publish(entry(10), POET).reference.pin == "42"

    def test_a_version_that_is_taken_is_a_conflict_and_nothing_is_read(self, registry: Registry) -> None:
        registry.publish(entry(), POET.at("1"))
        other = entry(1)
        with pytest.raises(Conflict, match="ada/poet@1 is there with another digest") as refusal:
            registry.publish(other, POET.at("1"))
        assert "ada/poet@2" in refusal.value.hint
        assert isinstance(other.files, BytesFiles)
        assert other.files.opened == []

    def test_the_newest_version_is_the_one_published_last(self, registry: Registry) -> None:
        for seed, label in enumerate(("2.0", "1.0", "rc")):
            registry.publish(entry(seed), POET.at(label))
        assert registry.resolve(POET).reference.pin == "rc"

    def test_a_removed_version_is_gone_and_its_label_stays_taken(self, registry: Registry) -> None:
        registry.publish(entry(), POET)
        registry.remove(POET.at("1"))
        with pytest.raises(NotFound):
            registry.resolve(POET)
        with pytest.raises(Conflict, match="was removed, and its label stays taken"):
            registry.publish(entry(1), POET.at("1"))
        assert registry.publish(entry(1), POET).reference.pin == "2"
        assert registry.publish(entry(), POET.at("1")).reference.pin == "1"

    def test_bytes_that_are_not_what_the_manifest_says_are_never_named(self, registry: Registry) -> None:
        lying = entry()
        assert isinstance(lying.files, BytesFiles)
        lying.files.files = {**lying.files.files, "adapter_config.json": b"{}"}
        with pytest.raises(Corrupt, match=r"adapter_config\.json: what arrived is not sha256:"):
            registry.publish(lying, POET)
        assert list(registry.list()) == []

    def test_a_version_is_a_word(self, registry: Registry) -> None:
        with pytest.raises(BadReference, match="not a valid version: 'a/b'"):
            registry.publish(entry(), POET.at("a/b"))
