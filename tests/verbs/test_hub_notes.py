"""What is said under one name counts there and nowhere else, unless whoever keeps the store says it."""

import pytest

from adapterhub.digest import Digest
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.layout import note_path
from adapterhub.reference import Name, parse
from adapterhub.registry import LabelTaken, find
from adapterhub.store.check import check
from adapterhub.store.index.newest import Asked, newest
from adapterhub.store.sweep import sweep
from adapterhub.verbs import hub_model, keep
from adapterhub.verbs.hub_extras import extra
from adapterhub.verbs.hub_history import info
from adapterhub.verbs.hub_look import find as commit_of
from adapterhub.verbs.hub_refs import tag, untag
from adapterhub.verbs.hub_repos import create, delete, move, set_private
from tests.builders import adapter_files, entry
from tests.verbs.hub_ground import POET, as_ours, desk_in, guest, said, send

COPY, SPARE = Name("mallory", "copy"), Name("mallory", "spare")
OURS = entry(notes=[("metrics", {"accuracy": 0.5}), ("license", {"id": "MIT"}), ("tags", {"add": ["calm"]})])
EVIL = [("metrics", {"accuracy": 0.0}), ("license", {"id": "evil"}), ("tags", {"add": ["bad"], "remove": ["calm"]})]


@pytest.fixture
def desk(tmp_path):
    """ada/poet, which everybody may see, was published by whoever keeps the store, with what he says of it."""
    desk = desk_in(tmp_path)
    desk.store.publish(OURS, parse("ada/poet"))
    info(desk, POET)
    set_private(desk, POET, False)
    return desk


@pytest.fixture
def mallory(desk):
    """Somebody who has a namespace, and a repository in it."""
    mallory = guest(desk, "mallory")
    create(mallory, COPY, private=True)
    return mallory


def push(desk, notes=(), name=COPY):
    """The same adapter under another name, as our client pushes it."""
    send(desk, as_ours(entry(notes=notes)), name=name)
    tag(desk, name, "1", "main")


def told(desk, name):
    """What a server tells of a repository: its tags, and the names of its notes."""
    found = hub_model.model(desk, name, info(desk, name), *commit_of(desk, name, "main"))
    return found.tags, *found.more["adapterhub"]["notes"].values()


def rows(desk):
    """What the list tells of each adapter."""
    return {
        row.adapter: [row.summary[key] for key in ("metrics", "license", "tags")]
        for row in newest(desk.store, Asked(namespaces=None))
    }


def test_what_a_guest_says_changes_nothing_under_another_name(desk, mallory):
    before = told(desk, POET), find(desk.store, parse("ada/poet"))[1].notes, rows(desk)["ada/poet"]
    push(mallory, EVIL)
    assert (told(desk, POET), find(desk.store, parse("ada/poet"))[1].notes, rows(desk)["ada/poet"]) == before
    assert said(desk, OURS.digest, COPY).license == "evil"
    assert rows(desk)["mallory/copy"] == [{"accuracy": 0.0}, "evil", ["bad"]]
    desk.store.layout.index.unlink()
    assert rows(desk) == {"ada/poet": before[2], "mallory/copy": [{"accuracy": 0.0}, "evil", ["bad"]]}
    assert check(desk.store).ok


def test_a_guest_hears_nothing_that_was_said_elsewhere(desk, mallory):
    push(mallory)
    assert told(desk, COPY)[1] == []
    assert find(desk.store, parse("mallory/copy@1"))[1].notes == ()
    for note in OURS.notes:
        path = note_path(OURS.digest, Digest.of(note.to_bytes()))
        assert extra(desk, COPY, path) is None
        assert extra(desk, POET, path) is not None


def test_what_a_guest_has_said_before_is_not_heard_by_who_comes_later(desk, mallory):
    push(mallory, EVIL)
    desk.store.publish(entry(), parse("bob/poet"))
    assert said(desk, OURS.digest, Name("bob", "poet")).license == "MIT"


def test_what_the_files_of_a_guest_say_is_noted_as_if_nobody_had_spoken(desk, mallory):
    send(mallory, {**adapter_files(), "README.md": b"---\nlicense: MIT\n---\n# Mine\n"}, name=COPY)
    assert said(desk, OURS.digest, COPY).license == "MIT"
    assert said(desk, OURS.digest, COPY).metrics == {}
    assert said(desk, OURS.digest).card == ""


def test_what_a_guest_says_of_a_version_of_his_own_counts_with_what_the_store_says(desk):
    desk.store.publish(entry(), parse("bob/poet"))
    send(guest(desk, "ada"), as_ours(entry(notes=[("metrics", {"rouge": 0.25})])))
    assert said(desk, OURS.digest).metrics == {"accuracy": 0.5, "rouge": 0.25}
    assert said(desk, OURS.digest, Name("bob", "poet")).metrics == {"accuracy": 0.5}
    assert rows(desk)["ada/poet"][0] == {"accuracy": 0.5, "rouge": 0.25}


def test_who_keeps_the_store_says_for_all_names_but_those_of_guests(desk, mallory):
    push(mallory)
    desk.store.publish(entry(), parse("bob/poet"))
    keep.tag(desk, "ada/poet", ["seen"])
    send(desk, as_ours(entry(notes=[("metrics", {"rouge": 0.5})])))
    assert "seen" in said(desk, OURS.digest, Name("bob", "poet")).tags
    assert said(desk, OURS.digest, Name("bob", "poet")).metrics["rouge"] == 0.5
    assert said(desk, OURS.digest, COPY).metrics == {}
    keep.tag(desk, "mallory/copy", ["calm"])
    assert said(desk, OURS.digest, COPY).tags == ("calm",)
    keep.tag(desk, "mallory/copy", ["odd"])
    assert "odd" not in said(desk, OURS.digest).tags


def test_a_version_that_goes_and_comes_again_hears_no_more_than_before(desk, mallory):
    push(mallory, [("metrics", {"mine": 1.0})])
    untag(mallory, COPY, "1")
    tag(mallory, COPY, "1", "main")
    assert said(desk, OURS.digest, COPY).metrics == {"mine": 1.0}
    delete(mallory, COPY)
    create(mallory, COPY, private=True)
    push(mallory)
    assert said(desk, OURS.digest, COPY).metrics == {}


def test_notes_move_with_their_repository(desk, mallory):
    push(mallory, EVIL)
    before = told(desk, COPY), rows(desk)["mallory/copy"]
    move(mallory, COPY, SPARE)
    assert (told(desk, SPARE), rows(desk)["mallory/spare"]) == before
    assert said(desk, OURS.digest).license == "MIT"
    assert check(desk.store).ok
    create(mallory, COPY, private=True)
    push(mallory)
    assert told(desk, COPY)[1] == []


def test_a_move_that_fails_half_way_gives_no_ear(desk, mallory):
    push(mallory)
    send(mallory, as_ours(entry(1)), name=COPY)
    tag(mallory, COPY, "2", "main")
    create(mallory, SPARE, private=True)
    send(mallory, as_ours(entry(2)), name=SPARE)
    tag(mallory, SPARE, "2", "main")
    delete(mallory, SPARE)
    with pytest.raises(LabelTaken):
        move(mallory, COPY, SPARE)
    assert find(desk.store, parse("mallory/spare@1"))[1].notes == ()


def test_a_sweep_takes_what_was_said_with_the_entry(desk, mallory):
    push(mallory, EVIL)
    folder = desk.store.layout.notes(OURS.digest, COPY)
    delete(mallory, COPY)
    push_again = entry(3, notes=EVIL)
    create(mallory, COPY, private=True)
    send(mallory, as_ours(push_again), name=COPY)
    tag(mallory, COPY, "3", "main")
    kept = desk.store.layout.notes(push_again.digest, COPY)
    assert not folder.exists()
    untag(mallory, COPY, "3")
    mallory.store.history.delete(COPY)
    sweep(desk.store, grace=0)
    assert not kept.exists()
    assert check(desk.store).ok


def test_a_check_reads_what_was_said_under_one_name(desk, mallory):
    push(mallory, EVIL)
    folder = desk.store.layout.notes(OURS.digest, COPY)
    note = next(folder.glob("*.json"))
    note.write_bytes(note.read_bytes() + b" ")
    (folder / "odd.txt").write_bytes(b"")
    found = check(desk.store)
    assert {(damage.kind, damage.path) for damage in found.damage} == {
        ("bad-note", str(note)),
        ("stray", str(folder / "odd.txt")),
    }
    assert check(desk.store, repair=True).ok
    assert len(desk.store.under(COPY).notes.about(OURS.digest)) == len(EVIL) - 1


def test_notes_are_read_once_for_many_questions(desk, monkeypatch):
    counted, gather = [], hub_model.gather
    monkeypatch.setattr(hub_model, "gather", lambda notes: counted.append(notes) or gather(notes))
    assert told(desk, POET) == told(desk, POET)
    assert len(counted) == 1
    desk.store.note(parse("ada/poet@1"), desk.store.say(OURS.digest, "tags", {"add": ["new"]}))
    assert "new" in told(desk, POET)[0]


def test_the_same_note_said_twice_is_told_once(desk):
    note: Note = OURS.notes[0]
    path = desk.store.layout.notes(OURS.digest, POET) / desk.store.notes.path(note).name
    path.parent.mkdir(parents=True)
    path.write_bytes(note.to_bytes())
    assert len(desk.store.under(POET).notes.about(OURS.digest)) == len(OURS.notes)
