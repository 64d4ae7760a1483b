"""Several entries on the same rows: what each is worth and cost, how far it is from the first, and what is refused."""

import math
from dataclasses import replace

import pytest
from scipy import stats
from sklearn.metrics import accuracy_score

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.train.methods.table import METHODS
from adapterhub.train.tasks import text_classification
from adapterhub.train.watch.arms import Arms
from tests.train.tasks.builders import save_gpt2
from tests.verbs.training import Workshop, rows, write_rows


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A workshop with the same config trained as LoRA and in full, and one that has learned next to nothing."""
    place = Workshop.of(tmp_path_factory.mktemp("here"))
    place.train()
    place.train(method="full", name="ada/whole", optim={"lr": 5e-3})
    place.train(name="ada/lazy", optim={"steps": 1, "lr": 1e-6})
    write_rows(place.folder / "many.csv", rows(200, seed=9))
    return place


@pytest.fixture(scope="module")
def many(done):
    return done.folder / "many.csv"


@pytest.fixture(scope="module")
def found(done, many):
    return done.hub.evaluate_all(["ada/whole", "ada/topic", "ada/lazy"], many)


def test_each_is_worth_what_it_is_alone(done, many, found):
    assert (found.task, found.metric, found.rows) == ("text-classification", "accuracy", 200)
    for one, word in zip(found.entries, ("ada/whole", "ada/topic", "ada/lazy"), strict=True):
        alone = done.hub.evaluate(word, many)
        assert (one.reference, one.metrics, one.data) == (alone.reference, alone.metrics, found.data)
        assert done.hub.show(word).evaluation[found.data]["metrics"] == one.metrics


def test_the_cost_is_that_of_the_training_and_the_file_that_of_the_entry(done, found):
    whole, topic, _ = found.entries
    for one in (whole, topic):
        shown = done.hub.show(one.reference)
        assert one.trainable_parameters == shown.cost["trainable_parameters"]
        assert (one.training_seconds, one.training_memory) == (shown.cost["seconds"], shown.cost["peak_memory"])
        assert one.file_bytes == sum(file.size for file in shown.manifest.files)
    assert topic.trainable_parameters < whole.trainable_parameters / 2
    assert topic.file_bytes < whole.file_bytes / 2


def test_the_difference_is_that_of_the_rows_and_lies_where_pairs_say(found):
    whole, topic, lazy = found.entries
    assert whole.difference is None
    apart = lazy.metrics["accuracy"] - whole.metrics["accuracy"]
    assert lazy.difference.mean == pytest.approx(apart, abs=1e-12)
    assert lazy.difference.low < apart < lazy.difference.high < 0, "it has learned nothing, and 200 rows tell"
    assert lazy.difference.rows == 200
    # McNemar's exact test sees the same pairs: what one of both has right.
    lost = round(-apart * 200)
    assert stats.binomtest(0, lost).pvalue < 0.05
    assert topic.difference.low <= topic.metrics["accuracy"] - whole.metrics["accuracy"] <= topic.difference.high


def test_it_is_a_report_of_arms_that_can_be_drawn(done, many, tmp_path):
    found = done.hub.evaluate_all(["ada/whole", "ada/topic*0.5"], many, picture=tmp_path / "both.png")
    assert (tmp_path / "both.png").read_bytes()[:4] == b"\x89PNG"
    assert found.picture == str(tmp_path / "both.png")
    assert [arm.name for arm in found.arms.arms] == ["ada/whole@1", "ada/topic*0.5"]
    assert list(found.arms.differences) == ["ada/topic*0.5"]
    assert Arms.from_bytes(found.arms.to_bytes(), "arms") == found.arms


def test_of_a_sum_the_costs_are_added_and_its_head_is_chosen(done, many):
    both = "ada/topic*0.5 + ada/lazy*0.5"
    found = done.hub.evaluate_all(["ada/topic", both], many, choose="ada/topic", base=done.folder / "tiny")
    topic, lazy = (done.hub.show(word) for word in ("ada/topic", "ada/lazy"))
    told = found.entries[1]
    assert told.training_seconds == pytest.approx(topic.cost["seconds"] + lazy.cost["seconds"])
    assert told.training_memory == max(topic.cost["peak_memory"], lazy.cost["peak_memory"])
    assert told.file_bytes == topic.manifest.size + lazy.manifest.size


def test_what_was_not_trained_here_has_no_cost_of_training(done, many, tmp_path):
    done.hub.export("ada/topic", tmp_path / "exported")
    words = [str(tmp_path / "exported"), "ada/whole"]
    found = done.hub.evaluate_all(words, many, config=done.config, base=done.folder / "tiny")
    folder, whole = found.entries
    assert folder.trainable_parameters is folder.training_seconds is folder.training_memory is None
    assert whole.trainable_parameters is not None
    assert found.arms.arms[0].trainable is None


def test_every_mistake_is_told_before_anything_is_measured(done, many, tmp_path, monkeypatch):
    monkeypatch.setattr("adapterhub.verbs.evaluate.measured", None)
    with pytest.raises(NotFound, match="ada/none"):
        done.hub.evaluate_all(["ada/topic", "ada/none"], many)
    with pytest.raises(NotFound, match="there is no folder"):
        done.hub.evaluate_all(["ada/topic", "ada/whole"], many, picture=tmp_path / "none" / "both.png")
    with pytest.raises(WrongUsage, match="written as PNG"):
        done.hub.evaluate_all(["ada/topic", "ada/whole"], many, picture=tmp_path / "both.pdf")


def test_a_loss_is_compared_too_where_that_is_what_the_task_counts(done, many, monkeypatch):
    usual = text_classification.prepare
    monkeypatch.setattr(text_classification, "prepare", lambda *words: replace(usual(*words), metric="loss"))
    topic, lazy = done.hub.evaluate_all(["ada/topic", "ada/lazy"], many).entries
    assert lazy.difference.low > 0
    assert lazy.difference.mean == pytest.approx(lazy.metrics["loss"] - topic.metrics["loss"], rel=1e-6)


def test_a_row_without_a_metric_of_its_own_says_nothing_of_the_difference(done, many, monkeypatch):
    def lonely(said, wanted):
        return math.nan if len(said) == 1 else accuracy_score(said, wanted)

    monkeypatch.setattr("adapterhub.train.metrics.classes.accuracy", lonely)
    found = done.hub.evaluate_all(["ada/topic", "ada/lazy"], many)
    assert [one.difference for one in found.entries] == [None, None]
    assert found.entries[0].metrics["accuracy"] > 0.5


def test_other_tasks_do_not_stand_side_by_side(done, many):
    save_gpt2(done.folder / "gpt")
    how = {"optim": {"steps": 1}, "data": {"text": "text"}}
    done.train(name="ada/poet", base="./gpt", task="causal-lm", **how)
    with pytest.raises(WrongUsage, match=r"ada/topic .*\(accuracy\) and ada/poet a causal-lm \(loss\)"):
        done.hub.evaluate_all(["ada/topic", "ada/poet"], many)


def test_the_same_file_serves_all_methods_and_what_one_has_no_use_for_is_told(done):
    done.write(adapter={"rank": 2, "alpha": 8, "dropout": 0.1, "init": "orthogonal"}, optim={"lora_plus": 4.0})
    for method, (odd, rank) in {
        "full": (["adapter.rank", "adapter.alpha", "adapter.dropout", "adapter.init", "optim.lora_plus"], 8),
        "vera": (["adapter.alpha", "adapter.init", "optim.lora_plus"], 2),
        "dora": ([], 2),
    }.items():
        told = []
        trained = done.hub.train(done.config, method=method, name=f"ada/{method}", optim={"steps": 1}, tell=told.append)
        config = trained.manifest.training["config"]
        assert (config["adapter"]["method"], config["adapter"]["rank"]) == (method, rank)
        assert [one.place for one in trained.findings if one.check == "left-out"] == odd
        assert [line.split(": ")[1] for line in told if line.startswith("info")] == odd
        plan = done.hub.train_plan(done.config, method=method, name=f"ada/{method}-plan")
        assert [one.place for one in plan.findings if one.check == "left-out"] == odd
    done.write()


def test_a_method_that_there_is_not_or_that_is_said_twice_is_told(done):
    with pytest.raises(WrongUsage, match="loraa: no such method") as refusal:
        done.hub.train(done.config, method="loraa")
    assert all(name in refusal.value.hint for name in METHODS)
    with pytest.raises(WrongUsage, match="both given"):
        done.hub.train(done.config, method="full", adapter={"method": "lora"})
    with pytest.raises(WrongUsage, match=r"full does not take adapter\.rank"):
        done.hub.train(done.config, method="full", adapter={"rank": 3})
