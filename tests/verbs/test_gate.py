"""What the audit lets through, wherever it is asked."""

from pathlib import Path

import pytest

from adapterhub.errors import DoesNotFit, NotFound
from adapterhub.hub import Hub
from tests.builders import tiny_adapter, tiny_base


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """Bases: `base`, one of `other` shapes, and one that has `half` the modules."""
    tiny_base(tmp_path / "base")
    tiny_base(tmp_path / "other", size=6)
    tiny_base(tmp_path / "half", modules=("q_proj",))
    tiny_adapter(tmp_path / "run")
    return Hub.open(tmp_path / "store")


@pytest.mark.parametrize(("base", "allow"), [("half", "partial"), ("other", "misfit")])
def test_add_refuses_what_does_not_fit_unless_it_is_allowed_by_its_name(hub, tmp_path, base, allow):
    other = {"partial": "misfit", "misfit": "partial"}[allow]
    for wrong in ({}, {other: True}):
        with pytest.raises(DoesNotFit, match=f"this adapter is a {allow}") as refusal:
            hub.add(tmp_path / "run", "ada/poet", base=tmp_path / base, **wrong)
        assert f"{allow}=True (--{allow})" in refusal.value.hint
    assert hub.list() == []
    added = hub.add(tmp_path / "run", "ada/poet", base=tmp_path / base, **{allow: True})
    assert added.manifest.base.weights_digest == hub.base_show(tmp_path / base).weights_digest


def test_the_reason_is_said(hub, tmp_path):
    with pytest.raises(DoesNotFit, match=r"on half, 1 of its modules fit: layers\.0\.v_proj: half has no such module"):
        hub.add(tmp_path / "run", "ada/poet", base=tmp_path / "half")


def test_add_asks_nothing_where_no_base_is_given(hub, tmp_path):
    assert hub.add(tmp_path / "run", "ada/poet").manifest.base is None


@pytest.fixture
def team(hub, tmp_path) -> Hub:
    """Somebody else, who shares one adapter that is pinned to `base`."""
    other = Hub.open(tmp_path / "team-store")
    other.add(tmp_path / "run", "ada/poet", base=tmp_path / "base")
    other.push(["ada/poet"], str(tmp_path / "team"))
    hub.remote_add("team", str(tmp_path / "team"))
    return hub


def test_pull_says_what_the_audit_says_of_the_bases_that_are_known(team, tmp_path):
    team.base_add(tmp_path / "other")
    (pulled,) = team.pull(["ada/poet"])
    assert pulled.fits.pop("other") == "misfit"
    assert [*pulled.fits.values()] == ["exact"]  # the card of its own base came with it


def test_pull_fetches_nothing_that_fits_worse_than_required(team, tmp_path):
    with pytest.raises(DoesNotFit, match="ada/poet@1 is a misfit on other"):
        team.pull(["ada/poet"], bases=[tmp_path / "other"])
    with pytest.raises(DoesNotFit, match="ada/poet@1 is a partial fit on half"):
        team.pull(["ada/poet"], bases=[tmp_path / "half"], require="drifted")
    assert team.list() == []
    (pulled,) = team.pull(["ada/poet"], bases=[tmp_path / "base"], require="exact")
    assert pulled.reference == "ada/poet@1"


def test_pull_asks_every_entry_before_it_fetches_the_first(team, tmp_path):
    with pytest.raises(NotFound):
        team.pull(["ada/poet", "ada/nobody"], bases=[tmp_path / "base"])
    assert team.list() == []


@pytest.fixture
def pair(hub, tmp_path) -> Hub:
    """Two adapters whose bases have no module of the other in them."""
    hub.add(tmp_path / "run", "ada/poet", base=tmp_path / "base")
    tiny_base(tmp_path / "far", modules=("up", "down"), seed=3)
    hub.add(tiny_adapter(tmp_path / "up", modules=("up", "down")), "ada/up", base=tmp_path / "far")
    return hub


def test_merge_refuses_adapters_that_have_no_base_in_common(pair):
    with pytest.raises(DoesNotFit, match="is a misfit on"):
        pair.merge_plan("ada/poet + ada/up", name="ada/both")
    with pytest.raises(DoesNotFit, match="is a misfit on"):
        pair.merge("ada/poet + ada/up", "ada/both")
    assert len(pair.merge_plan("ada/poet + ada/up", misfit=True).modules) == 4
    assert pair.merge("ada/poet + ada/up", "ada/both", misfit=True).reference == "ada/both@1"


def test_merge_asks_only_what_is_pinned(hub, tmp_path):
    hub.add(tmp_path / "run", "ada/poet")
    hub.add(tiny_adapter(tmp_path / "up", modules=("up", "down")), "ada/up")
    assert len(hub.merge_plan("ada/poet + ada/up").modules) == 4
