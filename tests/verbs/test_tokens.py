"""Tokens: told once, kept as a hash, ended by time or by hand."""

import re

import pytest

from adapterhub import Hub
from adapterhub.digest import Digest
from adapterhub.errors import BadReference, Conflict, NotFound, WrongUsage
from adapterhub.verbs.tokens import PREFIX
from tests.builders import tiny_adapter


@pytest.fixture
def hub(tmp_path):
    return Hub.open(tmp_path / "store")


def test_a_token_is_told_once_and_kept_as_its_hash(hub):
    made = hub.token_create("ada", "write", namespaces=["ada", "team", "ada"], expires="30d")
    settings = (hub.store / "settings.json").read_text()
    assert made.token not in settings
    assert made.token.rpartition("_")[2] not in settings
    assert Digest.of(made.token.encode()).hex in settings
    (shown,) = hub.token_list()
    assert (shown.id, shown.name, shown.role, shown.namespaces) == (made.id, "ada", "write", ("ada", "team"))
    assert shown.state == "good"
    assert "token" not in shown.model_dump()
    assert "hash" not in shown.model_dump()


def test_two_tokens_share_nothing_and_each_is_one_word_whose_last_part_is_its_secret(hub):
    one, other = hub.token_create("a", "read"), hub.token_create("b", "read")
    for made in (one, other):
        assert re.fullmatch(rf"{PREFIX}_{made.id}_[0-9a-f]{{64}}", made.token)
    assert one.token.rpartition("_")[2] != other.token.rpartition("_")[2]


def test_a_name_is_free_again_once_its_token_has_ended(hub):
    hub.token_create("ci", "read")
    with pytest.raises(Conflict, match="there is such a token"):
        hub.token_create("ci", "admin")
    assert hub.token_revoke("ci").state == "revoked"
    hub.token_create("ci", "admin")
    assert [token.state for token in hub.token_list()] == ["revoked", "good"]
    with pytest.raises(NotFound, match="no token"):
        hub.token_revoke("ada")


def test_a_token_is_revoked_by_its_id_too(hub):
    made = hub.token_create("ci", "read")
    assert hub.token_revoke(made.id).id == made.id
    with pytest.raises(NotFound):
        hub.token_revoke(made.id)


@pytest.mark.parametrize("text", ["", "30", "d", "-3d", "30 days", "2020-01-01", "0d", "9999y", "soon"])
def test_an_end_that_is_none_or_over_is_refused(hub, text):
    if text == "":
        assert hub.token_create("ci", "read", expires=text).expires == ""
        return
    with pytest.raises(WrongUsage):
        hub.token_create("ci", "read", expires=text)


@pytest.mark.parametrize(("text", "month"), [("2999-02-01", "2999-02"), ("2999-02-01T00:00:00+02:00", "2999-01")])
def test_an_end_may_be_a_day_or_a_time(hub, text, month):
    assert hub.token_create("ci", "read", expires=text).expires.startswith(month)


def test_who_made_and_ended_a_token_is_in_the_trail_without_the_token(hub, monkeypatch):
    monkeypatch.setenv("ADAPTERHUB_USER", "eve")
    made = hub.token_create("ci", "write", namespaces=["ada", "team"], expires="2999-02-01")
    hub.token_create("boss", "admin")
    hub.token_revoke("ci")
    until = "write in ada, team, until 2999-02-01T00:00:00.000000Z"
    boss = next(token.id for token in hub.token_list() if token.name == "boss")
    assert [(event.action, event.reference, event.by, event.detail) for event in hub.log()] == [
        ("token", "token:ci", "eve", f"{made.id}: {until}"),
        ("token", "token:boss", "eve", f"{boss}: admin in all namespaces, until it is revoked"),
        ("revoke", "token:ci", "eve", f"{made.id}: {until}"),
    ]
    trail = b"".join(path.read_bytes() for path in (hub.store / "events").iterdir())
    for secret in (made.token, made.token.rpartition("_")[2], Digest.of(made.token.encode()).hex):
        assert secret.encode() not in trail


def test_what_did_not_happen_to_a_token_is_not_in_the_trail(hub, monkeypatch):
    hub.token_create("ci", "read")
    for wrong in (lambda: hub.token_create("ci", "read"), lambda: hub.token_revoke("ada")):
        with pytest.raises((Conflict, NotFound)):
            wrong()
    monkeypatch.setattr("adapterhub.verbs.desk.save", lambda *_: (_ for _ in ()).throw(OSError("full")))
    for wrong in (lambda: hub.token_create("b", "read"), lambda: hub.token_revoke("ci")):
        with pytest.raises(OSError, match="full"):
            wrong()
    assert [event.action for event in hub.log()] == ["token"]


def test_the_trail_of_tokens_is_in_nobodys_way(hub, tmp_path):
    hub.token_create("ci", "read")
    hub.add(tiny_adapter(tmp_path / "run"), "ci/poet")
    assert [event.action for event in hub.log("ci/poet")] == ["publish"]
    assert [row["reference"] for row in hub.search()] == ["ci/poet@1"]
    assert hub.check().ok


def test_words_that_are_no_names_or_roles_are_refused(hub):
    with pytest.raises(WrongUsage, match="'root' is no role"):
        hub.token_create("ci", "root")
    for name, namespaces in (("../x", ()), ("ci", ["a/b"]), ("", ())):
        with pytest.raises(BadReference):
            hub.token_create(name, "read", namespaces=namespaces)
    assert hub.token_list() == []


def test_who_writes_an_adapter_for_a_tokens_name_hears_where_namespaces_go(hub):
    with pytest.raises(BadReference, match="'ada/poet' is not a name of a token: there is a slash") as refusal:
        hub.token_create("ada/poet", "write")
    assert "--namespace NAMESPACE" in refusal.value.hint
