"""A plan refuses what the run would refuse before its first step; neither changes what is kept of an earlier start.

What is wrong with a config or with a task of one's own: `test_train_mistakes`, `test_train_own`.
"""

import sys

import pytest

from adapterhub.errors import Conflict, Corrupt, Refused
from adapterhub.train.engine.step import Stepper
from tests.verbs.training import Stop, Stopper, Workshop, rows, write_rows

VERBS = ("train", "train_plan")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workshop whose store stays empty, with a run that was cut."""
    made = Workshop.of(tmp_path_factory.mktemp("here"))
    with pytest.raises(Stop):
        made.train(watchers=(Stopper(2),), checkpoint_every=1)
    return made


@pytest.fixture
def kept(place):
    """The state of the run, which is the same afterwards."""
    (path,) = place.hub.desk.store.layout.runs.glob("*/state.safetensors")
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


@pytest.fixture
def untrained(monkeypatch):
    def step(*_):
        raise AssertionError("something was trained")

    monkeypatch.setattr(Stepper, "__call__", step)
    monkeypatch.setattr(Stepper, "probe", step)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", VERBS)
def test_rows_that_changed_since_the_checkpoint_are_told(place, kept, verb):
    before = kept.read_bytes()
    write_rows(place.folder / "validation.csv", rows(20, 77))
    with pytest.raises(Conflict, match="the validation data is not what it was at the checkpoint") as refusal:
        getattr(place.hub, verb)(place.config)
    assert "--restart" in refusal.value.hint
    assert kept.read_bytes() == before
    write_rows(place.folder / "validation.csv", rows(20, 2))


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", VERBS)
def test_a_state_that_is_damaged_is_told(place, kept, verb):
    damaged = bytearray(kept.read_bytes())
    damaged[-1] ^= 1
    kept.write_bytes(damaged)
    with pytest.raises(Corrupt, match="damaged"):
        getattr(place.hub, verb)(place.config)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_in_place_of_a_state_is_told(place, kept, verb):
    kept.unlink()
    kept.mkdir()
    with pytest.raises(Corrupt, match="got a folder"):
        getattr(place.hub, verb)(place.config)
    kept.rmdir()


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", VERBS)
def test_a_program_that_is_to_be_told_and_cannot_be_imported_is_told(place, monkeypatch, verb):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(Refused, match="report: wandb cannot be imported") as refusal:
        getattr(place.hub, verb)(place.config, report=("wandb",))
    assert "pip install wandb" in refusal.value.hint


def test_a_plan_of_a_run_that_may_go_on_leaves_its_state(place, kept):
    before = kept.read_bytes()
    assert place.hub.train_plan(place.config).steps == 16
    assert kept.read_bytes() == before
