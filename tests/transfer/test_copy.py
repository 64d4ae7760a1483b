"""Pull and push are one line with different ends."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from adapterhub.entry import Damaged, Entry
from adapterhub.errors import BadReference, Conflict, NotFound, Refused
from adapterhub.manifest import File
from adapterhub.reference import parse
from adapterhub.registry import Registry
from adapterhub.remotes.site import Site
from adapterhub.store.store import Store
from adapterhub.transfer.copy import Taken, copy
from tests.builders import POET, BytesFiles, adapter_files, entry, entry_of, filled, read_all, tree


class Watcher:
    """Somebody who watches bytes go by."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def begin(self, what: str, size: int) -> Callable[[int], None]:
        self.seen[what] = -size

        def advance(count: int) -> None:
            self.seen[what] += count

        return advance


@pytest.fixture
def here(tmp_path: Path) -> Store:
    store = filled(tmp_path / "here", "ada/poet")
    store.alias(POET, "prod")
    return store


@pytest.fixture
def there(tmp_path: Path) -> Store:
    return Store(tmp_path / "there", "bob")


def test_a_second_copy_moves_nothing(here: Store, there: Store) -> None:
    size = entry().manifest.size + len(entry().manifest.to_bytes())
    assert copy(POET, here, there).published.received == size
    before = tree(there.root)
    assert copy(POET, here, there).published.received == 0
    assert tree(there.root) == before


def test_only_blobs_that_are_missing_there_are_moved(here: Store, there: Store) -> None:
    copy(POET, here, there)
    here.publish(entry(1), POET)
    moved = copy(POET.at("2"), here, there).published.received
    weights = entry(1).manifest.file("adapter_model.safetensors")
    assert weights is not None
    assert moved == weights.size + len(entry(1).manifest.to_bytes())


def test_a_copy_is_the_same_entry_under_the_same_version(here: Store, there: Store) -> None:
    here.publish(entry(1), POET.at("2.0"))
    done = copy(POET, here, there).published
    assert (done.reference, done.digest) == (POET.at("2.0"), entry(1).digest)
    assert read_all(there.open(done.digest)) == adapter_files(seed=1)


def test_aliases_move_only_when_they_are_named(here: Store, there: Store) -> None:
    copy(POET.at("prod"), here, there)
    assert there.names.aliases(POET.name) == {}
    copy(POET, here, there, aliases=("prod", "best"))
    assert there.names.aliases(POET.name) == {"prod": "1", "best": "1"}


def test_an_alias_that_is_no_word_is_refused_before_anything_moves(here: Store, there: Store) -> None:
    with pytest.raises(BadReference, match="not a valid alias: 'a b'"):
        copy(POET, here, there, aliases=("fine", "a b"))
    assert not there.root.exists()


def test_a_place_without_aliases_refuses_them_before_anything_is_asked(here: Store) -> None:
    with pytest.raises(Refused, match="this kind of remote has no aliases"):
        copy(POET, here, Site("http://127.0.0.1:1"), aliases=("prod",))


def test_every_alias_is_looked_at_before_anything_is_sent(here: Store, there: Store) -> None:
    there.publish(entry(5), POET.at("v5"))
    there.publish(entry(6), POET.at("v6"))
    before = tree(there.root)
    with pytest.raises(Conflict, match="ada/poet: 'v5', '1', 'v6' is a version, so they cannot be aliases") as refusal:
        copy(POET, here, there, aliases=("fine", "v5", "1", "v6"))
    assert refusal.value.hint == "choose another word"
    assert tree(there.root) == before


def test_aliases_that_are_taken_while_an_entry_is_copied_are_told_together(
    here: Store, there: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapterhub.transfer.copy.check_aliases", lambda *_: None)
    there.publish(entry(5), POET.at("x"))
    there.publish(entry(6), POET.at("y"))
    with pytest.raises(Conflict, match=r"ada/poet@1 is published, but .*'x' is a version.*'y' is a version"):
        copy(POET, here, there, aliases=("x", "best", "y"))
    assert there.names.aliases(POET.name) == {"best": "1"}


def test_only_a_label_that_is_taken_is_called_so(here: Store, there: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise Conflict("100 other writers were faster", hint="try again")

    monkeypatch.setattr(Store, "publish", busy)
    for next_version in (False, True):
        with pytest.raises(Conflict, match="other writers") as refusal:
            copy(POET, here, there, next_version=next_version)
        assert type(refusal.value) is Conflict
        assert refusal.value.hint == "try again"


def test_a_version_that_is_taken_there_is_a_conflict_or_gets_the_next_number(here: Store, there: Store) -> None:
    there.publish(entry(5), POET)
    with pytest.raises(Taken, match="ada/poet@1 is there with another digest") as refusal:
        copy(POET, here, there)
    assert refusal.value.digest == entry().digest
    assert copy(POET, here, there, next_version=True).published.reference == POET.at("2")


def test_a_free_version_is_kept_though_the_next_would_do(here: Store, there: Store) -> None:
    here.publish(entry(1), POET.at("2.0"))
    assert copy(POET, here, there, next_version=True).published.reference == POET.at("2.0")


def test_a_copy_by_digest_of_a_version_that_is_taken_gets_the_next_number(here: Store, there: Store) -> None:
    there.publish(entry(5), POET)
    assert copy(POET.at(str(entry().digest)), here, there).published.reference == POET.at("2")


def test_the_next_number_is_free_in_both(here: Store, there: Store) -> None:
    for seed in (1, 2):
        here.publish(entry(seed), POET)
    here.remove(POET.at("3"))
    there.publish(entry(5), POET)
    assert copy(POET.at("1"), here, there, next_version=True).published.reference == POET.at("4")
    assert copy(POET.at("2"), here, there).published.reference == POET.at("2")


def test_the_next_number_of_what_is_there_already_is_its_own(here: Store, there: Store) -> None:
    copy(POET, here, there)
    assert copy(POET, here, there, next_version=True).published.reference == POET.at("1")


def test_notes_and_base_cards_travel(here: Store, there: Store) -> None:
    card = here.put_card(b'{"layout_digest":"x"}')
    pinned = entry_of({"a": b"1"}, [("tags", {"add": ["x"]})], base={"evidence": "bytes", "card": str(card)})
    here.publish(pinned, parse("ada/pinned"))
    copy(parse("ada/pinned"), here, there)
    found = there.open(pinned.digest)
    assert (found.notes, found.cards) == (pinned.notes, (b'{"layout_digest":"x"}',))


def test_a_note_that_was_said_later_travels_with_the_next_copy(here: Store, there: Store) -> None:
    copy(POET, here, there)
    here.note(POET.at("1"), here.say(entry().digest, "tags", {"add": ["late"]}))
    assert copy(POET, here, there).published.received == 0
    assert [note.data for note in there.open(entry().digest).notes] == [{"add": ["late"]}]


def test_a_card_noted_later_travels_too(here: Store, there: Store) -> None:
    card = here.put_card(b"{}")
    here.note(POET.at("1"), here.say(entry().digest, "base", {"evidence": "bytes", "card": str(card)}))
    copy(POET, here, there)
    assert there.card(card) == b"{}"


def test_a_copy_by_digest_keeps_the_version(here: Store, there: Store) -> None:
    digits = f"sha256:{entry().digest.hex[:8]}"
    assert copy(POET.at(digits), here, there).published.reference == POET.at("1")


def test_a_damaged_source_names_nothing_there(here: Store, there: Store) -> None:
    blob = here.layout.blob(entry().manifest.files[1].blob)
    blob.chmod(0o644)
    blob.write_bytes(bytes(blob.stat().st_size))
    with pytest.raises(Damaged, match=r"adapter_model\.safetensors: what arrived is not") as refusal:
        copy(POET, here, there)
    assert "adapterhub check" in refusal.value.hint
    assert list(there.list()) == []


def test_an_interrupted_copy_leaves_no_name_and_goes_on(here: Store, there: Store) -> None:
    large = entry(3, size=1 << 15)
    files = large.files
    assert isinstance(files, BytesFiles)

    class Broken(BytesFiles):
        def open(self, file, start=0):  # type: ignore[no-untyped-def]
            stream = files.open(file, start)
            return stream if file.size < 1000 else _Dying(stream.read())

    with pytest.raises(ConnectionError):
        there.publish(large.__class__(large.manifest, Broken(files.files)), POET)
    assert list(there.list()) == []
    there.publish(large, POET)
    assert ("adapter_model.safetensors", 1 << 18) in files.opened


def test_files_that_came_whole_before_the_line_broke_are_not_fetched_again(there: Store) -> None:
    data = {name: name.encode() * 1000 for name in "abc"}
    sent = entry_of(data)

    class Broken(BytesFiles):
        def open(self, file: File, start: int = 0) -> BinaryIO:
            if file.path == "c":
                raise ConnectionError("the line is dead")
            return super().open(file, start)

    with pytest.raises(ConnectionError):
        there.publish(Entry(sent.manifest, Broken(data)), POET)
    assert there.publish(sent, POET).received == 1000 + len(sent.manifest.to_bytes())
    assert list(there.layout.incoming.glob("*.ready")) == list(there.layout.incoming.glob("*.part")) == []


class _Dying:
    """A stream that breaks after 256 KiB."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, size: int) -> bytes:
        if self.at >= 1 << 18:
            raise ConnectionError("the line is dead")
        self.at += size
        return self.data[self.at - size : self.at]

    def __enter__(self) -> "_Dying":
        return self

    def __exit__(self, *_: object) -> None: ...


def test_whoever_watches_is_told_every_byte(here: Store, there: Store) -> None:
    watcher = Watcher()
    copy(POET, here, there, progress=watcher)
    assert watcher.seen == {"adapter_config.json": 0, "adapter_model.safetensors": 0}


def test_what_is_not_there_is_not_found_and_makes_no_store(here: Store, there: Store) -> None:
    with pytest.raises(NotFound):
        copy(POET.at("9"), here, there)
    assert not there.root.exists()


def test_both_ends_are_registries(here: Store) -> None:
    def needs(registry: Registry) -> None: ...

    needs(here)
    needs(Site("http://host"))
