"""Repositories made, moved, shown to all, deleted; what lies beside their files."""

import threading

import pytest

from adapterhub.errors import Conflict, Refused
from adapterhub.protocols.hf_hub.answers import RepoNotFound
from adapterhub.protocols.hf_hub.layout import base_path, note_path
from adapterhub.reference import Name, parse
from adapterhub.store.check import check
from adapterhub.verbs.bases import base_add_card, card_for, pin_of
from adapterhub.verbs.hub_extras import extra
from adapterhub.verbs.hub_history import caught_up
from adapterhub.verbs.hub_look import find
from adapterhub.verbs.hub_refs import tag
from adapterhub.verbs.hub_repos import create, delete, move, set_private
from tests.builders import adapter_files, entry, entry_of, tiny_base
from tests.verbs.hub_ground import POET, as_ours, desk_in, labels, paths, repository, send

OTHER = Name("ada", "writer")


def test_a_new_repository_has_a_commit_and_no_files(tmp_path):
    desk = repository(tmp_path)
    assert paths(desk) == []
    assert desk.store.history.info(POET).private
    with pytest.raises(Conflict):
        create(desk, POET, private=True)


def test_a_name_with_versions_is_taken(tmp_path):
    desk = desk_in(tmp_path)
    desk.store.publish(entry(), parse("ada/poet"))
    with pytest.raises(Conflict):
        create(desk, POET, private=True)


@pytest.mark.parametrize("namespace", ["api", "datasets", "Spaces", "cas"])
def test_a_namespace_whose_addresses_mean_other_things_is_refused(tmp_path, namespace):
    with pytest.raises(Refused):
        create(desk_in(tmp_path), Name(namespace, "x"), private=True)


def test_a_deleted_repository_is_gone_with_its_versions(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    tag(desk, POET, "alias/prod", "1")
    delete(desk, POET)
    assert not caught_up(desk, POET)
    assert not labels(desk)
    with pytest.raises(RepoNotFound):
        delete(desk, POET)
    assert check(desk.store).ok


def test_a_new_one_of_the_same_name_goes_on_counting(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    delete(desk, POET)
    create(desk, POET, private=True)
    assert send(desk, adapter_files(seed=2)).version == "2"


def test_a_move_takes_versions_aliases_and_history_along(tmp_path):
    desk = repository(tmp_path)
    first = send(desk, adapter_files(seed=1)).oid
    second = send(desk, adapter_files(seed=2)).oid
    tag(desk, POET, "alias/prod", "1")
    move(desk, POET, OTHER)
    assert not caught_up(desk, POET)
    assert desk.store.history.tags(OTHER) == {"1": first, "2": second}
    assert find(desk, OTHER, "alias/prod")[0] == first
    assert labels(desk, OTHER) == ["1", "2"]
    assert check(desk.store).ok


def test_a_move_that_was_cut_off_goes_on(tmp_path, monkeypatch):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    monkeypatch.setattr(type(desk.store.history), "move", lambda *_: (_ for _ in ()).throw(OSError("cut")))
    with pytest.raises(OSError, match="cut"):
        move(desk, POET, OTHER)
    monkeypatch.undo()
    move(desk, POET, OTHER)
    assert labels(desk, OTHER) == ["1"]
    assert not labels(desk)


def test_no_move_goes_over_another_repository(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    desk.store.publish(entry(2), parse("ada/writer"))
    for to in (OTHER, POET):
        with pytest.raises(Conflict):
            move(desk, POET, to)
    assert labels(desk) == ["1"]


def test_a_name_that_is_used_again_after_a_move_is_not_moved_over_what_that_made(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    move(desk, POET, OTHER)
    create(desk, POET, private=True)
    send(desk, adapter_files(seed=2))
    before = desk.store.history.branches(OTHER)
    with pytest.raises(Conflict, match="there is such a repository"):
        move(desk, POET, OTHER)
    assert desk.store.history.branches(OTHER) == before
    assert (labels(desk), labels(desk, OTHER)) == (["2"], ["1"])


@pytest.mark.parametrize("filled", [True, False])
def test_nothing_is_moved_over_another_because_a_clock_was_ahead_before(tmp_path, monkeypatch, filled):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1) if filled else {"README.md": b"first"})
    with monkeypatch.context() as patched:
        patched.setattr("adapterhub.store.events.now", lambda: "2999-01-01T00:00:00.000000Z")
        move(desk, POET, OTHER)
    create(desk, POET, private=True)
    for number in range(2, 5):
        send(desk, adapter_files(seed=number) if filled else {"README.md": b"%d" % number})
    before = desk.store.history.branches(OTHER)
    with pytest.raises(Conflict, match="there is such a repository"):
        move(desk, POET, OTHER)
    assert desk.store.history.branches(OTHER) == before
    assert labels(desk, OTHER) == ["1"] * filled


def test_a_version_that_is_added_to_the_old_name_after_a_move_is_not_moved_over_the_new(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    move(desk, POET, OTHER)
    desk.store.publish(entry(2), parse("ada/poet"))
    with pytest.raises(Conflict):
        move(desk, POET, OTHER)
    assert (labels(desk), labels(desk, OTHER)) == (["2"], ["1"])


@pytest.mark.parametrize("filled", [True, False])
def test_a_move_that_was_cut_off_goes_not_on_over_what_was_made_there_since(tmp_path, monkeypatch, filled):
    desk = repository(tmp_path)
    send(desk, adapter_files(seed=1))
    monkeypatch.setattr("adapterhub.verbs.hub_repos.lay", lambda *_: (_ for _ in ()).throw(OSError("cut")))
    with pytest.raises(OSError, match="cut"):
        move(desk, POET, OTHER)
    monkeypatch.undo()
    create(desk, OTHER, private=False)
    if filled:
        send(desk, adapter_files(seed=2), name=OTHER)
    before = desk.store.history.branches(OTHER)
    with pytest.raises(Conflict):
        move(desk, POET, OTHER)
    assert desk.store.history.branches(OTHER) == before
    assert labels(desk) == ["1"]


def test_a_move_that_was_cut_off_after_its_history_went_goes_on(tmp_path, monkeypatch):
    desk = repository(tmp_path)
    first = send(desk, adapter_files(seed=1)).oid
    monkeypatch.setattr(type(desk.store), "remove", lambda *_: (_ for _ in ()).throw(OSError("cut")))
    with pytest.raises(OSError, match="cut"):
        move(desk, POET, OTHER)
    monkeypatch.undo()
    assert caught_up(desk, POET)
    move(desk, POET, OTHER)
    assert desk.store.history.tags(OTHER) == {"1": first}
    assert not caught_up(desk, POET)


def test_no_move_goes_where_nobody_can_reach_it(tmp_path):
    desk = repository(tmp_path)
    for namespace in ("api", "Static"):
        with pytest.raises(Refused, match="means something else here"):
            move(desk, POET, Name(namespace, "x"))
    assert caught_up(desk, POET)


def test_whoever_waits_for_the_lock_has_not_told_yet_who_may_see_it(tmp_path):
    desk = repository(tmp_path)
    begun = threading.Event()

    def show() -> None:
        begun.set()
        set_private(desk, POET, False)

    with desk.store.history.lock(POET):
        waiting = threading.Thread(target=show)
        waiting.start()
        begun.wait()
        waiting.join(0.3)
        assert waiting.is_alive()
        assert not [event for event in desk.store.events.all("ada/poet") if event.action == "visible"]
    waiting.join()
    assert [event.action for event in desk.store.events.all("ada/poet")][-1] == "visible"


def test_who_may_see_it_is_told_in_an_event(tmp_path):
    desk = repository(tmp_path)
    set_private(desk, POET, False)
    assert not desk.store.history.info(POET).private
    event = list(desk.store.events.all("ada/poet"))[-1]
    assert (event.action, event.detail, event.by) == ("visible", "public", "ada")


def test_notes_and_base_cards_of_its_versions_lie_beside_its_files(tmp_path):
    desk = repository(tmp_path)
    card = card_for(desk, str(tiny_base(tmp_path / "base")))
    base_add_card(desk, card)
    ours = entry_of(adapter_files(), [("metrics", {"accuracy": 0.5})], base=pin_of(card).plain())
    desk.store.publish(ours, parse("ada/poet"))
    note = desk.store.notes.path(ours.notes[0])
    digest = next(digest for digest, _ in desk.store.cards())
    assert extra(desk, POET, f".adapterhub/notes/{ours.digest.hex}/{note.name}")[0] == note
    assert extra(desk, POET, base_path(digest)) == (desk.store.layout.base(digest), digest)


def test_what_belongs_to_others_does_not(tmp_path):
    desk = repository(tmp_path)
    base_add_card(desk, card_for(desk, str(tiny_base(tmp_path / "base"))))
    ours = entry(notes=[("metrics", {"accuracy": 0.5})])
    desk.store.publish(ours, parse("bob/secret"))
    send(desk, adapter_files(seed=5))
    (digest, _), note = next(desk.store.cards()), desk.store.notes.path(ours.notes[0])
    assert extra(desk, POET, f".adapterhub/notes/{ours.digest.hex}/{note.name}") is None
    assert extra(desk, POET, base_path(digest)) is None
    assert extra(desk, POET, note_path(ours.digest, digest)) is None
    assert extra(desk, POET, "README.md") is None
    assert as_ours(ours)


def test_a_repository_whose_maker_died_before_its_first_commit_gets_one(tmp_path):
    desk = desk_in(tmp_path)
    desk.store.history.create(POET, private=True, by="ada")
    assert not desk.store.history.branches(POET)
    assert caught_up(desk, POET)
    oid, commit = find(desk, POET, "main")
    assert commit.files == ()
    assert caught_up(desk, POET)
    assert find(desk, POET, "HEAD")[0] == oid
