"""`hf`, the command line of huggingface_hub, in the words of each generation."""

import json

import pytest

from tests.clients.driving import Client
from tests.clients.environments import HUBS
from tests.clients.scripts.walk import digests

OLDEST = HUBS[0]
"""Its command line has no words to search and to delete."""


@pytest.mark.parametrize("version", HUBS)
def test_the_command_line_creates_pushes_tags_pulls_searches_and_deletes(version, served, namespace, folders, tmp_path):
    hf, repo = Client(f"hub-{version}", tmp_path / "home", served.url, served.token).hf, f"{namespace}/poet"
    group = "repo" if version == OLDEST else "repos"
    assert "admin" in hf("auth", "whoami")
    assert repo in hf(group, "create", repo, "--private")
    for folder in folders:
        hf("upload", repo, folder, "--commit-message", folder.name)
    hf(group, "tag", "create", repo, "first", "--revision", "1")
    assert "first" in hf(group, "tag", "list", repo)
    for revision, folder in zip(("first", "main", "2"), (*folders, folders[1]), strict=True):
        hf("download", repo, "--revision", revision, "--local-dir", tmp_path / f"as {revision}")
        assert digests(tmp_path / f"as {revision}") == digests(folder)
    assert versions(served, repo) == {"1", "2", "first"}
    if version != OLDEST:
        assert [row["id"] for row in json.loads(hf("models", "ls", "--search", repo, "--format", "json"))] == [repo]
        hf("repos", "delete", repo, "--yes")
        assert versions(served, repo) == set()


def versions(served, repo):
    listed = [line.reference.split("@") for line in served.hub.list()]
    return {version for name, version in listed if name == repo}


def weights(folder):
    return digests(folder)["adapter_model.safetensors"]


@pytest.mark.parametrize("version", HUBS)
def test_the_command_line_tells_who_may_not_that_he_may_not(version, served, namespace, folders, tmp_path):
    repo = f"{namespace}/poet"
    served.hub.add(folders[0], repo)
    words = {"nobody": "", "wrong": "hf_ahub_wrong", "reader": served.new_token(namespace, "read", namespace)}
    nobody, wrong, reader = (
        Client(f"hub-{version}", tmp_path / name, served.url, word) for name, word in words.items()
    )
    assert "not found" in nobody.refused("download", repo).lower()
    assert "401" in wrong.refused("download", repo)
    reader.hf("download", repo, "--local-dir", tmp_path / "read")
    assert weights(tmp_path / "read") == weights(folders[0])
    assert "403" in reader.refused("upload", repo, folders[1])
    assert versions(served, repo) == {"1"}


@pytest.mark.parametrize("version", HUBS)
def test_what_is_public_is_pulled_without_a_token(version, served, namespace, folders, tmp_path):
    repo = f"{namespace}/open"
    served.hub.add(folders[0], repo)
    served.ask("PUT", f"/api/models/{repo}/settings", json={"visibility": "public"})
    Client(f"hub-{version}", tmp_path / "home", served.url).hf("download", repo, "--local-dir", tmp_path / "got")
    assert weights(tmp_path / "got") == weights(folders[0])
