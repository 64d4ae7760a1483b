"""What clients ask before and beside a transfer: how to send a file, what is in one, the next page."""

import base64

import pytest

from adapterhub.digest import Digest
from adapterhub.reference import parse
from tests.builders import adapter_files, entry


def preupload(hub, *files):
    rows = [{"path": path, "size": size, "sample": base64.b64encode(sample).decode()} for path, size, sample in files]
    answer = hub.ask("POST", "/api/models/{repo}/preupload/main", json={"files": rows})
    assert answer.status_code == 200, answer.text
    return {row["path"]: row for row in answer.json()["files"]}


def test_weights_and_binaries_go_as_large_files_and_the_rest_in_the_commit(hub):
    hub.create()
    told = preupload(
        hub,
        ("w.safetensors", 10, b"x"),
        ("w.gguf", 10, b"x"),
        ("photo", 10, b"\x89PNG\0"),
        ("long.txt", 5 << 20, b"text"),
        ("README.md", 10, b"# hi"),
        ("empty.bin", 0, b""),
    )
    modes = {path: row["uploadMode"] for path, row in told.items()}
    assert modes == {
        "w.safetensors": "lfs", "w.gguf": "lfs", "photo": "lfs", "long.txt": "lfs", "README.md": "regular",
        "empty.bin": "regular",
    }  # fmt: skip
    assert not any(row["shouldIgnore"] for row in told.values())


def test_what_a_gitignore_names_need_not_be_sent(hub):
    hub.create()
    names = (".env", "run/a.log", "README.md", "adapterhub.json")

    def told(**more):
        rows = [{"path": path, "size": 3, "sample": ""} for path in names]
        answer = hub.ask("POST", "/api/models/{repo}/preupload/main", json={"files": rows, **more}).json()
        return [row["path"] for row in answer["files"] if row["shouldIgnore"]]

    assert told() == []
    assert told(gitIgnore=".env\n*.log\n*.json") == [".env", "run/a.log"]
    hub.commit({".gitignore": b"run/\n"})
    assert told() == ["run/a.log"]
    assert told(gitIgnore="") == []
    answer = hub.ask("POST", "/api/models/{repo}/preupload/main", json={"files": [], "gitIgnore": "a\n" * 1001})
    assert answer.status_code == 400


def test_what_lies_there_is_told_so_that_it_need_not_be_sent(hub):
    files = hub.filled()
    told = preupload(hub, ("README.md", 7, b""), ("none.txt", 1, b""))
    rows = {row["path"]: row for row in hub.get("/api/models/{repo}/tree/main").json()}
    assert told["README.md"]["oid"] == rows["README.md"]["oid"]
    assert "oid" not in told["none.txt"]
    assert Digest.of(files["README.md"]).hex != told["README.md"]["oid"]


def test_a_tree_comes_in_pages(hub):
    hub.create()
    hub.commit({f"f{number:02}.txt": b"x" for number in range(7)})
    seen, path = [], "/api/models/{repo}/tree/main?recursive=true&limit=3"
    while path:
        answer = hub.get(path)
        seen += [row["path"] for row in answer.json()]
        link = answer.links.get("next", {}).get("url", "")
        assert not link or link.startswith(hub.server.url)
        path = link.removeprefix(hub.server.url)
    assert seen == [f"f{number:02}.txt" for number in range(7)]


def test_a_history_comes_in_pages(hub):
    hub.create()
    for number in range(4):
        hub.commit({"a.txt": b"%d" % number})
    first = hub.get("/api/models/{repo}/commits/main?limit=2")
    second = hub.get(first.links["next"]["url"].removeprefix(hub.server.url))
    ids = [row["id"] for row in (*first.json(), *second.json())]
    assert len(set(ids)) == 4
    assert hub.get(f"/api/models/{{repo}}/commits/{ids[2]}").json()[0]["id"] == ids[2]


@pytest.mark.parametrize("kind", ["json", "data"])
def test_paths_are_asked_about_in_json_and_in_a_form(hub, kind):
    hub.filled()
    path = "/api/models/{repo}/paths-info/main"
    rows = hub.ask("POST", path, **{kind: {"paths": ["README.md", "none", "in"], "expand": True}}).json()
    assert {row["path"]: row["lastCommit"]["title"] for row in rows} == {"README.md": "a commit", "in": "a commit"}
    assert hub.ask("POST", path, **{kind: {"paths": ["README.md"], "expand": "x"}}).status_code == 422
    assert hub.ask("POST", path, json=["README.md"]).status_code == 422


def test_models_come_in_pages(hub):
    for number, name in enumerate(("a", "b", "c")):
        hub.server.hub.desk.store.publish(entry(20 + number), parse(hub.name(name)))
    names, path = [], f"/api/models?author={hub.namespace}&limit=1"
    while path:
        answer = hub.get(path)
        names += [row["id"] for row in answer.json()]
        path = answer.links.get("next", {}).get("url", "").removeprefix(hub.server.url)
    assert names == [hub.name(name) for name in ("c", "b", "a")]
    half = base64.b64encode(b'["\\ud800", "a"]').decode()
    for cursor in ("nonsense", half):
        assert hub.get("/api/models", params={"cursor": cursor}).status_code == 400


def test_each_version_with_its_commit_is_told(hub):
    hub.filled(seed=11)
    told = hub.get("/api/models/{repo}").json()
    (version,) = told["adapterhub"]["versions"]
    assert (version["version"], version["commit"], version["by"]) == ("1", told["sha"], "admin")
    assert version["digest"] in told["adapterhub"]["notes"]


@pytest.mark.parametrize("path", ["", "/revision/HEAD", "/revision/1"])
def test_fields_come_alone_when_they_are_named(hub, path):
    hub.filled()
    told = hub.get(f"/api/models/{{repo}}{path}?expand[]=sha&expand=private,tags").json()
    assert set(told) == {"_id", "id", "sha", "private", "tags"}


def test_cards_are_looked_at_before_they_are_sent(hub):
    def ask(text):
        return hub.ask("POST", "/api/validate-yaml", json={"content": text, "repoType": "model"})

    assert ask("---\nlicense: mit\n---\n# x").status_code == 200
    assert ask("# no yaml at all").json() == {"errors": [], "warnings": []}
    bad = ask("---\na: [\n---\n")
    assert bad.status_code == 400
    assert "cannot be read" in bad.json()["errors"][0]["message"]
    bomb = "---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n"
    assert ask(bomb).status_code == 400


def test_the_header_of_weights_is_told(hub):
    hub.filled()
    told = hub.get("/api/models/{repo}/safetensors-metadata/adapter_model.safetensors").json()
    header = told["headers"]["adapter_model.safetensors"]
    assert header["__metadata__"] == {"format": "pt"}
    assert min(row["data_offsets"][0] for name, row in header.items() if name != "__metadata__") == 0
    assert hub.get("/api/models/{repo}/safetensors-metadata/README.md").status_code == 404


def test_who_sent_what_makes_no_version_is_told_why(hub):
    hub.create()
    answer = hub.commit({"adapter_model.safetensors": adapter_files()["adapter_model.safetensors"]})
    assert answer.status_code == 200
    assert "no version was published" in answer.headers["x-hf-warning"]
    assert str(hub.server.home) not in answer.headers["x-hf-warning"]


def test_a_commit_made_for_what_is_none_is_refused(hub):
    hub.create()
    answer = hub.commit({"a.txt": b"1"}, parent="\ud800")
    assert answer.status_code == 400
    assert "parentCommit is a commit" in answer.json()["error"]


def test_other_kinds_of_repositories_are_not_here(hub):
    for path in ("/api/datasets/a/b", "/api/spaces/a/b", "/datasets/a/b/resolve/main/x", "/api/models/gpt2"):
        answer = hub.get(path)
        assert (answer.status_code, answer.headers["x-error-code"]) == (404, "RepoNotFound")


def test_the_openapi_document_names_every_route_once(hub):
    paths = hub.get("/openapi.json").json()["paths"]
    ids = [each["operationId"] for ways in paths.values() for each in ways.values()]
    assert len(ids) == len(set(ids))
    assert "/api/models/{namespace}/{repository}/commit/{revision}" in paths


def test_too_many_lines_are_refused_before_one_of_them_is_looked_at(hub):
    hub.create()
    header = b'{"key":"header","value":{"summary":"x"}}\n'
    answer = hub.ask("POST", "/api/models/{repo}/commit/main", content=header + b"no json\n" * 20_000)
    assert (answer.status_code, answer.json()["error"]) == (400, "more than 20000 lines")
    answer = hub.ask("POST", "/api/models/{repo}/commit/main", content=header + b"no json\n" * 19_999)
    assert answer.json()["error"].startswith("line 2 of the commit: no JSON")


@pytest.mark.parametrize("path", ["", "/{repo}", "/{repo}/refs", "/{repo}/tree/main", "/{repo}/revision/nowhere"])
def test_a_head_is_answered_as_a_get_without_its_body(hub, path):
    hub.filled()
    path = f"/api/models{path}"
    got, head = hub.get(path), hub.ask("HEAD", path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    same = ("content-type", "content-length", "x-error-code")
    assert [head.headers.get(key) for key in same] == [got.headers.get(key) for key in same]
