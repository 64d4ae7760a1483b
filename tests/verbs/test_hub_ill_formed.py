"""A note that is none of its kind is refused at the door, and hinders nobody where it lies already."""

import pytest

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.errors import Corrupt
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.layout import note_path
from adapterhub.reference import Name, parse
from adapterhub.registry import find
from adapterhub.verbs import hub_gate
from adapterhub.verbs.hub_refs import tag
from adapterhub.verbs.hub_repos import create
from tests.builders import entry
from tests.verbs.hub_ground import as_ours, desk_in, guest, paths, said, send

COPY, ABOUT = Name("mallory", "copy"), entry().digest
ILL = [
    ("origin", {"hf:org/x@main": {"a": 1}}),
    ("evaluation", {"x": 5}),
    ("audit", {"x": 5}),
    ("metrics", {"x": "much"}),
    ("tomorrow", {"x": 5}),
]


@pytest.fixture
def mallory(tmp_path):
    """Somebody who has a repository, and a version of it."""
    mallory = guest(desk_in(tmp_path), "mallory")
    create(mallory, COPY, private=True)
    send(mallory, as_ours(entry(notes=[("metrics", {"accuracy": 0.5})])), name=COPY)
    tag(mallory, COPY, "1", "main")
    return mallory


def note(kind, data, by="mallory"):
    """A note as a commit brings it: its place and its bytes."""
    told = canonical({"about": str(ABOUT), "kind": kind, "data": data, "by": by})
    return note_path(ABOUT, Digest.of(told)), told


@pytest.mark.parametrize(("kind", "data"), ILL)
def test_no_commit_brings_what_is_none_of_its_kind(mallory, kind, data):
    path, told = note(kind, data)
    with pytest.raises(Corrupt, match=rf"{path}: .*, got ") as refused:
        send(mallory, {path: told}, name=COPY)
    assert "say it as its kind does" in refused.value.hint
    assert path not in paths(mallory, name=COPY)


@pytest.mark.parametrize(("kind", "data"), ILL)
def test_one_that_came_before_the_door_was_shut_counts_for_nothing(mallory, monkeypatch, kind, data):
    path, told = note(kind, data)
    with monkeypatch.context() as open_door:
        open_door.setattr(hub_gate, "check_notes", lambda *_: None)
        send(mallory, {path: told}, name=COPY)
    assert path in paths(mallory, name=COPY)
    send(mallory, dict([note("metrics", {"rouge": 0.25})]), name=COPY)
    tag(mallory, COPY, "2", "main")
    assert said(mallory, ABOUT, COPY).metrics == {"accuracy": 0.5, "rouge": 0.25}
    assert {one.kind for one in find(mallory.store, parse("mallory/copy@1"))[1].notes} <= {"metrics", "audit"}


def test_what_is_told_of_who_did_it_is_the_servers_word_not_the_notes(mallory):
    path, told = note("metrics", {"accuracy": 1.0}, by="admin")
    send(mallory, {path: told}, name=COPY)
    listed, found = find(mallory.store, parse("mallory/copy@1"))
    assert Note.read(told, ABOUT, path) in found.notes
    assert listed.by == "mallory"
    assert {event.by for event in mallory.store.events.all()} == {"mallory"}
    assert {
        commit.by for _, commit in mallory.store.history.log(COPY, mallory.store.history.branches(COPY)["main"])
    } == {"mallory"}
