"""What an entry is worth on rows: measured as anybody loads it, noted with its digest, refused where it cannot be."""

import shutil

import pytest

from adapterhub.errors import DoesNotFit, NotFound, Refused, WrongUsage
from adapterhub.facts import Facts
from adapterhub.train.data.file import read_file
from adapterhub.verbs.evaluate import _noted
from adapterhub.verbs.subject import Subject
from tests.builders import entry
from tests.verbs.training import Workshop, write_rows


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A workshop with two adapters and a whole model; tests may measure, and change nothing else."""
    place = Workshop.of(tmp_path_factory.mktemp("here"))
    place.train()
    place.train(name="ada/tone", seed=1)
    place.write(name="ada/whole", adapter={"method": "full", "rank": 8}, optim={"lr": 5e-3})
    place.train()
    place.write()
    return place


@pytest.fixture
def unseen(done):
    return done.folder / "test.csv"


def notes_of(place, name):
    return place.hub.desk.store.notes.about(place.hub.desk.find(name)[0].digest)


def test_an_entry_is_worth_what_its_training_said(done, unseen):
    found, said = done.hub.evaluate("ada/topic", unseen), done.hub.show("ada/topic").metrics
    assert found.metrics == {name: value for name, value in said.items() if not name.startswith("validation_")}
    assert (found.reference, found.task, found.rows) == ("ada/topic@1", "text-classification", 30)
    assert found.base == done.hub.base_show(done.folder / "tiny").weights_digest
    assert found.latency > 0
    assert found.peak_memory > 1 << 20


def test_what_was_measured_is_noted_with_the_digest_and_shown(done):
    rows = write_rows(done.folder / "later.csv", [("w1 w2 w3", "poem"), ("w21 w22", "prose")])
    before = len(notes_of(done, "ada/topic"))
    found = done.hub.evaluate("ada/topic", rows)
    shown = done.hub.show("ada/topic")
    assert shown.evaluation[str(read_file(rows, "").rows_digest)]["metrics"] == found.metrics
    assert "reference" not in shown.evaluation[found.data]
    assert shown.metrics["accuracy"] == done.hub.show("ada/topic@1").metrics["accuracy"], "that of the training stays"
    done.hub.evaluate("ada/topic", rows)
    after = notes_of(done, "ada/topic")
    assert len(after) == before + 1, "the same said twice is one note"


def test_a_folder_is_measured_with_the_config_it_was_trained_with(done, unseen):
    done.hub.export("ada/topic", done.folder / "exported")
    found = done.hub.evaluate(str(done.folder / "exported"), unseen, config=done.config)
    assert found.metrics == done.hub.evaluate("ada/topic", unseen).metrics


def test_a_folder_without_a_config_says_what_is_missing(done, unseen):
    done.hub.export("ada/topic", done.folder / "bare")
    with pytest.raises(WrongUsage, match="what task") as refusal:
        done.hub.evaluate(str(done.folder / "bare"), unseen, base=done.folder / "tiny")
    assert "--config" in refusal.value.hint


def test_two_adapters_together_are_measured_with_the_head_that_is_chosen(done, unseen):
    both = "ada/topic*0.5 + ada/tone*0.5"
    with pytest.raises(Refused, match="classifier") as refusal:
        done.hub.evaluate(both, unseen)
    assert "--choose" in str(refusal.value)
    before = [len(notes_of(done, name)) for name in ("ada/topic", "ada/tone")]
    found = done.hub.evaluate(both, unseen, choose="ada/topic")
    assert (found.reference, found.digest, found.rows) == (both, "", 30)
    assert found.metrics != done.hub.evaluate(both, unseen, choose="ada/tone").metrics
    assert [len(notes_of(done, name)) for name in ("ada/topic", "ada/tone")] == before, "it is neither of them"


def test_half_an_adapter_is_another_one(done, unseen):
    whole, half = (done.hub.evaluate(word, unseen) for word in ("ada/topic", "ada/topic*0.5"))
    assert half.reference == "ada/topic*0.5"
    assert half.digest == ""
    assert half.metrics["loss"] != whole.metrics["loss"]


def test_a_whole_model_is_measured_by_itself(done, unseen):
    found, said = done.hub.evaluate("ada/whole", unseen), done.hub.show("ada/whole").metrics
    assert found.metrics["accuracy"] == said["accuracy"]
    assert found.metrics["loss"] == pytest.approx(said["loss"], rel=1e-6)
    with pytest.raises(WrongUsage, match="is a model"):
        done.hub.evaluate("ada/whole", unseen, base=done.folder / "tiny")


def test_a_base_without_a_head_says_nothing_worth_measuring(done, unseen):
    with pytest.raises(DoesNotFit, match="no weights for classifier"):
        done.hub.evaluate(str(done.folder / "tiny"), unseen, config=done.config)


def test_a_base_that_moved_is_asked_for(done, tmp_path, unseen):
    moved = Workshop.of(tmp_path / "there")
    moved.train(optim={"epochs": None, "steps": 1})
    shutil.move(moved.folder / "tiny", moved.folder / "moved")
    with pytest.raises(NotFound, match="is not known on this machine") as refusal:
        moved.hub.evaluate("ada/topic", unseen)
    assert "--base" in refusal.value.hint
    assert moved.hub.evaluate("ada/topic", unseen, base=moved.folder / "moved").rows == 30


def test_answers_that_are_no_numbers_are_refused_and_nothing_is_noted(done, unseen):
    with pytest.raises(Refused, match=r"loss is nan on .*test.csv: the answers to 30 of 30 rows are no num") as refusal:
        done.hub.evaluate("ada/topic*1e308", unseen)
    assert "--deep" in refusal.value.hint
    with pytest.raises(Refused, match="ada/topic"):
        done.hub.evaluate_all(["ada/topic*1e308", "ada/tone"], unseen)


OWN = """
import math

from adapterhub.train.tasks.table import prepare


def make(config, base, train):
    return Mine(prepare(config.model_copy(update={"task": "text-classification"}), base, train))


class Mine:
    metric = "auc"

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def measure(self, answers, examples):
        known = len({example.label for example in examples}) > 1
        return {**self.inner.measure(answers, examples), "auc": 0.7 if known else math.nan}
"""


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """A workshop with an adapter of somebody's own task, compared by what rows of one label do not have."""
    place = Workshop.of(tmp_path_factory.mktemp("ranked"))
    (place.folder / "ranked_task.py").write_text(OWN)
    write_rows(place.folder / "poems.csv", [("w1 w2 w3", "poem"), ("w4 w5", "poem")])
    labels = {"labels": ["poem", "prose"]}
    place.write(task="ranked_task:make", name="ada/ranked", data=labels, optim={"epochs": None, "steps": 2})
    place.train()
    return place


def test_a_metric_of_ones_own_that_these_rows_do_not_have_is_left_out_and_told(ranked):
    found = ranked.hub.evaluate("ada/ranked", ranked.folder / "poems.csv", config=ranked.config)
    assert "auc" not in found.metrics
    assert {"accuracy", "loss"} <= found.metrics.keys()
    assert [(one.check, one.place, one.message) for one in found.findings] == [("no-number", "auc", "is nan on 2 rows")]
    (noted,) = (said for said in ranked.hub.show("ada/ranked").evaluation.values() if said["rows"] == 2)
    assert noted["metrics"] == found.metrics
    assert "findings" not in noted


def test_what_is_compared_by_it_is_not_compared_on_such_rows(ranked):
    both = ["ada/ranked", "ada/ranked*0.5"]
    with pytest.raises(Refused, match=r"compared by auc, which is nan on 2 rows") as refusal:
        ranked.hub.evaluate_all(both, ranked.folder / "poems.csv", config=ranked.config)
    assert "see whether the rows" in refusal.value.hint


def test_answers_of_ones_own_that_are_no_numbers_are_refused_too(ranked):
    with pytest.raises(Refused, match=r"loss is nan on .*: the answers to 2 of 2 rows are no numbers"):
        ranked.hub.evaluate("ada/ranked*1e308", ranked.folder / "poems.csv", config=ranked.config)


def test_an_entry_whose_config_is_of_another_version_is_measured_by_one_of_ones_own(done, unseen, tmp_path):
    done.hub.export("ada/topic", tmp_path / "out")
    training = done.hub.show("ada/topic").training
    newer = {**training, "config": {**training["config"], "newer": 1}}
    done.hub.add(tmp_path / "out", "ada/newer", training=newer, base=done.folder / "tiny")
    with pytest.raises(Refused, match=r"cannot be read by this version: newer: "):
        done.hub.evaluate("ada/newer", unseen)
    assert done.hub.evaluate("ada/newer", unseen, config=done.config).rows == 30


def test_rows_that_are_not_the_tasks_are_told_with_their_place(done, tmp_path):
    with pytest.raises(WrongUsage, match=r"line 2: the label 'haiku'"):
        done.hub.evaluate("ada/topic", write_rows(tmp_path / "odd.csv", [("w1", "haiku")]))
    (tmp_path / "other.csv").write_text("title,label\nw1,poem\n")
    with pytest.raises(WrongUsage, match="no column 'text'"):
        done.hub.evaluate("ada/topic", tmp_path / "other.csv")
    with pytest.raises(NotFound, match=r"none\.csv"):
        done.hub.evaluate("ada/topic", tmp_path / "none.csv")


def test_what_was_made_of_a_trained_entry_is_measured_on_its_task(done, unseen):
    done.hub.merge("ada/topic*0.5", "ada/half")
    assert done.hub.evaluate("ada/half", unseen).metrics["loss"] == pytest.approx(
        done.hub.evaluate("ada/topic*0.5", unseen).metrics["loss"], rel=1e-5
    )
    done.hub.compress("ada/whole", "ada/small", quantize="int8")
    small, whole = (done.hub.evaluate(name, unseen).metrics for name in ("ada/small", "ada/whole"))
    assert small["loss"] == pytest.approx(whole["loss"], rel=0.1)
    assert small["loss"] != whole["loss"]


@pytest.mark.parametrize("left_out", ["task", "latency", None])
def test_what_another_has_noted_of_the_same_rows_counts_where_it_is_whole(left_out):
    told = {"metrics": {"loss": 0.5}, "rows": 2, "base": "b", "task": "t", "device": "cpu"}
    told |= {"seconds": 1.0, "latency": 0.5, "peak_memory": 1}
    said = {key: value for key, value in told.items() if key != left_out}
    one = Subject("ada/poet@1", "ada/poet", entry(notes=[("evaluation", {"rows": said})]), derive=Facts)
    noted = _noted(one, "rows", "b")
    assert noted is None if left_out else noted.metrics == {"loss": 0.5}
