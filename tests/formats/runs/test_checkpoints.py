"""Which evaluation is that of the weights: the last one, or the best one's."""

from pathlib import Path

import pytest

from adapterhub.errors import NotFound
from adapterhub.formats.intake import take
from adapterhub.formats.runs.checkpoints import best_step
from tests.builders import write_files
from tests.formats.runs.folders import state, weights

EVALUATIONS = ({"eval_loss": 0.5}, {"eval_loss": 0.25}, {"eval_loss": 0.75})
BEST = state(*EVALUATIONS, best_model_checkpoint="/mnt/ada/out/checkpoint-20", best_global_step=20)


def loss(folder: Path) -> float:
    return take(folder).run.metrics["loss"]


def test_without_a_best_checkpoint_the_last_evaluation_counts(tmp_path: Path) -> None:
    assert loss(write_files(tmp_path, {**weights(), "trainer_state.json": state(*EVALUATIONS)})) == 0.75


def test_weights_of_the_best_checkpoint_have_its_evaluation(tmp_path: Path) -> None:
    write_files(tmp_path / "checkpoint-20", weights(seed=2))
    assert loss(write_files(tmp_path, {**weights(seed=2), "trainer_state.json": BEST})) == 0.25


def test_weights_that_are_not_the_best_checkpoints_have_the_last_evaluation(tmp_path: Path) -> None:
    write_files(tmp_path / "checkpoint-20", weights(seed=2))
    assert loss(write_files(tmp_path, {**weights(seed=3), "trainer_state.json": BEST})) == 0.75


def test_where_the_best_checkpoint_is_gone_the_weights_are_believed_to_be_its(tmp_path: Path) -> None:
    assert loss(write_files(tmp_path, {**weights(), "trainer_state.json": BEST})) == 0.25


def test_a_checkpoint_has_its_own_last_evaluation(tmp_path: Path) -> None:
    assert loss(write_files(tmp_path / "checkpoint-30", {**weights(), "trainer_state.json": BEST})) == 0.75


def test_evaluations_of_several_sets_at_one_step_count_together(tmp_path: Path) -> None:
    rows = [{"step": 10, "eval_a_loss": 0.1}, {"step": 20, "eval_a_loss": 0.2}, {"step": 20, "eval_b_loss": 0.3}]
    log = state(log_history=rows)
    metrics = take(write_files(tmp_path, {**weights(), "trainer_state.json": log})).run.metrics
    assert metrics == {"a_loss": 0.2, "b_loss": 0.3}


@pytest.mark.parametrize("best", [{"best_global_step": 20}, {"best_model_checkpoint": "C:\\out\\checkpoint-20\\"}])
def test_the_best_step_is_told_in_two_ways(best: dict[str, object]) -> None:
    assert best_step(best) == 20
    assert best_step({}) is None


def test_a_folder_of_checkpoints_alone_says_which_did_best(tmp_path: Path) -> None:
    write_files(tmp_path / "checkpoint-20", {**weights(seed=2), "trainer_state.json": state(*EVALUATIONS[:2])})
    write_files(tmp_path / "checkpoint-30", {**weights(seed=3), "trainer_state.json": BEST})
    with pytest.raises(NotFound, match=r"checkpoint-20, checkpoint-30") as refusal:
        take(tmp_path)
    assert refusal.value.hint.startswith("checkpoint-20 did best")


def test_a_link_to_a_checkpoint_is_not_followed(tmp_path: Path) -> None:
    elsewhere = write_files(tmp_path / "other" / "checkpoint-30", {**weights(), "trainer_state.json": BEST})
    write_files(tmp_path / "out", weights())
    (tmp_path / "out" / "checkpoint-30").symlink_to(elsewhere)
    assert take(tmp_path / "out").run.metrics == {}
