"""Who may do what, on every route: a stranger, a reader, a writer of another namespace, and the one who may."""

import http.client
import json
import re

import pytest

from adapterhub.digest import Digest
from tests.server.running import Running

READS = (
    ("GET", "/api/models/{repo}"),
    ("GET", "/api/models/{repo}/revision/main"),
    ("GET", "/api/models/{repo}/tree/main"),
    ("GET", "/api/models/{repo}/tree/main/in"),
    ("GET", "/api/models/{repo}/refs"),
    ("GET", "/api/models/{repo}/commits/main"),
    ("GET", "/api/models/{repo}/auth-check"),
    ("GET", "/api/models/{repo}/safetensors-metadata/adapter_model.safetensors"),
    ("POST", "/api/models/{repo}/paths-info/main"),
    ("GET", "/{repo}/resolve/main/README.md"),
    ("HEAD", "/{repo}/resolve/main/README.md"),
    ("GET", "/{repo}/raw/main/README.md"),
)
WRITES = (
    ("GET", "/api/models/{repo}/auth-check/write", {}),
    ("POST", "/api/models/{repo}/preupload/main", {"json": {"files": []}}),
    ("POST", "/api/models/{repo}/commit/main", {"content": b'{"key":"header","value":{"summary":"x"}}\n'}),
    ("POST", "/api/models/{repo}/tag/main", {"json": {"tag": "t"}}),
    ("DELETE", "/api/models/{repo}/tag/1", {}),
    ("POST", "/api/models/{repo}/branch/b", {"json": {}}),
    ("DELETE", "/api/models/{repo}/branch/main", {}),
    ("POST", "/api/models/{repo}/super-squash/main", {"json": {}}),
)
OWNS = (("PUT", "/api/models/{repo}/settings", {"json": {"visibility": "public"}}),)


@pytest.fixture
def tokens(hub):
    server: Running = hub.server
    return {
        role: server.new_token(f"{role}-{hub.namespace}", role, hub.namespace) for role in ("read", "write", "admin")
    } | {"other": server.new_token(f"other-{hub.namespace}", "admin", "elsewhere")}


def private(answer):
    return (answer.status_code, answer.headers.get("x-error-code")) == (404, "RepoNotFound")


def test_what_is_private_is_not_there_for_strangers(hub, tokens):
    hub.filled()
    for method, path in READS:
        for token in (None, tokens["other"]):
            assert private(hub.ask(method, path, token=token)), (method, path)
        assert hub.ask(method, path, token=tokens["read"]).status_code == 200, (method, path)
        assert hub.ask(method, path, token="nonsense").status_code == 401


def test_a_repository_that_is_not_there_is_answered_in_the_same_words(hub, tokens):
    hub.filled()
    for method, path in READS:
        hidden = hub.ask(method, path, token=tokens["other"])
        none = hub.ask(method, path.replace("{repo}", hub.name("none")), token=tokens["other"])
        same = [(one.status_code, one.headers.get("x-error-code")) for one in (hidden, none)]
        assert same[0] == same[1], path


def test_only_writers_of_the_namespace_write(hub, tokens):
    hub.filled()
    before = hub.get("/api/models/{repo}/refs").json()
    for method, path, body in (*WRITES, *OWNS):
        for token in (None, tokens["other"]):
            assert private(hub.ask(method, path, token=token, **body)), (method, path)
        assert hub.ask(method, path, token=tokens["read"], **body).status_code == 403, (method, path)
    for method, path, body in OWNS:
        assert hub.ask(method, path, token=tokens["write"], **body).status_code == 403
    assert hub.get("/api/models/{repo}/refs").json() == before


def test_who_reads_what_is_public_may_not_write_it(hub, tokens):
    hub.filled()
    hub.ask("PUT", "/api/models/{repo}/settings", json={"visibility": "public"})
    for method, path in READS:
        assert hub.ask(method, path, token=None).status_code == 200, path
    for method, path, body in (*WRITES, *OWNS):
        assert hub.ask(method, path, token=None, **body).status_code == 401, path
        assert hub.ask(method, path, token=tokens["other"], **body).status_code == 403, path


def test_repositories_are_made_by_writers_and_deleted_by_admins(hub, tokens):
    asked = {"json": {"name": "poet", "organization": hub.namespace}}
    assert hub.ask("POST", "/api/repos/create", token=None, **asked).status_code == 401
    for who in ("read", "other"):
        assert hub.ask("POST", "/api/repos/create", token=tokens[who], **asked).status_code == 403
    public = {"json": {**asked["json"], "visibility": "public"}}
    refused = hub.ask("POST", "/api/repos/create", token=tokens["write"], **public)
    assert refused.status_code == 403
    assert "to make it public wants a token for admin" in refused.json()["error"]
    assert "push without --public" in refused.json()["hint"]
    assert hub.ask("POST", "/api/repos/create", token=tokens["write"], **asked).status_code == 200
    assert hub.get("/api/models/{repo}").json()["private"]
    assert private(hub.ask("DELETE", "/api/repos/delete", token=tokens["other"], **asked))
    assert hub.ask("DELETE", "/api/repos/delete", token=tokens["write"], **asked).status_code == 403
    moving = {"json": {"fromRepo": hub.name(), "toRepo": "elsewhere/poet"}}
    assert hub.ask("POST", "/api/repos/move", token=tokens["admin"], **moving).status_code == 403
    assert private(hub.ask("POST", "/api/repos/move", token=tokens["other"], **moving))
    assert hub.ask("DELETE", "/api/repos/delete", token=tokens["admin"], **asked).status_code == 200


def test_a_token_of_one_namespace_lists_that_and_what_is_public(hub, tokens):
    hub.filled()
    seen = {who: [one["id"] for one in hub.get("/api/models?limit=1000", token=tokens[who]).json()] for who in tokens}
    assert hub.name() in seen["read"]
    assert hub.name() not in seen["other"]
    assert hub.name() not in [one["id"] for one in hub.get("/api/models?limit=1000", token=None).json()]


BAD = ("..", "%2e%2e", "%2E%2E%2Fx", "a%00b", "a%5Cb", "%2Fetc%2Fpasswd", "..%2f..%2fetc", "%ff", "a%0d%0aX:%20y")
PLACES = (
    "/api/models/{bad}/poet",
    "/api/models/{space}/{bad}",
    "/api/models/{repo}/revision/{bad}",
    "/api/models/{repo}/tree/{bad}",
    "/api/models/{repo}/tree/main/{bad}",
    "/api/models/{repo}/commits/{bad}",
    "/api/models/{repo}/safetensors-metadata/{bad}",
    "/{bad}/poet/resolve/main/README.md",
    "/{repo}/resolve/{bad}/README.md",
    "/{repo}/resolve/main/{bad}",
    "/{repo}/resolve/main/in/{bad}",
    "/{repo}/raw/main/{bad}",
    "/{repo}/resolve/main/.adapterhub/notes/{bad}/x.json",
    "/{repo}/resolve/main/.adapterhub/bases/{bad}.json",
)
ACTS = (
    ("POST", "/api/models/{repo}/tag/{bad}", {"json": {"tag": "x"}}),
    ("DELETE", "/api/models/{repo}/tag/{bad}", {}),
    ("POST", "/api/models/{repo}/branch/{bad}", {"json": {}}),
    ("DELETE", "/api/models/{repo}/branch/{bad}", {}),
    ("POST", "/api/models/{repo}/preupload/{bad}", {"json": {"files": []}}),
    ("POST", "/api/models/{repo}/commit/{bad}", {"content": b'{"key":"header","value":{"summary":"x"}}\n'}),
    ("POST", "/api/models/{repo}/super-squash/{bad}", {"json": {}}),
)


def _raw(hub, method, path, **body):
    """A request whose path goes over the wire as it is written."""
    host = re.sub("^http://", "", hub.server.url)
    connection = http.client.HTTPConnection(host, timeout=30)
    headers = {"Authorization": f"Bearer {hub.server.token}"}
    data = body.get("content")
    if "json" in body:
        data, headers["Content-Type"] = json.dumps(body["json"]).encode(), "application/json"
    connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
    for name, value in {**headers, "Content-Length": str(len(data or b""))}.items():
        connection.putheader(name, value)
    connection.endheaders(data)
    answer = connection.getresponse()
    read = answer.status, answer.read()
    connection.close()
    return read


def test_no_path_leads_out_of_a_repository(hub):
    hub.filled()
    for bad in BAD:
        asked = [("GET", place, {}) for place in PLACES] + list(ACTS)
        for method, place, body in asked:
            path = place.replace("{bad}", bad).replace("{repo}", hub.name()).replace("{space}", hub.namespace)
            status, told = _raw(hub, method, path, **body)
            assert 400 <= status < 500, (method, path, status, told)
            assert b"root:" not in told
            assert str(hub.server.home).encode() not in told
    assert hub.server.hub.check().ok


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/repos/create", {"json": {"name": "../x"}}),
        ("/api/repos/create", {"json": {"name": "a/b/c"}}),
        ("/api/repos/create", {"json": {"name": "a", "type": "dataset"}}),
        ("/api/repos/create", {"json": {"name": 5}}),
        ("/api/repos/create", {"content": b"\xff"}),
        ("/api/repos/move", {"json": {"fromRepo": "x", "toRepo": "../y"}}),
        ("/api/models/{repo}/commit/main", {"content": b""}),
        ("/api/models/{repo}/commit/main", {"content": b"nonsense"}),
        ("/api/models/{repo}/preupload/main", {"json": {"files": [{"path": "a", "size": -1}]}}),
        ("/api/models/{repo}/preupload/main", {"json": {"files": [{"path": "a", "size": 1, "sample": "?"}]}}),
        ("/api/models/{repo}/tag/main", {"json": {"tag": "../x"}}),
        ("/api/models/{repo}/tag/main", {"json": {}}),
        ("/api/models/{repo}/branch/x", {"json": {"startingPoint": "../../x"}}),
    ],
)
def test_bodies_that_make_no_sense_are_refused(hub, path, body):
    hub.create()
    answer = hub.ask("POST", path, **body)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"]


def test_a_token_without_the_right_to_a_blob_cannot_commit_it(hub, tokens):
    secret = hub.filled()["adapter_model.safetensors"]
    sha = Digest.of(secret).hex
    writer = hub.server.new_token(f"writer2-{hub.namespace}", "write", f"{hub.namespace}x")
    made = {"json": {"name": "thief", "organization": f"{hub.namespace}x"}}
    assert hub.ask("POST", "/api/repos/create", token=writer, **made).status_code == 200
    row = f'{{"key":"lfsFile","value":{{"path":"w.safetensors","algo":"sha256","oid":"{sha}"}}}}'
    body = f'{{"key":"header","value":{{"summary":"x"}}}}\n{row}\n'.encode()
    answer = hub.ask("POST", f"/api/models/{hub.namespace}x/thief/commit/main", token=writer, content=body)
    assert answer.status_code == 400
    assert "nobody sent" in answer.json()["error"]
