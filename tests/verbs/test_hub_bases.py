"""Bases on a Hub: their cards are made from headers, and their files tell who they are."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

from adapterhub.errors import BadReference, NotFound, Unreachable
from adapterhub.hub import Hub
from adapterhub.protocols.hf_hub import repository
from adapterhub.protocols.hf_hub.address import parse_address
from adapterhub.verbs.base_places import fetched
from tests.builders import tiny_adapter, tiny_base, write_files
from tests.protocols import hub_server

NAME = "org/tiny"
WORD = f"hf:{NAME}"
WEIGHTS = "model.safetensors"


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[hub_server.Hub]:
    """A Hub with one model, that has weights much larger than their header."""
    tiny_base(tmp_path / "models" / "tiny", size=64)
    monkeypatch.setattr(repository, "TRIES", 0)
    with hub_server.serving({NAME: tmp_path / "models" / "tiny"}) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running


@pytest.fixture
def hub(tmp_path: Path, remote: hub_server.Hub) -> Hub:
    return Hub.open(tmp_path / "store")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tiny_adapter(tmp_path / "run", size=64)


def test_a_card_is_read_without_a_weight(hub: Hub, remote: hub_server.Hub) -> None:
    shown = hub.base_add(WORD)
    assert (shown.name, shown.source) == (NAME, f"{WORD}@{remote.commit(NAME)}")
    assert (shown.weights_digest, shown.model_type, shown.tensors) == (None, "tiny", 2)
    assert shown.files == {WEIGHTS: remote.files(NAME)[WEIGHTS]}
    assert remote.sent[WEIGHTS] <= repository.FIRST
    assert shown.layout_digest == hub.base_show(remote.models[NAME]).layout_digest


def test_the_second_look_asks_only_whether_the_repository_moved(hub: Hub, remote: hub_server.Hub) -> None:
    first = hub.base_show(WORD)
    remote.asked.clear()
    assert hub.base_show(WORD) == first
    assert [path.partition("?")[0] for path in remote.asked] == [f"/api/models/{NAME}"]
    tiny_base(remote.models[NAME], size=64, seed=9)
    assert hub.base_show(WORD).files != first.files


def test_an_adapter_is_pinned_by_files_and_known_on_the_same_files_elsewhere(
    hub: Hub, remote: hub_server.Hub, run: Path, tmp_path: Path
) -> None:
    pin = hub.add(run, "ada/poet", base=WORD).manifest.base
    assert pin is not None
    assert (pin.evidence, pin.source, pin.revision) == ("files", WORD, remote.commit(NAME))
    copy = shutil.copytree(remote.models[NAME], tmp_path / "copy")
    other = tiny_base(tmp_path / "other", size=64, seed=5)
    verdicts = [report.verdict for report in hub.audit(["ada/poet"], [WORD, copy, other])]
    assert verdicts == ["exact", "exact", "unpinned"]
    hub.base_add(copy)
    assert hub.audit(["ada/poet"], ["copy"])[0].verdict == "exact"


def test_an_adapter_pinned_by_bytes_is_known_on_the_same_files_on_a_hub(
    hub: Hub, remote: hub_server.Hub, run: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(remote.models[NAME], tmp_path / "copy")
    hub.add(run, "ada/poet", base=copy)
    (report,) = hub.audit(["ada/poet"], [WORD])
    assert (report.verdict, report.evidence) == ("exact", "bytes")
    shutil.rmtree(copy)  # then nobody can tell any more which files those were
    assert hub.audit(["ada/poet"], [WORD])[0].verdict == "unpinned"


def test_where_no_digest_is_told_the_commit_is_the_evidence(
    hub: Hub, remote: hub_server.Hub, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_server, "LARGE", ())
    hub.add(run, "ada/poet")
    hub.pin("ada/poet", WORD)
    (report,) = hub.audit(["ada/poet"], [WORD])
    assert (report.verdict, report.evidence) == ("exact", "revision")
    tiny_base(remote.models[NAME], size=64, seed=9)
    assert hub.audit(["ada/poet"], [WORD])[0].verdict == "unpinned"


def test_a_hub_and_a_folder_of_the_same_files_do_not_differ(hub: Hub, remote: hub_server.Hub, tmp_path: Path) -> None:
    copy = shutil.copytree(remote.models[NAME], tmp_path / "copy")
    assert hub.base_diff(WORD, copy).same == 2
    tiny_base(copy, size=64, seed=9)
    found = hub.base_diff(copy, WORD)
    assert (found.same, len(found.untold), found.distances) == (0, 2, ())


def test_offline_a_kept_card_serves_and_nothing_is_asked(hub: Hub, remote: hub_server.Hub, tmp_path: Path) -> None:
    offline = Hub.open(hub.store, offline=True)
    with pytest.raises(Unreachable, match="not asked, since the network is switched off") as refusal:
        offline.base_show(WORD)
    assert "--offline" in refusal.value.hint
    shown = hub.base_add(WORD)
    remote.asked.clear()
    assert offline.base_show(WORD) == shown
    assert offline.base_show(f"{WORD}@{remote.commit(NAME)}") == shown
    with pytest.raises(Unreachable):
        offline.base_show(f"{WORD}@{'0' * 40}")
    assert remote.asked == []


def test_of_two_commits_that_were_kept_one_is_named(hub: Hub, remote: hub_server.Hub) -> None:
    commits = []
    for seed in (1, 2):
        tiny_base(remote.models[NAME], size=64, seed=seed)
        hub.base_add(WORD)
        commits.append(remote.commit(NAME))
    offline = Hub.open(hub.store, offline=True)
    with pytest.raises(BadReference, match="may mean 2 bases"):
        offline.base_show(WORD)
    assert offline.base_show(f"{WORD}@{commits[0]}").source == f"{WORD}@{commits[0]}"


def test_offline_what_was_downloaded_is_read(
    hub: Hub, remote: hub_server.Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    huggingface_hub.snapshot_download(NAME, endpoint=remote.url, cache_dir=tmp_path / "cache")
    shown = Hub.open(hub.store, offline=True).base_show(WORD)
    assert shown.source == f"{WORD}@{remote.commit(NAME)}"
    assert shown.weights_digest == hub.base_show(remote.models[NAME]).weights_digest


def test_a_base_that_is_not_there_stops_an_add_before_anything_is_kept(hub: Hub, run: Path) -> None:
    with pytest.raises(NotFound, match="hf:org/none: no such repository"):
        hub.add(run, "ada/poet", base="hf:org/none")
    assert hub.list() == []


def test_the_weights_of_a_base_come_where_they_are_needed_and_nothing_else_does(
    hub: Hub, remote: hub_server.Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    write_files(remote.models[NAME], {"tokenizer.json": b"{}", "picture.png": b"x", "old/model.safetensors": b"x"})
    folder = fetched(hub.desk, parse_address(WORD))
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", WEIGHTS, "tokenizer.json"]
    assert (folder / WEIGHTS).read_bytes() == (remote.models[NAME] / WEIGHTS).read_bytes()
