"""`audit`: one pair, or all adapters on all known bases."""

from pathlib import Path

import pytest

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.hub import Hub
from adapterhub.verbs.fits import check_verdict, unfit
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
    assert [report.base.name for report in unfit(hub.audit())] == ["three"]


def test_a_folder_on_a_folder_needs_no_store(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "none")
    (report,) = hub.audit([tiny_adapter(tmp_path / "run")], [tiny_base(tmp_path / "one")])
    assert (report.verdict, report.matched) == ("unpinned", 2)
    assert not hub.store.exists()


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


def test_a_verdict_is_one_of_the_six() -> None:
    assert check_verdict("cast") == "cast"
    with pytest.raises(WrongUsage, match="'good' is no verdict") as refusal:
        check_verdict("good")
    assert "exact, cast, unpinned, drifted, partial, misfit" in refusal.value.hint
