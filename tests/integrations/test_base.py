"""The base of a live model is found again: a folder, a commit on a Hub, or what was downloaded of it."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest

from adapterhub.hub import Hub
from adapterhub.integrations.base import Source, name_of, source_of, word_of
from adapterhub.integrations.transformers import PublishCallback
from adapterhub.protocols.hf_hub import repository
from tests.integrations.builders import trainer
from tests.protocols import hub_server

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # peft asks any model for its old names

NAME = "org/tiny"
COMMIT = "0123456789" * 4


def loaded(place: str, commit: str | None = None) -> Any:
    """What remembers where it came from, as transformers does."""
    return SimpleNamespace(config=SimpleNamespace(_name_or_path=place, _commit_hash=commit))


def test_a_folder_is_a_folder_and_is_called_by_its_last_word(tmp_path: Path) -> None:
    source = source_of(loaded(str(tmp_path)))
    assert (word_of(source), name_of(source)) == (str(tmp_path.resolve()), tmp_path.name)


@pytest.mark.parametrize(
    "model",
    [loaded(NAME, COMMIT), loaded(f"/cache/models--org--tiny/snapshots/{COMMIT}"),
     SimpleNamespace(get_base_model=lambda: loaded(NAME, COMMIT))],
    ids=["by name", "by a folder of the cache", "below an adapter"],
)  # fmt: skip
def test_a_repository_is_named_with_its_commit(model: Any) -> None:
    assert word_of(source_of(model)) == f"hf:{NAME}@{COMMIT}"
    assert name_of(source_of(model)) == NAME


def test_a_model_made_by_hand_has_no_base() -> None:
    assert source_of(loaded("")) == Source("")
    assert word_of(Source("")) is None


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A training on a base of a Hub that is there."""
    hub = Hub.open(tmp_path / "store")
    run = trainer(tmp_path, PublishCallback("ada/poet", store=hub.store))
    monkeypatch.setattr(repository, "TRIES", 0)
    with hub_server.serving({NAME: tmp_path / "base"}) as remote:
        monkeypatch.setenv("HF_ENDPOINT", remote.url)
        config = run.model.get_base_model().config
        config._name_or_path, config._commit_hash = NAME, remote.commit(NAME)
        yield SimpleNamespace(train=run.train, remote=remote, hub=hub)


def test_a_base_of_a_hub_is_pinned_by_its_files(run: Any) -> None:
    run.train()
    pin = run.hub.show("ada/poet").manifest.base
    assert (pin.evidence, pin.source, pin.revision) == ("files", f"hf:{NAME}", run.remote.commit(NAME))


def test_where_no_hub_answers_what_was_downloaded_is_the_base(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    huggingface_hub.snapshot_download(NAME, endpoint=run.remote.url, cache_dir=tmp_path / "cache")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    run.train()
    shown = run.hub.show("ada/poet")
    assert shown.manifest.base.evidence == "bytes"
    assert run.hub.audit(["ada/poet"], [tmp_path / "base"])[0].verdict == "exact"
