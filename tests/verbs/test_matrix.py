"""The matrix of all adapters, from the index: the same reports as pair by pair."""

from pathlib import Path

import pytest

from adapterhub.errors import Corrupt, NotFound, WrongUsage
from adapterhub.hub import Hub
from adapterhub.verbs import matrix
from adapterhub.verbs.fits import unfit
from tests.builders import tiny_adapter, tiny_base


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """Five adapters, two of one layout and pin, and three bases; one pin is a note's, one is contradicted."""
    hub = Hub.open(tmp_path / "store")
    for name, fields in {"one": {}, "two": {"seed": 1}, "three": {"size": 6}}.items():
        hub.base_add(tiny_base(tmp_path / name, **fields))
    for seed in (1, 2):
        hub.add(tiny_adapter(tmp_path / f"a{seed}", seed=seed), f"ada/a{seed}", base=tmp_path / "one")
    hub.add(tiny_adapter(tmp_path / "bare", seed=3), "ada/bare")
    hub.add(tiny_adapter(tmp_path / "noted", seed=4), "ada/noted")
    hub.pin("ada/noted", tmp_path / "two")
    hub.add(tiny_adapter(tmp_path / "odd", seed=5, rank=20, use_rslora=True), "ada/odd", base=tmp_path / "one")
    hub.pin("ada/odd", tmp_path / "two")
    return hub


def names(hub: Hub) -> list[str]:
    return [row.reference for row in hub.list()]


def test_the_matrix_says_what_every_pair_says(hub: Hub, tmp_path: Path) -> None:
    bases = [card.name for card in hub.base_list()]
    assert hub.audit() == hub.audit(names(hub), sorted(bases))
    assert {report.verdict for report in hub.audit()} == {"exact", "unpinned", "drifted", "misfit"}
    (contradicted,) = (one for one in hub.audit() if (one.adapter, one.base.name) == ("ada/odd@1", "one"))
    assert "pin-contradicted" in {found.check for found in contradicted.findings}


def test_adapters_of_one_layout_and_pin_share_one_fit(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = matrix.matrix

    def counted(desk, fits, **how):
        return real(desk, lambda adapter: asked.append(adapter) or fits(adapter), **how)

    monkeypatch.setattr(matrix, "matrix", counted)
    assert len(hub.audit()) == 15
    assert len(asked) == 4


def test_a_change_is_in_the_next_matrix(hub: Hub, tmp_path: Path) -> None:
    hub.audit()
    hub.remove("ada/a1@1")
    hub.add(tiny_adapter(tmp_path / "new", seed=9), "ada/new", base=tmp_path / "two")
    verdicts = {one.adapter: one.verdict for one in hub.audit() if one.base.name == "two"}
    assert "ada/a1@1" not in verdicts
    assert verdicts["ada/new@1"] == "exact"


def test_bases_that_are_named_are_those_that_are_tried(hub: Hub, tmp_path: Path) -> None:
    assert {report.base.name for report in hub.audit([], [tmp_path / "two"])} == {"two"}


def test_what_is_left_out_is_told(hub: Hub, tmp_path: Path) -> None:
    blob = hub.desk.store.layout.blob(hub.show("ada/bare@1").manifest.digest)
    blob.unlink()
    told: list[str] = []
    reports = hub.audit(tell=told.append)
    assert "ada/bare@1" not in {report.adapter for report in reports}
    assert told == ["1 cannot be read and are left out: ada/bare@1; `adapterhub check` says more"]


def test_a_store_of_nothing_but_damage_is_no_good_answer(hub: Hub) -> None:
    for row in hub.list():
        hub.desk.store.layout.blob(hub.show(row.reference).manifest.digest).unlink(missing_ok=True)
    with pytest.raises(Corrupt, match="none of the 5 adapters here can be read: ada/a1@1, ada/a2@1, ada/bare@1 and 2"):
        hub.audit()


def test_progress_is_told_over_the_adapters(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "OFTEN", 2)
    steps: list[tuple[int, int]] = []
    hub.audit(progress=lambda done, total: steps.append((done, total)))
    assert steps == [(5, 5), (0, 5), (2, 5), (4, 5)]  # the sides are made, then held against the bases


def test_a_matrix_asks_that_every_adapter_fits_somewhere(hub: Hub) -> None:
    reports = hub.audit()
    assert {one.base.name for one in unfit(reports, "drifted")} == {"three"}
    assert unfit(reports, "drifted", anywhere=True) == []
    assert {one.adapter for one in unfit(reports, "exact", anywhere=True)} == {"ada/bare@1"}


def test_an_engine_is_asked_alone_and_its_findings_are_warnings(hub: Hub, tmp_path: Path) -> None:
    for words in ((), ("ada/odd",)):
        found = [
            (one.place, one.severity)
            for report in hub.audit(words, [tmp_path / "one"], engines="vllm")
            for one in report.findings
            if one.check == "misread"
        ]
        assert found == [("vLLM", "warning")]


def test_an_engine_that_is_not_known_is_said_before_anything_is_read(hub: Hub) -> None:
    with pytest.raises(WrongUsage, match="no engine that is known"):
        hub.audit(engines=["vlm"])


def test_an_empty_store_has_no_matrix(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no base is known here"):
        Hub.open(tmp_path / "none").audit()
    assert Hub.open(tmp_path / "none").audit([], [tiny_base(tmp_path / "one")]) == []
    assert not (tmp_path / "none").exists()
