"""`audit`: one pair, or all adapters on all known bases."""

from pathlib import Path

import pytest

from adapterhub.base.card import card_of
from adapterhub.errors import BadReference, NotFound
from adapterhub.hub import Hub
from adapterhub.verbs import base_places
from adapterhub.verbs.fits import unfit
from tests.builders import tiny_adapter, tiny_base


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """ada/poet is pinned to base one; base two has the same shapes, base three others."""
    hub = Hub.open(tmp_path / "store")
    for name, fields in {"one": {}, "two": {"seed": 1}, "three": {"size": 6}}.items():
        tiny_base(tmp_path / name, **fields)
    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet", base=tmp_path / "one")
    return hub


def test_without_words_all_adapters_meet_all_known_bases(hub: Hub, tmp_path: Path) -> None:
    for name in ("two", "three"):
        hub.base_add(tmp_path / name)
    verdicts = {(report.adapter, report.base.name): report.verdict for report in hub.audit()}
    assert verdicts == {
        ("ada/poet@1", "one"): "exact",
        ("ada/poet@1", "two"): "drifted",
        ("ada/poet@1", "three"): "misfit",
    }
    assert [report.base.name for report in unfit(hub.audit(), "drifted")] == ["three"]


def test_a_folder_on_a_folder_needs_no_store(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "none")
    (report,) = hub.audit([tiny_adapter(tmp_path / "run")], [tiny_base(tmp_path / "one")])
    assert (report.verdict, report.matched) == ("unpinned", 2)
    assert not hub.store.exists()


def test_what_is_named_twice_is_audited_once(hub: Hub, tmp_path: Path) -> None:
    words, bases = ["ada/poet", "ada/poet@1", "ada/poet"], [tmp_path / "one", tmp_path / "one"]
    assert [report.adapter for report in hub.audit(words, bases)] == ["ada/poet@1"]


def test_a_pin_noted_later_counts_like_one_in_the_manifest(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_adapter(tmp_path / "b", seed=5), "ada/x")
    hub.pin("ada/x", tmp_path / "two")
    assert [report.verdict for report in hub.audit(["ada/x"], [tmp_path / "two", tmp_path / "one"])] == [
        "exact",
        "drifted",
    ]


def test_without_a_base_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no base is known here"):
        Hub.open(tmp_path / "none").audit()


def test_weights_are_read_only_where_a_pin_can_be_compared(hub: Hub, tmp_path: Path, monkeypatch) -> None:
    asked: list[bool] = []
    real = card_of
    monkeypatch.setattr(
        base_places, "card_of", lambda *a, hashes=True, **kw: asked.append(hashes) or real(*a, hashes=hashes, **kw)
    )
    hub.audit([tiny_adapter(tmp_path / "run")], [tmp_path / "one"])
    assert asked == [False]
    (report,) = hub.audit(["ada/poet"], [tmp_path / "one"])
    assert asked == [False, False, True]
    assert report.verdict == "exact"


def test_the_newest_version_of_a_base_is_meant_whatever_was_kept_before(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_base(tmp_path / "b1", seed=5), "org/base")
    hub.base_add("org/base")
    hub.add(tiny_base(tmp_path / "b2", seed=6), "org/base")
    shown = hub.base_show("org/base")
    assert shown.name == "org/base@2"
    assert shown.weights_digest == hub.base_show(tmp_path / "b2").weights_digest


def test_two_bases_of_one_name_are_told_apart_by_digest(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    for seed in (1, 2):
        hub.base_add(tiny_base(tmp_path / str(seed) / "final", seed=seed))
    with pytest.raises(BadReference, match="may mean 2 bases"):
        hub.base_show("final")


def test_the_pin_does_not_depend_on_how_the_base_was_named(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    base = tiny_base(tmp_path / "base")
    hub.add(base, "org/base")
    one = hub.add(tiny_adapter(tmp_path / "a"), "ada/one", base="org/base")
    two = hub.add(tiny_adapter(tmp_path / "a"), "ada/two", base=base)
    assert one.digest == two.digest


def test_what_came_with_an_adapter_from_elsewhere_is_asked_first(hub: Hub, tmp_path: Path) -> None:
    hub.push(["ada/poet"], str(tmp_path / "team"))
    other = Hub.open(tmp_path / "other")
    other.remote_add("team", str(tmp_path / "team"))
    (report,) = other.audit(["team:ada/poet"], [tmp_path / "two"])
    assert report.verdict == "drifted"


def test_a_damaged_version_hides_no_other(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_adapter(tmp_path / "later", seed=9), "ada/poet", base=tmp_path / "one")
    blob = hub.desk.store.layout.blob(hub.show("ada/poet@1").manifest.digest)
    blob.chmod(0o644)
    blob.write_bytes(b"{}")
    reports = hub.audit([], [tmp_path / "one"])
    assert [(report.adapter, report.digest) for report in reports] == [("ada/poet@2", hub.show("ada/poet@2").digest)]
