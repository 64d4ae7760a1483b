"""Bases are told to those who may hear of them: in what is noted of a commit, and where a commit names one."""

from dataclasses import replace

import pytest

from adapterhub.errors import Corrupt
from adapterhub.hub import Hub
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.layout import base_path
from adapterhub.reference import Name
from adapterhub.verbs.hub_extras import extra
from adapterhub.verbs.hub_refs import tag
from adapterhub.verbs.hub_repos import create, set_private
from tests.builders import TIME, adapter_files, entry_of, tiny_adapter, tiny_base
from tests.verbs.hub_ground import POET, as_ours, guest, labels, repository, said, send

MINE = Name("mallory", "mine")


@pytest.fixture
def hub(tmp_path):
    """Bases one, two and three: ada/open (public) is on one, bob/own on two, and nobody on three."""
    hub = Hub.open(tmp_path / "store")
    for seed, name in enumerate(("one", "two", "three")):
        hub.base_add(tiny_base(tmp_path / name, seed=seed))
    hub.add(tiny_adapter(tmp_path / "a", seed=1), "ada/open", base=tmp_path / "one")
    hub.add(tiny_adapter(tmp_path / "b", seed=2), "bob/own", base=tmp_path / "two")
    set_private(hub.desk, Name("ada", "open"), False)
    return hub


def audited(desk, name):
    """The bases that are noted of the newest version of a repository."""
    digest = desk.store.names.shelf(name).versions[-1].digest
    return sorted(found["base"] for found in said(desk, digest, name).audit.values())


def pinned_to(hub, name, seed=9):
    """An adapter of ours that names the card of a base."""
    card = next(digest for digest, data in hub.desk.store.cards() if hub_name(hub, digest) == name)
    made = entry_of(adapter_files(seed=seed), base={"evidence": "bytes", "card": str(card)})
    return made, card, hub.desk.store.card(card)


def hub_name(hub, digest):
    return next(known.name for key, known in hub.desk.store.settings.bases.items() if key == digest.hex)


@pytest.mark.parametrize(
    ("namespace", "private", "told"),
    [("mallory", False, ["one"]), ("mallory", True, ["one"]), ("bob", True, ["one", "two"]), ("bob", False, ["one"])],
)
def test_what_is_noted_names_the_bases_that_its_readers_hear_of(hub, namespace, private, told):
    for sees in ((namespace,), None):
        name = Name(namespace, f"mine-{bool(sees)}")
        desk = guest(hub.desk, *sees) if sees else hub.desk
        create(desk, name, private=private)
        assert send(desk, adapter_files(seed=5), name=name).version == "1"
        assert audited(hub.desk, name) == told


def test_what_is_noted_for_some_readers_is_not_told_to_those_of_another_repository(hub):
    for name in (Name("ada", "twin"), Name("bob", "twin")):
        create(hub.desk, name, private=name.namespace == "bob")
        send(hub.desk, adapter_files(seed=5), name=name)
    assert [audited(hub.desk, Name(word, "twin")) for word in ("ada", "bob")] == [["one"], ["one", "two"]]


def test_what_is_noted_names_the_base_an_entry_is_pinned_to(hub):
    desk = guest(hub.desk, "mallory")
    create(desk, MINE, private=False)
    made, card, data = pinned_to(hub, "three")
    send(desk, {**as_ours(made), base_path(card): data}, name=MINE)
    tag(desk, MINE, "1", "main")
    assert audited(hub.desk, MINE) == ["one", "three"]


def test_a_card_by_its_digest_alone_is_answered_as_one_that_is_not_here(hub):
    desk = guest(hub.desk, "mallory")
    create(desk, MINE, private=True)
    made, card, data = pinned_to(hub, "two")
    missing = entry_of(adapter_files(seed=9), base={"evidence": "bytes", "card": f"sha256:{'a' * 64}"})
    with pytest.raises(Corrupt) as unknown:
        send(desk, as_ours(missing), name=MINE)
    with pytest.raises(Corrupt) as hidden:
        send(desk, as_ours(made), name=MINE)
    other = f"sha256:{'a' * 64}"
    assert str(hidden.value).replace(str(card), other) == str(unknown.value)
    assert extra(desk, MINE, base_path(card)) is None
    send(desk, {**as_ours(made), base_path(card): data}, name=MINE)
    tag(desk, MINE, "1", "main")
    assert extra(desk, MINE, base_path(card)) is not None


def test_a_note_names_no_card_by_its_digest_alone_either(hub):
    desk = guest(hub.desk, "mallory")
    create(desk, MINE, private=True)
    _, card, _ = pinned_to(hub, "two")
    plain = entry_of(adapter_files(seed=8))
    send(desk, as_ours(plain), name=MINE)
    tag(desk, MINE, "1", "main")
    noted = entry_of(adapter_files(seed=8), [("base", {"evidence": "bytes", "card": str(card)})])
    before = desk.store.history.branches(MINE)
    with pytest.raises(Corrupt, match="is missing"):
        send(desk, as_ours(noted), name=MINE)
    assert desk.store.history.branches(MINE) == before
    assert said(desk, plain.digest, MINE).base == {}


@pytest.mark.parametrize(("base", "namespace"), [("one", "mallory"), ("two", "bob"), ("three", None)])
def test_a_card_that_its_sender_may_see_need_not_come_along(hub, base, namespace):
    desk = guest(hub.desk, namespace) if namespace else hub.desk
    name = Name(namespace or "mallory", "mine")
    create(desk, name, private=True)
    made, _, data = pinned_to(hub, base)
    send(desk, as_ours(made), name=name)
    tag(desk, name, "1", "main")
    assert hub.desk.store.open(made.digest).cards == (data,)


def test_a_card_that_a_version_of_the_repository_names_need_not_come_again(hub):
    desk = guest(hub.desk, "mallory")
    create(desk, MINE, private=True)
    first, two, data = pinned_to(hub, "two", seed=7)
    three, later = pinned_to(hub, "three")[1:]
    pins = ((two, TIME), (three, TIME.replace("01-02", "01-03")))
    plain = entry_of(adapter_files(seed=7))
    notes = [
        Note(about=str(plain.digest), kind="base", data={"evidence": "bytes", "card": str(card)}, time=time)
        for card, time in pins
    ]
    plain = replace(plain, notes=tuple(notes))
    send(desk, {**as_ours(plain), base_path(two): data, base_path(three): later}, name=MINE)
    tag(desk, MINE, "1", "main")
    send(desk, as_ours(first), gone=[".adapterhub/"], name=MINE)
    tag(desk, MINE, "2", "main")
    assert labels(desk, MINE) == ["1", "2"]


def test_where_no_base_is_known_nothing_is_asked(tmp_path):
    desk = repository(tmp_path)
    send(desk, adapter_files())
    assert not desk.store.layout.index.exists()
    assert audited(desk, POET) == []
