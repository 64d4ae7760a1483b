"""`add` of the very folders that transformers and TRL leave."""

import json
from pathlib import Path

import pytest
from transformers import TrainerCallback

from adapterhub.errors import NotFound
from adapterhub.hub import Hub
from tests.integrations.builders import language_base, language_model, lora, trainer

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def test_what_the_examples_of_transformers_leave_is_understood(hub: Hub, tmp_path: Path) -> None:
    run = trainer(tmp_path, TrainerCallback())
    trained = run.train()
    run.save_model()
    run.save_metrics("train", trained.metrics)
    run.save_state()
    run.save_metrics("eval", evaluated := run.evaluate())
    run.create_model_card()
    shown = hub.add(tmp_path / "out", "ada/poet", base=tmp_path / "base")
    assert (shown.metrics["accuracy"], shown.metrics["loss"]) == (evaluated["eval_accuracy"], evaluated["eval_loss"])
    assert shown.metrics.keys() == {"accuracy", "loss", "train_loss"}
    assert shown.cost == {"seconds": trained.metrics["train_runtime"]}
    training = shown.training
    assert (training["tool"], training["seed"], training["config"]["learning_rate"]) == ("transformers", 3, 0.01)
    assert {"peft", "transformers", "torch"} <= training["versions"].keys()
    notes = [
        note.data for note in hub.desk.store.open(hub.desk.find("ada/poet")[0].digest).notes if note.kind != "card"
    ]
    assert str(tmp_path) not in json.dumps(notes)


def test_a_model_that_was_only_saved_has_the_log_of_its_checkpoint(hub: Hub, tmp_path: Path) -> None:
    run = trainer(tmp_path, TrainerCallback(), load_best_model_at_end=True, metric_for_best_model="loss",
                  greater_is_better=True)  # fmt: skip
    run.train()
    run.save_model()
    first = next(row for row in run.state.log_history if "eval_loss" in row)
    assert hub.add(tmp_path / "out", "ada/poet").metrics["loss"] == first["eval_loss"]


def test_checkpoints_alone_are_told_apart(hub: Hub, tmp_path: Path) -> None:
    told = {"metric_for_best_model": "loss", "greater_is_better": True}
    trainer(tmp_path, TrainerCallback(), load_best_model_at_end=True, **told).train()
    with pytest.raises(NotFound, match="checkpoint-4, checkpoint-8") as refusal:
        hub.add(tmp_path / "out", "ada/poet")
    assert refusal.value.hint.startswith("checkpoint-4 did best")
    losses = [hub.add(tmp_path / "out" / f"checkpoint-{step}", f"ada/at{step}").metrics["loss"] for step in (4, 8)]
    assert losses[0] > losses[1]


def test_what_trl_leaves_is_known_as_its_own(hub: Hub, tmp_path: Path) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    told = SFTConfig(
        output_dir=str(tmp_path / "out"), max_steps=2, use_cpu=True, bf16=False, report_to=[], disable_tqdm=True,
        max_length=16, eval_strategy="steps", eval_steps=2, save_steps=2,
    )  # fmt: skip
    texts = Dataset.from_dict({"text": ["the cat sat on the mat", "a dog ran on a mat"] * 4})
    model = language_model(language_base(tmp_path / "base"))
    run = SFTTrainer(model=model, args=told, train_dataset=texts, eval_dataset=texts, peft_config=lora())
    run.train()
    run.save_model()
    run.create_model_card(model_name="poet")
    shown = hub.add(tmp_path / "out", "ada/poet", base=tmp_path / "base")
    assert shown.training["tool"] == "trl"
    assert {"trl", "transformers"} <= shown.training["versions"].keys()
    assert shown.training["config"]["max_steps"] == 2
    (evaluated,) = (row for row in run.state.log_history if "eval_loss" in row)
    assert shown.metrics == {name: evaluated[f"eval_{name}"] for name in ("loss", "entropy", "mean_token_accuracy")}
