"""Repositories of people who never heard of us, on Hubs that tell no versions."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi, snapshot_download

from adapterhub.errors import BadReference, Conflict, Corrupt, NotFound, WrongUsage
from adapterhub.hub import Hub
from adapterhub.protocols.http import Reader
from adapterhub.remotes.table import open_remote
from tests.builders import POET, adapter_files, digest_of, entry, read_all, tiny_adapter, write_files
from tests.server.running import Running

CARD = """---
base_model: org/other
license: mit
---
# A poet
"""


@pytest.fixture
def hub(tmp_path: Path, stranger: Running) -> Hub:
    return Hub.open(tmp_path / "mine")


@pytest.fixture
def api(stranger: Running) -> HfApi:
    return HfApi(stranger.url, token=stranger.token)


def upload(api: HfApi, repo: str, folder: Path, tag: str | None = None) -> str:
    """What somebody uploads with the Hub's own client; the commit."""
    api.create_repo(repo, exist_ok=True)
    commit = str(api.upload_folder(repo_id=repo, folder_path=folder).oid)
    if tag:
        api.create_tag(repo, tag=tag)
    return commit


def test_the_manifest_is_that_of_the_folder_added(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    folder = write_files(tiny_adapter(tmp_path / "run"), {"README.md": CARD.encode(), "notes.txt": b"not ours"})
    upload(api, "bob/poet", folder, "v1.2")
    (pulled,) = hub.pull(["hf:bob/poet@v1.2"])
    added = hub.add(folder, "ada/mine")
    assert (pulled.reference, pulled.digest) == ("bob/poet@v1.2", added.digest)


def test_the_card_the_license_and_the_base_that_is_named_are_noted(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    commit = upload(api, "bob/poet", write_files(tiny_adapter(tmp_path / "run"), {"README.md": CARD.encode()}), "v1")
    hub.pull(["hf:bob/poet@v1"])
    shown = hub.show("bob/poet")
    assert (shown.card, shown.license) == (CARD, "mit")
    assert shown.base == {"evidence": "name", "source": "hf:org/tiny"}  # the config's word counts more
    (note,) = (
        note for note in hub.desk.store.open(digest_of(hub.desk.store, "bob/poet")).notes if note.kind == "origin"
    )
    assert note.data == {"hf:bob/poet@v1": commit}


def test_a_revision_of_the_base_is_better_evidence_than_a_name(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    upload(api, "bob/poet", tiny_adapter(tmp_path / "run", revision="abc123"), "v1")
    hub.pull(["hf:bob/poet"])
    assert hub.show("bob/poet").base == {"evidence": "revision", "source": "hf:org/tiny", "revision": "abc123"}


def test_a_base_that_is_a_path_on_somebodys_machine_names_none(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    upload(api, "bob/poet", tiny_adapter(tmp_path / "run", base_model_name_or_path="/srv/bob/base"), "v1")
    hub.pull(["hf:bob/poet"])
    assert hub.show("bob/poet").base == {}


def test_a_head_without_a_tag_gets_the_next_integer(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    upload(api, "bob/poet", tiny_adapter(tmp_path / "a", seed=1))
    _untag(api, "bob/poet")
    first = hub.pull(["hf:bob/poet"])[0]
    upload(api, "bob/poet", tiny_adapter(tmp_path / "b", seed=2))
    _untag(api, "bob/poet")
    second = hub.pull(["hf:bob/poet"])[0]
    assert (first.reference, second.reference) == ("bob/poet@1", "bob/poet@2")
    assert "which has no tag" in second.detail
    assert hub.pull(["hf:bob/poet"])[0].reference == "bob/poet@2"


def _untag(api: HfApi, repo: str) -> None:
    """Our own server tags what a stranger commits; others do not."""
    for tag in api.list_repo_refs(repo).tags:
        api.delete_tag(repo, tag=tag.name)


def test_any_branch_and_any_commit_can_be_pulled(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    commit = upload(api, "bob/poet", tiny_adapter(tmp_path / "a", seed=1), "v1")
    upload(api, "bob/poet", tiny_adapter(tmp_path / "b", seed=2))
    api.create_branch("bob/poet", branch="try/this", revision=commit)
    by_branch = hub.pull(["hf:bob/poet@try/this", "ada/branch"])[0]
    by_commit = hub.pull([f"hf:bob/poet@{commit}", "ada/commit"])[0]
    by_tag = hub.pull(["hf:bob/poet@v1", "ada/tag"])[0]
    assert by_branch.digest == by_commit.digest == by_tag.digest
    with pytest.raises(NotFound, match="no version, alias, branch or commit 'v9'"):
        hub.pull(["hf:bob/poet@v9"])


def test_an_adapter_in_a_folder_is_told_of_and_can_be_named(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    tiny_adapter(tmp_path / "many/poet", seed=1)
    tiny_adapter(tmp_path / "many/ode", seed=2)
    upload(api, "bob/many", tmp_path / "many")
    with pytest.raises(NotFound, match="no adapter here, but in ode, poet") as refusal:
        hub.pull(["hf:bob/many"])
    assert "hf:bob/many#ode" in refusal.value.hint
    (pulled,) = hub.pull(["hf:bob/many#poet", "ada/poet"])
    assert pulled.digest == hub.add(tmp_path / "many/poet", "ada/mine").digest
    assert pulled.reference == "ada/poet@1"


def test_a_name_is_wanted_where_the_hub_has_half_of_one(hub: Hub) -> None:
    with pytest.raises(WrongUsage, match="no organisation") as refusal:
        hub.pull(["hf:poet"])
    assert "adapterhub pull hf:poet NAMESPACE/poet" in refusal.value.hint


def test_a_tag_that_moved_to_the_same_files_is_told_of_too(hub: Hub, api: HfApi, tmp_path: Path) -> None:
    upload(api, "bob/poet", tiny_adapter(tmp_path / "a", seed=1), "v1")
    digest = hub.pull(["hf:bob/poet@v1"])[0].digest
    api.upload_file(path_or_fileobj=b"# more", path_in_repo="README.md", repo_id="bob/poet")
    _untag(api, "bob/poet")
    api.create_tag("bob/poet", tag="v1")
    again = hub.pull(["hf:bob/poet@v1"])[0]
    assert (again.digest, again.bytes_received) == (digest, 0)
    assert "was moved" in again.detail


def test_what_huggingface_hub_holds_already_is_not_downloaded(hub: Hub, api: HfApi, tmp_path, monkeypatch) -> None:
    upload(api, "bob/poet", tiny_adapter(tmp_path / "a"), "v1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot_download("bob/poet", endpoint=api.endpoint, token=api.token, cache_dir=tmp_path / "cache")
    assert "adapter_model.safetensors" not in _opened(hub, monkeypatch)


def _opened(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    opened = Reader.open

    def watched(self: Reader, path: str, start: int = 0):
        asked.append(path)
        return opened(self, path, start)

    monkeypatch.setattr(Reader, "open", watched)
    hub.pull(["hf:bob/poet@v1"])
    return asked


def test_a_damaged_file_in_that_cache_is_passed_over(hub: Hub, api: HfApi, tmp_path, monkeypatch) -> None:
    upload(api, "bob/poet", tiny_adapter(tmp_path / "a"), "v1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot_download("bob/poet", endpoint=api.endpoint, token=api.token, cache_dir=tmp_path / "cache")
    for blob in (tmp_path / "cache").glob("models--bob--poet/blobs/*"):
        blob.chmod(0o644)
        blob.write_bytes(bytes(blob.stat().st_size))
    assert "adapter_model.safetensors" in _opened(hub, monkeypatch)


def test_ours_on_a_strangers_hub_keep_digest_notes_versions_and_aliases(hub: Hub, stranger: Running, tmp_path) -> None:
    for seed in (1, 2):
        hub.add(tiny_adapter(tmp_path / str(seed), seed=seed), "ada/poet", metrics={"accuracy": seed / 4})
    hub.push(["ada/poet@1"], "hf", aliases=["prod"])
    hub.push(["ada/poet@2"], "hf")
    other = Hub.open(tmp_path / "other")
    for word in ("1", "2"):
        (pulled,) = other.pull([f"hf:ada/poet@{word}"])
        assert (pulled.reference, pulled.digest) == (f"ada/poet@{word}", hub.show(f"ada/poet@{word}").digest)
        assert other.show(f"ada/poet@{word}").metrics == {"accuracy": int(word) / 4}
    assert other.pull(["hf:ada/poet@prod"])[0].reference == "ada/poet@1"
    assert other.pull(["hf:ada/poet"])[0].reference == "ada/poet@2"
    assert hub.push(["ada/poet@1"], "hf")[0].bytes_sent == 0


def test_a_registry_of_strangers_is_written_and_read_like_any_other(stranger: Running) -> None:
    remote = open_remote(f"hub+{stranger.url}")
    for seed in range(2):
        assert remote.publish(entry(seed), POET).reference == POET.at(str(seed + 1))
    assert remote.publish(entry(0), POET).received == 0
    assert read_all(remote.open(remote.resolve(POET.at("1")).digest)) == adapter_files(seed=0)
    digest = entry(0).digest
    assert remote.resolve(POET.at(f"sha256:{digest.hex[:8]}")).reference == POET.at("1")
    with pytest.raises(NotFound, match="ada/poet"):
        remote.resolve(POET.at("sha256:00000000"))
    with pytest.raises(Conflict, match="is there with another digest"):
        remote.publish(entry(5), POET.at("1"))


def test_files_that_were_changed_below_our_manifest_are_no_entry(hub: Hub, stranger: Running, tmp_path, monkeypatch):
    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet")
    hub.push(["ada/poet"], "hf")
    from adapterhub.protocols.hf_hub import repository

    read = repository.read_tree

    def changed(client, repo, revision=None):
        tree = read(client, repo, revision)
        told = tree.files["adapter_model.safetensors"]
        tree.files["adapter_model.safetensors"] = repository.Remote(told.url, told.size, "0" * 64)
        return tree

    monkeypatch.setattr("adapterhub.remotes.hub_find.read_tree", changed)
    with pytest.raises(Corrupt, match=r"adapter_model\.safetensors is sha256:0+, not sha256:"):
        Hub.open(tmp_path / "other").pull(["hf:ada/poet"])


def test_an_address_that_cannot_be_read_is_said_so(hub: Hub) -> None:
    with pytest.raises(BadReference, match="cannot read 'hf:a/b/c'"):
        hub.pull(["hf:a/b/c"])
