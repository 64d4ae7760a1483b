"""Every mistake is told before anything is trained where that can be, and nothing is lost by any."""

import errno
import json
from pathlib import Path

import pytest

from adapterhub.errors import (
    AdapterHubError,
    BadReference,
    Conflict,
    Corrupt,
    DoesNotFit,
    NotFound,
    Refused,
    WrongUsage,
)
from adapterhub.store.session import Session
from adapterhub.train.engine import checkpoint
from adapterhub.train.engine.step import Stepper
from tests.verbs.training import Stop, Stopper, Workshop, rows, write_rows


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A workshop whose store stays empty."""
    return Workshop.of(tmp_path_factory.mktemp("here"))


@pytest.fixture
def place(tmp_path):
    return Workshop.of(tmp_path / "here")


@pytest.fixture
def untrained(monkeypatch):
    """Whoever makes a step fails."""

    def step(*_):
        raise AssertionError("something was trained")

    monkeypatch.setattr(Stepper, "__call__", step)
    monkeypatch.setattr(Stepper, "probe", step)


MISTAKES = {
    "a column that is not there": ({"data": {"text": "txet"}}, WrongUsage, "no column 'txet'"),
    "no such file": ({"data": {"train": "trian.csv"}}, NotFound, "trian.csv: no such file"),
    "an empty file": ({"data": {"train": "empty.csv"}}, AdapterHubError, "empty.csv"),
    "a file of column names alone": ({"data": {"train": "names.csv"}}, WrongUsage, "names.csv: no rows"),
    "a label nobody learns": ({"data": {"validation": "strange.csv"}}, WrongUsage, "line 3: the label 'haiku'"),
    "a label nobody learns, in the test": ({"data": {"test": "strange.csv"}}, WrongUsage, "strange.csv, line 3"),
    "a target that matches nothing": ({"adapter": {"targets": ["qurey"]}}, DoesNotFit, "qurey matches no layer"),
    "no such base": ({"base": "./tyni"}, NotFound, "./tyni: no such folder"),
    "a base that is no model": ({"base": "./nothing"}, AdapterHubError, "nothing"),
    "no such task": ({"task": "text-clasification"}, WrongUsage, "text-clasification"),
    "a name that is none": ({"name": "topic"}, AdapterHubError, "topic"),
    "a rank of none": ({"adapter": {"rank": 0}}, WrongUsage, "adapter.rank"),
    "a metric nobody measures": ({"validation": {"metric": "acuracy"}}, WrongUsage, "acuracy"),
    "patience without validation": (
        {"data": {"validation": None}, "validation": {"patience": 2}}, WrongUsage, "validation.patience needs"
    ),
    "an interval without validation": (
        {"data": {"validation": 0}, "validation": {"every": 2}}, WrongUsage, "validation.every needs"
    ),
    "a plateau without validation": (
        {"data": {"validation": None}, "optim": {"schedule": "plateau"}}, WrongUsage, "optim.schedule: plateau needs"
    ),
    "a replay of nothing": ({"continual": {"replay": 0.5}}, WrongUsage, "continual.replay is about earlier tasks"),
    "directions beside none": ({"continual": {"olora": 0.1}}, WrongUsage, "continual.olora is about earlier tasks"),
    "a memory that is no size": ({"memory": "plenty", "optim": {"micro_batch": None}}, WrongUsage, "plenty"),
}  # fmt: skip


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", ["train", "train_plan"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_before_the_first_step(shared, mistake, verb):
    changes, kind, said = MISTAKES[mistake]
    (shared.folder / "empty.csv").write_text("")
    (shared.folder / "nothing").mkdir(exist_ok=True)
    write_rows(shared.folder / "names.csv", [])
    write_rows(shared.folder / "strange.csv", [("w1", "poem"), ("w2", "haiku")])
    shared.write(**changes)
    with pytest.raises(kind) as refusal:
        getattr(shared.hub, verb)(shared.config)
    assert said in str(refusal.value)
    assert refusal.value.hint
    assert shared.names == []


def test_what_would_match_is_shown(shared):
    shared.write(adapter={"targets": ["qurey"]})
    with pytest.raises(DoesNotFit) as refusal:
        shared.train()
    assert "query (2×)" in refusal.value.hint


@pytest.mark.usefixtures("untrained")
def test_a_version_that_is_taken_is_told_before_training(place, tmp_path):
    place.hub.add(place.folder / "tiny", "ada/topic@1")
    place.write(name="ada/topic@1")
    with pytest.raises(Conflict, match="ada/topic@1") as refusal:
        place.train()
    assert "a version never changes" in refusal.value.hint
    assert place.names == ["ada/topic@1"]


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", ["train_search", "train_plan"])
def test_a_name_nothing_can_be_published_under_is_told_before_a_search_and_a_plan(place, verb):
    place.hub.add(place.folder / "tiny", "ada/topic@1")
    place.write(name="ada/topic@1")
    with pytest.raises(Conflict, match="ada/topic@1"):
        getattr(place.hub, verb)(place.config)
    place.write(name="topic", data={"train": "no-such.csv"})
    with pytest.raises(BadReference, match="topic"):
        getattr(place.hub, verb)(place.config)


def test_a_version_of_its_own_may_be_trained_again(place):
    place.write(name="ada/topic@first", optim={"epochs": None, "steps": 2})
    first = place.train()
    assert place.train(restart=True).digest == first.digest
    assert place.names == ["ada/topic@first"]
    with pytest.raises(Conflict, match="ada/topic@first"):
        place.hub.train_search(place.config)


def test_a_loss_that_is_no_number_names_the_batch_and_keeps_the_last_good_state(place):
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(4),), checkpoint_every=3)
    (state,) = place.hub.desk.store.layout.runs.glob("*/state.safetensors")
    kept = state.read_bytes()
    place.write(optim={"lr": 1e30})
    with pytest.raises(Refused, match=r"train\.csv, line \d+") as refusal:
        place.train(checkpoint_every=1)
    assert "lower optim.lr" in refusal.value.hint
    assert refusal.value.code == 7
    states = list(place.hub.desk.store.layout.runs.glob("*/state.safetensors"))
    assert len(states) == 2
    assert state.read_bytes() == kept
    (other,) = (path for path in states if path != state)
    found = checkpoint.load(other)
    assert found.plain["progress"]["step"] >= 1
    assert place.names == []


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_at_a_checkpoint_loses_nothing_of_before(place, monkeypatch):
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(4),), checkpoint_every=3)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "replace", full)
        with pytest.raises((OSError, AdapterHubError), match="No space left"):
            place.train(checkpoint_every=3)
    watcher = Stopper(0)
    place.train(watchers=(watcher,), checkpoint_every=3)
    assert watcher.steps[0] == 4


def test_a_disk_that_is_full_at_the_end_loses_no_training(place, monkeypatch):
    whole = place.train(name="ada/whole")
    with monkeypatch.context() as patch:
        patch.setattr(Session, "take", full)
        with pytest.raises((OSError, AdapterHubError), match="No space left"):
            place.train()
    assert place.names == ["ada/whole@1"]
    watcher = Stopper(0)
    trained = place.train(watchers=(watcher,))
    assert watcher.steps == []
    assert trained.digest == whole.digest


def test_a_state_that_is_damaged_is_told_and_restart_helps(place):
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(4),), checkpoint_every=3)
    (state,) = place.hub.desk.store.layout.runs.glob("*/state.safetensors")
    damaged = bytearray(state.read_bytes())
    damaged[-1] ^= 1
    state.write_bytes(damaged)
    with pytest.raises(AdapterHubError, match="damaged") as refusal:
        place.train()
    assert "--restart" in refusal.value.hint
    assert place.train(restart=True).digest


@pytest.mark.parametrize("name", ["state.safetensors", "run.json", "log.jsonl"])
def test_a_folder_in_place_of_a_file_is_told_and_restart_helps(place, name):
    place.write(optim={"epochs": None, "steps": 1})
    place.train()
    (folder,) = place.hub.desk.store.layout.runs.iterdir()
    (folder / name).unlink(missing_ok=True)
    (folder / name).mkdir()
    with pytest.raises(Corrupt, match=rf"{name}: got a folder") as refusal:
        place.train()
    assert "--restart" in refusal.value.hint
    assert place.train(restart=True).steps == 1


def test_rows_of_the_test_that_were_learned_are_told(place):
    write_rows(place.folder / "test.csv", rows(64, 1)[:10])
    (finding,) = place.train(optim={"epochs": None, "steps": 1}).findings
    assert (finding.check, finding.severity) == ("leak", "warning")
    assert "10 of the 10 test rows" in finding.message


def test_labels_that_hardly_differ_are_told_before_the_first_step(place):
    write_rows(place.folder / "train.csv", [*rows(64, 1), ("w1 w2", "Poem")])
    (finding,) = place.hub.train_plan(place.config).findings
    assert (finding.check, finding.place) == ("labels-alike", "train.csv, line 66")
    assert "'Poem' 1×, 'poem' 32×" in finding.message


def test_they_are_told_before_the_first_step_in_a_plan_and_when_asked_again(place):
    write_rows(place.folder / "test.csv", rows(64, 1)[:10])
    said = []
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(1),), tell=said.append)
    assert said[0].startswith("warning: test.csv, line ")
    assert "10 of the 10 test rows" in said[0]
    assert [finding.check for finding in place.hub.train_plan(place.config).findings] == ["leak"]
    place.train()
    assert [finding.check for finding in place.train().findings] == ["leak"]


def test_a_run_that_may_not_go_on_leaves_the_log_as_it_was(place):
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(5),), checkpoint_every=3)
    (log,) = place.hub.desk.store.layout.runs.glob("*/log.jsonl")
    before = log.read_bytes()
    write_rows(place.folder / "train.csv", [("w1", "poem"), ("w21", "prose")] * 16)
    with pytest.raises(Conflict):
        place.train()
    assert log.read_bytes() == before


def test_a_field_nobody_knows_is_named_with_one_that_was_meant(place):
    place.write(optim={"learning_rate": 1e-3}, adapter={"rnk": 4})
    with pytest.raises(WrongUsage) as refusal:
        place.train()
    assert "optim.learning_rate" in str(refusal.value)
    assert "adapter.rnk: did you mean rank?" in refusal.value.hint


def test_without_anything_to_measure_on_it_is_trained_all_the_same(place):
    place.write(data={"validation": None, "test": None}, optim={"epochs": None, "steps": 2})
    trained = place.train()
    assert (trained.metrics, trained.validation, trained.steps) == ({}, {}, 2)
    assert json.loads((Path(trained.run) / "run.json").read_bytes())["published"] == trained.digest
