"""The same adapter under the names of several: each name has its own notes, and a push to one's own always lands."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapterhub.digest import Digest
from adapterhub.document import canonical
from adapterhub.hub import Hub
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.layout import LARGEST_NOTE
from adapterhub.reference import parse
from tests.builders import TIME, digest_of, tiny_adapter
from tests.server.running import Running


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tiny_adapter(tmp_path / "run")


@pytest.fixture
def published(server: Running, run: Path) -> Running:
    """A server that keeps ada/poet, which everybody may see, and says something of it."""
    server.hub.add(run, "ada/poet", metrics={"accuracy": 0.5}, tags=["calm"], license="MIT")
    settings = server.ask("PUT", "/api/models/ada/poet/settings", json={"visibility": "public"})
    assert settings.status_code == 200
    return server


def store_of(server: Running, home: Path) -> Hub:
    """Somebody's store, that knows the server."""
    hub = Hub.open(home)
    hub.remote_add("team", f"hub+{server.url}")
    return hub


def test_a_push_to_ones_own_name_lands_and_changes_nothing_elsewhere(
    published: Running, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mallory = store_of(published, tmp_path / "mallory")
    monkeypatch.setenv("ADAPTERHUB_TOKEN", published.new_token("mallory", "write", "mallory"))
    mine = mallory.add(run, "mallory/poet", metrics={"accuracy": 0.0}, tags=["bad"], license="evil")
    (pushed,) = mallory.push(["mallory/poet"], "team")
    assert (pushed.digest, pushed.detail) == (mine.digest, "")
    assert mallory.push(["mallory/poet"], "team")[0].bytes_sent == 0
    reader = store_of(published, tmp_path / "reader")
    reader.pull(["ada/poet"], "team")
    shown = reader.show("ada/poet")
    assert shown.digest == mine.digest
    assert (shown.metrics, shown.tags, shown.license) == ({"accuracy": 0.5}, ("calm",), "MIT")
    theirs = published.hub.show("mallory/poet")
    assert (theirs.metrics, theirs.tags, theirs.license) == ({"accuracy": 0.0}, ("bad",), "evil")
    lines = {line.reference: (line.metrics, line.tags) for line in published.hub.list()}
    assert lines == {"ada/poet@1": ({"accuracy": 0.5}, ("calm",)), "mallory/poet@1": ({"accuracy": 0.0}, ("bad",))}
    assert published.hub.check().ok


def test_who_pushes_the_same_files_is_told_nothing_of_what_is_private(
    server: Running, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.hub.add(run, "ada/secret", metrics={"accuracy": 0.5})
    mallory = store_of(server, tmp_path / "mallory")
    monkeypatch.setenv("ADAPTERHUB_TOKEN", server.new_token("stranger", "write", "mallory"))
    mallory.add(run, "mallory/poet")
    mallory.push(["mallory/poet"], "team")
    (notes,) = server.ask("GET", "/api/models/mallory/poet").json()["adapterhub"]["notes"].values()
    assert notes == []
    other = store_of(server, tmp_path / "other")
    other.pull(["mallory/poet"], "team")
    assert other.show("mallory/poet").metrics == {}


def test_a_note_too_large_for_a_hub_stays_and_that_is_told(published: Running, run: Path, tmp_path: Path) -> None:
    mine = store_of(published, tmp_path / "mine")
    mine.add(run, "ada/loud")
    digest = digest_of(mine.desk.store, "ada/loud")
    long = Note(about=str(digest), kind="log", data={"trainer_state.json": "x" * LARGEST_NOTE}, time=TIME)
    mine.desk.store.note(parse("ada/loud@1"), long)
    (pushed,) = mine.push(["ada/loud"], "team")
    assert pushed.detail == f"without 1 note: a Hub takes at most {LARGEST_NOTE} bytes in one"
    assert published.hub.show("ada/loud").digest == str(digest)


def test_a_note_of_tomorrow_stays_and_keeps_nothing_else_at_home(published: Running, run: Path, tmp_path: Path) -> None:
    mine = store_of(published, tmp_path / "mine")
    mine.add(run, "ada/early", metrics={"loss": 0.1})
    digest = digest_of(mine.desk.store, "ada/early")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    mine.desk.store.note(
        parse("ada/early@1"), Note(about=str(digest), kind="metrics", data={"accuracy": 0.9}, time=tomorrow)
    )
    (pushed,) = mine.push(["ada/early"], "team")
    assert pushed.detail.startswith("without 1 note: said later than now")
    assert published.hub.show("ada/early").metrics == {"accuracy": 0.5, "loss": 0.1}


@pytest.mark.parametrize(
    ("kind", "data"),
    [("origin", {"hf:org/x@main": {"a": 1}}), ("origin", {"hf:org/x@main": 5}), ("evaluation", {"x": 5})],
)
def test_a_note_that_is_none_of_its_kind_keeps_nobody_from_an_adapter(
    published: Running, tmp_path: Path, kind: str, data: dict[str, object]
) -> None:
    about = digest_of(published.hub.desk.store, "ada/poet@1")
    told = canonical({"about": str(about), "kind": kind, "data": data})
    (published.home / "notes" / about.hex / f"{Digest.of(told).hex}.json").write_bytes(told)
    reader = store_of(published, tmp_path / "reader")
    for _ in range(2):
        (pulled,) = reader.pull(["ada/poet@1"], "team")
    assert pulled.detail == "without 1 note in no form we know"
    assert reader.show("ada/poet").metrics == {"accuracy": 0.5}
    assert reader.check().ok
