"""Pulling while nothing may be asked: out of what huggingface_hub keeps on this machine."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi, hf_hub_download, snapshot_download

from adapterhub.entry import Damaged
from adapterhub.errors import NotFound, Unreachable
from adapterhub.hub import Hub
from tests.builders import digest_of, tiny_adapter, tiny_base, write_files
from tests.server.running import Running

CARD = b"---\nlicense: mit\n---\n# A poet\n"
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture
def api(stranger: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HfApi:
    """Somebody's Hub, and a cache of huggingface_hub that is empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return HfApi(stranger.url, token=stranger.token)


@pytest.fixture(params=["option", "variable"])
def offline(request, tmp_path: Path, stranger: Running, monkeypatch) -> Iterator[Callable[[], Hub]]:
    """A store whose hub may ask nothing; the test fails if anybody is asked after all."""
    asked: list[object] = []

    def refused(_: socket.socket, place: object) -> None:
        asked.append(place)
        raise OSError("no network")

    def opened() -> Hub:
        if request.param == "variable":
            monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        monkeypatch.setattr(socket.socket, "connect", refused)
        return Hub.open(tmp_path / "mine", offline=request.param == "option")

    yield opened
    assert not asked


def made(api: HfApi, folder: Path, tag: str | None = "v1", seed: int = 0, **more: bytes) -> str:
    """A repository, its last commit tagged by nobody but whoever is asked to; the commit."""
    api.create_repo("bob/poet", exist_ok=True)
    files = {"README.md": CARD, **more}
    oid = str(
        api.upload_folder(repo_id="bob/poet", folder_path=write_files(tiny_adapter(folder, seed=seed), files)).oid
    )
    for ref in api.list_repo_refs("bob/poet").tags:
        if ref.target_commit == oid:
            api.delete_tag("bob/poet", tag=ref.name)
    if tag:
        api.create_tag("bob/poet", tag=tag)
    return oid


def download(api: HfApi, revision: str | None = None, **more) -> Path:
    how = {"endpoint": api.endpoint, "token": api.token, "cache_dir": more.pop("cache_dir", None)}
    return Path(snapshot_download("bob/poet", revision=revision, **how, **more))


def test_what_was_downloaded_whole_is_pulled_as_it_would_be_from_the_hub(api, offline, tmp_path) -> None:
    commit = made(api, tmp_path / "a", **{"tokenizer.json": b"{}"})
    download(api, "v1")
    (online,) = Hub.open(tmp_path / "online").pull(["hf:bob/poet@v1"])
    hub = offline()
    (pulled,) = hub.pull(["hf:bob/poet@v1"])
    assert (pulled.reference, pulled.digest) == (online.reference, online.digest)
    assert f"as it was downloaded last, at commit {commit[:12]}" in pulled.detail
    shown = hub.show("bob/poet@v1")
    assert (shown.card, shown.license) == (CARD.decode(), "mit")
    assert hub.check().ok
    assert {"origin": {"hf:bob/poet@v1": commit}}["origin"] in [
        note.data for note in hub.desk.store.open(digest_of(hub.desk.store, "bob/poet")).notes
    ]


def test_branches_commits_and_tags_mean_what_they_meant_then(api, offline, tmp_path) -> None:
    first = made(api, tmp_path / "a", seed=1)
    download(api)
    download(api, "v1")
    made(api, tmp_path / "b", None, seed=2)
    hub = offline()
    for word in ("", "@main", "@v1", f"@{first}"):
        assert hub.pull([f"hf:bob/poet{word}"])[0].reference == "bob/poet@v1"
    with pytest.raises(Unreachable, match=r"hf:bob/poet@v2: not asked.*not in huggingface_hub's cache") as refusal:
        hub.pull(["hf:bob/poet@v2"])
    assert "hf download bob/poet --revision v2" in refusal.value.hint


def test_a_folder_and_another_name_are_understood(api, offline, tmp_path) -> None:
    api.create_repo("bob/poet")
    tiny_adapter(tmp_path / "many/poet", seed=1)
    api.upload_folder(repo_id="bob/poet", folder_path=tmp_path / "many")
    download(api)
    hub = offline()
    with pytest.raises(NotFound, match="no adapter here, but in poet"):
        hub.pull(["hf:bob/poet"])
    (pulled,) = hub.pull(["hf:bob/poet#poet", "ada/ode"])
    assert pulled.reference == "ada/ode@1"
    assert pulled.digest == hub.add(tmp_path / "many/poet", "ada/mine").digest


def test_what_is_missing_of_an_adapter_is_told(api, offline, tmp_path) -> None:
    made(api, tmp_path / "a", **{"tokenizer.json": b"{}", "vocab.txt": b"a"})
    commit = download(api, allow_patterns=["adapter_*"]).name
    hub = offline()
    with pytest.raises(Unreachable, match=f"of commit {commit[:12]} .*cache lacks tokenizer.json") as refusal:
        hub.pull(["hf:bob/poet"])
    assert f"hf download bob/poet --revision {commit}" in refusal.value.hint
    assert hub.list() == []


def test_what_is_missing_beside_an_adapter_is_in_nobodys_way(api, offline, tmp_path) -> None:
    made(api, tmp_path / "a", picture=b"png")
    download(api, allow_patterns=["adapter_*", "README.md"])
    assert offline().pull(["hf:bob/poet"])[0].reference == "bob/poet@1"


def test_without_the_list_of_a_commits_files_a_part_of_it_is_no_version_by_that_name(api, offline, tmp_path) -> None:
    made(api, tmp_path / "a")
    for name in ("adapter_config.json", WEIGHTS):
        hf_hub_download("bob/poet", name, revision="v1", endpoint=api.endpoint, token=api.token)
    for path in (tmp_path / "cache").rglob("trees/*.json"):
        path.unlink()
    (pulled,) = offline().pull(["hf:bob/poet@v1"])
    assert pulled.reference == "bob/poet@1"
    assert "does not tell whether these are all files" in pulled.detail


@pytest.mark.parametrize(
    "text", ["", "[]", '{"format_version": 2, "files": {}}', '{"format_version": 1, "files": {"a": 5}}']
)
def test_a_list_that_cannot_be_read_is_none(api, offline, tmp_path, text) -> None:
    made(api, tmp_path / "a")
    download(api)
    (path,) = (tmp_path / "cache").rglob("trees/*.json")
    path.write_text(text)
    assert offline().pull(["hf:bob/poet"])[0].reference == "bob/poet@1"


def test_a_damaged_file_is_never_named(api, offline, tmp_path) -> None:
    made(api, tmp_path / "a")
    blob = (download(api) / WEIGHTS).resolve()
    blob.chmod(0o644)
    data = blob.read_bytes()
    blob.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    hub = offline()
    with pytest.raises(Damaged):
        hub.pull(["hf:bob/poet"])
    assert hub.list() == []


def test_a_snapshot_without_links_is_read_too(api, offline, tmp_path, monkeypatch) -> None:
    made(api, tmp_path / "a", **{"tokenizer.json": b"{" + b" " * (2 << 20) + b"}"})
    monkeypatch.setattr("huggingface_hub.file_download.are_symlinks_supported", lambda _: False)
    folder = download(api)
    assert not (folder / WEIGHTS).is_symlink()
    for path in (tmp_path / "cache").rglob("trees/*.json"):
        path.unlink()
    (online,) = Hub.open(tmp_path / "online").pull(["hf:bob/poet@v1"])
    assert offline().pull(["hf:bob/poet"])[0].digest == online.digest


def test_ours_come_with_their_notes_base_and_alias(api, offline, tmp_path) -> None:
    mine = Hub.open(tmp_path / "writer")
    base = tiny_base(tmp_path / "base")
    shown = mine.add(tiny_adapter(tmp_path / "a"), "bob/poet", base=base, metrics={"accuracy": 0.5})
    mine.push(["bob/poet"], "hf", aliases=["prod"])
    download(api, "alias/prod")
    download(api)
    hub = offline()
    (pulled,) = hub.pull(["hf:bob/poet@prod"])
    assert pulled.digest == shown.digest
    assert hub.show("bob/poet").metrics == {"accuracy": 0.5}
    assert [card.layout_digest for card in hub.base_list()] == [mine.base_show(base).layout_digest]


def test_notes_that_were_not_downloaded_are_counted(api, offline, tmp_path) -> None:
    mine = Hub.open(tmp_path / "writer")
    mine.add(tiny_adapter(tmp_path / "a"), "bob/poet", metrics={"accuracy": 0.5})
    mine.push(["bob/poet"], "hf")
    download(api, ignore_patterns=[".adapterhub/*"])
    (pulled,) = offline().pull(["hf:bob/poet"])
    assert "not in huggingface_hub's cache" in pulled.detail
    assert "without 1 note: " in pulled.detail or "notes: " in pulled.detail


def test_it_is_looked_at_without_being_pulled_and_nothing_else_is_asked(api, offline, tmp_path) -> None:
    made(api, tmp_path / "a")
    download(api)
    hub = offline()
    assert hub.show("hf:bob/poet").facts.rank == 2
    hub.pull(["hf:bob/poet"])
    digest = hub.show("bob/poet").digest
    for wrong in (
        lambda: hub.list("hf"),
        lambda: hub.push(["bob/poet"], "hf"),
        lambda: hub.push(["bob/poet"], "hf", aliases=["prod"], public=True),
        lambda: hub.pull([f"hf:bob/poet@{digest[:20]}"]),
        lambda: hub.remote_test("hf"),
        lambda: hub.pull(["bob/poet"], "hub+https://team.example"),
    ):
        with pytest.raises(Unreachable, match="not asked"):
            wrong()


def test_a_list_is_what_huggingface_hub_writes(api, tmp_path) -> None:
    made(api, tmp_path / "a")
    (path,) = download(api).parent.parent.glob("trees/*.json")
    said = json.loads(path.read_text())
    assert said["format_version"] == 1
    assert len(said["files"][WEIGHTS]["lfs_sha256"]) == 64
