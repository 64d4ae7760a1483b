"""Who may do what."""

import base64

import pytest

from adapterhub.protocols.hf_hub.answers import AccessDenied, RepoNotFound, TokenWanted
from adapterhub.reference import Name
from adapterhub.server.access import ANYBODY, Caller
from adapterhub.server.tokens import Keyring
from tests.server.running import running

ADA, BOB = Name("ada", "poet"), Name("bob", "poet")
WHOAMI = "/api/whoami-v2"


def test_a_caller_without_a_token_reads_what_is_public():
    assert ANYBODY.may_read(ADA, False)
    assert not ANYBODY.may_read(ADA, True)
    with pytest.raises(RepoNotFound):
        ANYBODY.insist_read(ADA, True)
    with pytest.raises(TokenWanted):
        ANYBODY.insist_write(ADA)


@pytest.mark.parametrize(
    ("role", "may"), [("read", (True, False, False)), ("write", (True, True, False)), ("admin", (True, True, True))]
)
def test_each_role_may_what_the_one_before_it_may(role, may):
    caller = Caller("1", "ada", role, ("ada",))
    assert (caller.may_read(ADA, True), caller.may_write(ADA), caller.has("admin", "ada")) == may
    assert not caller.may_read(BOB, True)
    assert not caller.may_write(BOB)
    assert caller.may_read(BOB, False)
    assert Caller("1", "ada", role).may_read(BOB, True)


def test_who_may_not_is_told_what_would_be_needed():
    with pytest.raises(AccessDenied, match="ada is one for write of ada") as caught:
        Caller("1", "ada", "write", ("ada",)).insist_admin(ADA)
    assert "--role admin --namespace ada" in caught.value.hint


def test_what_is_named_without_a_namespace_is_at_home():
    assert Caller("1", "ada", "write").home == "ada"
    assert Caller("1", "ada", "write", ("team", "ada")).home == "ada"
    assert Caller("1", "ci", "write", ("team", "ada")).home == "team"


def test_a_keyring_knows_a_token_as_long_as_it_lives(server):
    keyring = Keyring(server.hub.desk.store)
    token = server.new_token("ci", "read")
    assert keyring.find(token)[1].name == "ci"
    assert keyring.find(token[:-1]) is None
    assert keyring.find(token + "x") is None
    assert keyring.find("") is None
    assert keyring.find("hf_ahub_x_y") is None
    server.hub.token_revoke("ci")
    assert keyring.find(token) is None


def test_an_expired_token_is_none(server, monkeypatch):
    keyring, token = Keyring(server.hub.desk.store), server.new_token("ci", "read", expires="1h")
    assert keyring.find(token)
    monkeypatch.setattr("adapterhub.server.tokens.now", lambda: "2999-01-01T00:00:00.000000Z")
    assert keyring.find(token) is None


def test_a_running_server_sees_new_tokens_and_forgets_ended_ones(server):
    token = server.new_token("ada", "write", "ada", "team")
    said = server.ask("GET", WHOAMI, token=token).json()
    assert (said["name"], [org["name"] for org in said["orgs"]]) == ("ada", ["team"])
    assert said["auth"]["accessToken"] == {"displayName": "ada", "role": "write"}
    ended = server.hub.token_revoke("ada").revoked[:16].replace("T", " ")
    answer = server.ask("GET", WHOAMI, token=token)
    assert (answer.status_code, answer.json()["error"]) == (401, f"this token ended {ended} UTC")
    answer = server.ask("GET", WHOAMI, token=f"{token[:-1]}x")  # who has not the whole of it hears nothing of it
    assert (answer.status_code, answer.json()["error"]) == (401, "this token is none of this server's")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Basic !", "Basic", "Digest x", "x", "Bearer hf_ahub__"])
def test_a_token_that_is_none_is_a_401_and_never_anybody(standing, header):
    answer = standing.ask("GET", WHOAMI, token=None, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_password_counts_for_reading_only(standing):
    word = base64.b64encode(f"any:{standing.token}".encode()).decode()
    headers = {"Authorization": f"Basic {word}"}
    assert standing.ask("GET", WHOAMI, token=None, headers=headers).json()["name"] == "admin"
    made = {"name": "poet", "organization": "ada"}
    assert standing.ask("POST", "/api/repos/create", token=None, headers=headers, json=made).status_code == 401


def test_a_server_may_answer_nobody_without_a_token(tmp_path):
    with running(tmp_path, "--no-anonymous") as server:
        assert server.ask("GET", "/healthz", token=None).status_code == 200
        assert server.ask("POST", "/a/b.git/info/lfs/objects/batch", token=None, json=BATCH).status_code == 401
        for token, status in ((None, 401), ("", 200)):
            assert server.ask("POST", "/api/validate-yaml", token=token, json={"content": "x"}).status_code == status


BATCH = {"operation": "upload", "objects": []}


def test_the_hubs_client_logs_in_with_a_token(standing, monkeypatch):
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    assert HfApi(standing.url, token=standing.token).whoami()["name"] == "admin"
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        HfApi(standing.url, token="hf_ahub_x_y").whoami()
