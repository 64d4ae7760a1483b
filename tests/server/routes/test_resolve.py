"""Files as they are fetched: whole, in ranges, not again, and never as a page."""

import pytest

from adapterhub.reference import parse
from tests.builders import entry

FILE = "/{repo}/resolve/main/adapter_model.safetensors"


@pytest.fixture
def weights(hub):
    return hub.filled()["adapter_model.safetensors"]


def test_a_file_comes_whole_with_its_commit_and_its_name(hub, weights):
    got = hub.get(FILE)
    sha = hub.get("/api/models/{repo}").json()["sha"]
    assert (got.status_code, got.content) == (200, weights)
    assert got.headers["x-repo-commit"] == sha
    assert got.headers["content-length"] == str(len(weights))
    assert got.headers["accept-ranges"] == "bytes"
    assert "content-encoding" not in got.headers
    assert not any(name.startswith("x-xet") for name in got.headers)


def test_head_says_the_same_without_the_bytes(hub, weights):
    got, head = hub.get(FILE), hub.ask("HEAD", FILE)
    assert head.content == b""
    same = ("etag", "content-length", "x-repo-commit", "content-type", "accept-ranges")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]


@pytest.mark.parametrize("revision", ["main", "HEAD", "1"])
def test_a_revision_may_be_a_branch_a_tag_or_head(hub, weights, revision):
    assert hub.get(FILE.replace("main", revision)).content == weights


def test_the_etag_is_the_sha256_of_a_large_file_and_gits_id_of_a_small_one(hub, weights):
    rows = {row["path"]: row for row in hub.get("/api/models/{repo}/tree/main").json()}
    small = hub.get("/{repo}/resolve/main/README.md")
    assert small.headers["etag"] == f'"{rows["README.md"]["oid"]}"'
    assert hub.get(FILE).headers["etag"] == f'"{rows["adapter_model.safetensors"]["oid"]}"'


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("bytes=0-9", 0, 10), ("bytes=10-", 10, None), ("bytes=-5", -5, None), ("bytes=3-99999999", 3, None)],
)
def test_a_range_comes_alone(hub, weights, asked, start, end):
    got = hub.get(FILE, headers={"Range": asked})
    wanted = weights[start:end]
    assert (got.status_code, got.content) == (206, wanted)
    first = len(weights) + start if start < 0 else start
    assert got.headers["content-range"] == f"bytes {first}-{first + len(wanted) - 1}/{len(weights)}"
    assert got.headers["content-length"] == str(len(wanted))


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(hub, weights, asked):
    got = hub.get(FILE, headers={"Range": asked})
    assert (got.status_code, got.headers["content-range"]) == (416, f"bytes */{len(weights)}")


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=0-1,3-4", "rows=1-2", "bytes=a-b", "bytes=-"])
def test_what_is_no_single_range_counts_as_none(hub, weights, asked):
    got = hub.get(FILE, headers={"Range": asked})
    assert (got.status_code, got.content) == (200, weights)


def test_a_range_of_other_bytes_than_before_is_none(hub, weights):
    etag = hub.get(FILE).headers["etag"]
    assert hub.get(FILE, headers={"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert hub.get(FILE, headers={"Range": "bytes=0-1", "If-Range": '"another"'}).status_code == 200


def test_what_a_client_has_does_not_come_again(hub, weights):
    etag = hub.get(FILE).headers["etag"]
    for asked in (etag, f'"x", W/{etag}', "*"):
        got = hub.get(FILE, headers={"If-None-Match": asked})
        assert (got.status_code, got.content) == (304, b"")
    assert hub.get(FILE, headers={"If-None-Match": '"x"'}).status_code == 200


def test_nothing_uploaded_is_shown_as_a_page(hub):
    hub.create()
    page = b"<html><script>alert(1)</script></html>"
    hub.commit({"index.html": page, "a.svg": page, "x.json": b"{}", 'q"uo te;ü.txt': b"hi"})
    for name in ("index.html", "a.svg", "x.json", "q%22uo%20te;%C3%BC.txt"):
        got = hub.get(f"/{{repo}}/resolve/main/{name}")
        assert got.headers["x-content-type-options"] == "nosniff"
        assert got.headers["content-disposition"].startswith("attachment; ")
        assert "sandbox" in got.headers["content-security-policy"]
        assert "html" not in got.headers["content-type"]
        assert "svg" not in got.headers["content-type"]
    assert "filename*=UTF-8''q%22uo%20te%3B%C3%BC.txt" in got.headers["content-disposition"]


def test_a_file_that_is_not_there_tells_the_commit_where_it_is_not(hub, weights):
    got = hub.get("/{repo}/resolve/main/none")
    assert (got.status_code, got.headers["x-error-code"]) == (404, "EntryNotFound")
    assert got.headers["x-repo-commit"] == hub.get("/api/models/{repo}").json()["sha"]
    assert hub.get("/{repo}/resolve/none/README.md").headers["x-error-code"] == "RevisionNotFound"
    assert hub.get("/nobody/none/resolve/main/README.md").headers["x-error-code"] == "RepoNotFound"
    assert hub.get("/gpt2/resolve/main/config.json").headers["x-error-code"] == "RepoNotFound"


def test_notes_of_its_versions_lie_at_every_revision(hub):
    said = entry(seed=77, notes=[("metrics", {"accuracy": 0.5})])
    hub.server.hub.desk.store.publish(said, parse(hub.name()))
    told = hub.get("/api/models/{repo}").json()["adapterhub"]
    (note,) = told["notes"][str(said.digest)]
    got = hub.get(f"/{{repo}}/resolve/1/.adapterhub/notes/{said.digest.hex}/{note}.json")
    assert got.content == said.notes[0].to_bytes()
    assert hub.get(f"/{{repo}}/resolve/1/.adapterhub/notes/{said.digest.hex}/{'0' * 64}.json").status_code == 404
