"""What the folders of other people's trainers say about their runs."""

import json
from pathlib import Path

import pytest

from adapterhub.formats.intake import take
from adapterhub.formats.runs.run import Run
from tests.builders import write_files
from tests.formats.runs.folders import axolotl, card, llamafactory, state, unsloth, weights


def run(folder: Path) -> Run:
    return take(folder).run


def test_axolotl_tells_its_config_in_the_card_and_its_log_in_the_checkpoint_that_became_the_adapter(
    tmp_path: Path,
) -> None:
    found = run(axolotl(tmp_path))
    assert found.metrics == {"loss": 0.6125, "ppl": 1.845}
    assert found.cost == {}
    training = found.training
    assert (training["tool"], training["seed"], training["versions"]["axolotl"]) == ("axolotl", 7, "0.19.0")
    config = training["config"]
    assert (config["base_model"], config["lora_r"], config["learning_rate"]) == ("org/tiny", 8, 2e-4)
    assert config["datasets"] == [{"path": "sql.jsonl", "type": "alpaca"}]
    assert config["output_dir"] == "sql"
    assert config["special_tokens"] == {"pad_token": "<pad>"}
    assert "hub_token" not in config


def test_where_no_checkpoint_is_the_adapter_the_card_has_the_word(tmp_path: Path) -> None:
    folder = write_files(axolotl(tmp_path), weights(seed=1))
    assert run(folder).metrics == {"loss": 0.6, "ppl": 1.8}


def test_llamafactory_tells_its_results_and_its_arguments(tmp_path: Path) -> None:
    folder = llamafactory(tmp_path)
    found = run(folder)
    assert found.metrics == {"accuracy": 0.5, "loss": 0.875, "train_loss": 1.25, "predict_bleu-4": 40.5}
    assert found.cost == {"seconds": 321.5}
    assert (found.training["tool"], found.training["seed"]) == ("llamafactory", 11)
    assert found.training["config"]["model_name_or_path"] == "tiny"
    assert "swanlab_api_key" not in found.training["config"]
    assert found.training["versions"] == {"peft": "0.21.2", "transformers": "5.23.0", "torch": "2.13.0+cpu"}


def test_what_llamafactory_leaves_besides_is_left_out_with_a_reason(tmp_path: Path) -> None:
    taken = take(llamafactory(tmp_path))
    assert dict(taken.left_out) == {
        "llamaboard_config.yaml": "settings of a web page",
        "running_log.txt": "a log of the training",
        "trainer_log.jsonl": "a log of the training",
        "training_args.bin": "a pickle of the training's arguments",
        "training_loss.png": "a log of the training",
    }
    assert sorted(taken.logs) == ["all_results.json", "eval_results.json", "train_results.json", "trainer_state.json"]


def test_llamafactory_without_its_web_page_lists_its_settings_in_the_card(tmp_path: Path) -> None:
    folder = llamafactory(tmp_path)
    (folder / "training_args.yaml").unlink()
    training = run(folder).training
    assert (training["tool"], training["seed"]) == ("llamafactory", 42)
    assert training["config"]["learning_rate"] == 0.0002
    assert training["config"]["max_steps"] == 30


def test_unsloth_tells_who_it_is_and_little_else(tmp_path: Path) -> None:
    taken = take(unsloth(tmp_path))
    assert taken.run == Run(training={"tool": "unsloth", "versions": {"peft": "0.21.2"}})
    assert taken.facts.base_name == "unsloth/tiny-unsloth-bnb-4bit"


def test_a_config_that_was_laid_beside_the_weights_counts_more_than_the_card(tmp_path: Path) -> None:
    folder = write_files(axolotl(tmp_path), {"axolotl_config.yaml": b"lora_r: 64\nseed: 1\n"})
    training = run(folder).training
    assert training["config"] == {"lora_r": 64, "seed": 1}
    assert training["versions"]["axolotl"] == "0.19.0"


def test_a_folder_that_tells_nothing_has_no_run(tmp_path: Path) -> None:
    assert run(write_files(tmp_path, {**weights(), "README.md": b"# poet\n\n- rank: 8\n"})) == Run()


@pytest.mark.parametrize(
    "text",
    [
        b"a: [" * 400, b"just words", b"- 1\n- 2", b"a: &a [*a]", b"x: !!python/object:os.system {}", b"\xff",
        b"a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\n"
        b"d: &d [*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d]",
        b"#" * (1 << 19),
    ],
    ids=["endless", "words", "a list", "a circle", "an object", "no text", "a bomb", "too long"],
)  # fmt: skip
def test_a_config_that_cannot_be_read_is_left_out_and_the_adapter_is_taken(tmp_path: Path, text: bytes) -> None:
    taken = take(write_files(tmp_path, {**weights(), "training_args.yaml": text}))
    assert taken.facts.rank == 2
    assert taken.run == Run()
    ((name, why),) = taken.left_out
    assert name == "training_args.yaml"
    assert "cannot be read" in why or "UTF-8" in why


@pytest.mark.parametrize(
    "log", [b"[]", b"1", b'{"log_history": {"a": 1}}', b'{"log_history": [1, {"eval_loss": "x"}]}']
)
def test_a_log_of_another_form_says_nothing(tmp_path: Path, log: bytes) -> None:
    files = {**weights(), "trainer_state.json": log, "all_results.json": log}
    assert run(write_files(tmp_path, files)) == Run()


def test_a_diverged_run_has_no_metric_for_what_is_no_number(tmp_path: Path) -> None:
    files = {**weights(), "all_results.json": b'{"eval_loss": NaN, "eval_accuracy": 0.1, "train_loss": Infinity}'}
    assert run(write_files(tmp_path, files)).metrics == {"accuracy": 0.1}


def test_a_path_in_the_log_of_a_trainer_stays_where_it_is(tmp_path: Path) -> None:
    log = state({"eval_loss": 0.5}, best_model_checkpoint="/mnt/ada/out/checkpoint-10")
    taken = take(write_files(tmp_path, {**weights(), "trainer_state.json": log}))
    assert "/mnt/ada" not in json.dumps(taken.logs)
    assert taken.logs["trainer_state.json"]["best_model_checkpoint"] == "checkpoint-10"


def test_a_card_of_a_plain_trainer_is_one_of_transformers(tmp_path: Path) -> None:
    folder = write_files(tmp_path, {**weights(), "README.md": card("generated_from_trainer", body="# x\n")})
    training = run(folder).training
    assert (training["tool"], training["config"]["train_batch_size"]) == ("transformers", 2)
    assert training["config"]["optimizer"].startswith("Use OptimizerNames")
