"""An entry and those it was continued from, on the rows of every task."""

import pytest

from adapterhub.cli.trained import print_remembered
from adapterhub.errors import NotFound, WrongUsage
from adapterhub.hub import Hub
from tests.verbs.continued import config, furnished, rows_to_test

pytestmark = pytest.mark.filterwarnings("ignore")  # what torchao and peft say of builds and transformers


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return furnished(tmp_path_factory.mktemp("forgetting"))


@pytest.fixture(scope="module")
def learned(place):
    """A hub with one task learned, and another one after it."""
    hub = Hub.open(place / "store")
    hub.train(config(place, "a", "ada/first"))
    hub.train(config(place, "b", "ada/next"), follows="ada/first@1")
    return hub


def test_forgetting_is_told_task_by_task_and_noted(learned, place):
    told = learned.forgetting("ada/next", rows_to_test(place), ancestors=True)
    assert told.entries == ("ada/first@1", "ada/next@1")
    assert (told.metric, told.rows) == ("accuracy", (96, 96))
    first, last = told.scores
    assert told.forgetting.forgetting == pytest.approx(first[0] - last[0])
    assert told.forgetting.average == pytest.approx(sum(last) / 2)
    noted = learned.show("ada/next").metrics
    assert noted["continual_forgetting"] == pytest.approx(told.forgetting.forgetting)


def test_what_was_measured_is_not_measured_again(learned, place, monkeypatch):
    before = learned.forgetting("ada/next", rows_to_test(place), ancestors=True)
    monkeypatch.setattr("adapterhub.verbs.evaluate.measured", None)
    assert learned.forgetting("ada/next", rows_to_test(place), ancestors=True) == before


def test_without_a_version_for_each_task_there_are_scores_and_no_figure(learned, place):
    told = learned.forgetting("ada/next", rows_to_test(place)[:1], ancestors=True)
    assert [len(row) for row in told.scores] == [1, 1]
    assert told.forgetting is None
    alone = learned.forgetting("ada/next", rows_to_test(place))
    assert alone.entries == ("ada/next@1",)
    assert alone.forgetting is None


def test_the_same_rows_twice_are_told(learned, place):
    with pytest.raises(WrongUsage, match="the same rows are named twice"):
        learned.forgetting("ada/next", rows_to_test(place)[:1] * 2, ancestors=True)


def test_people_see_a_table_and_the_figures(learned, place, capsys):
    told = learned.forgetting("ada/next", rows_to_test(place), ancestors=True)
    print_remembered(told)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["accuracy", "ada/first@1", "ada/next@1"]
    assert [float(cell) for cell in lines[1].split()[1:]] == pytest.approx([row[0] for row in told.scores], abs=1e-4)
    assert lines[3].startswith(f"average {told.forgetting.average:.4f}, forgetting ")


def test_a_metric_that_is_not_measured_is_told(learned, place):
    with pytest.raises(WrongUsage, match="bleu is not measured on ada/first@1; there are accuracy"):
        learned.forgetting("ada/next", rows_to_test(place), ancestors=True, metric="bleu")


def test_of_a_loss_what_it_rose_is_what_was_lost(learned, place):
    told = learned.forgetting("ada/next", rows_to_test(place), ancestors=True, metric="loss")
    assert told.forgetting.forgetting == pytest.approx(told.scores[1][0] - told.scores[0][0])


def test_a_parent_that_is_not_here_is_told(learned, place, tmp_path):
    hub, shelf = Hub.open(tmp_path / "elsewhere"), (tmp_path / "shelf").as_uri()
    learned.push(["ada/next"], shelf)
    hub.pull(["ada/next"], shelf)
    with pytest.raises(NotFound, match="ada/next@1: the entry it was continued from, sha256:"):
        hub.forgetting("ada/next", rows_to_test(place), ancestors=True)
