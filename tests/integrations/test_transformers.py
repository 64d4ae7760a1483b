"""A run of `transformers.Trainer` or TRL ends as an entry with its base pinned."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapterhub.errors import BadReference
from adapterhub.hub import Hub
from adapterhub.integrations.transformers import PublishCallback
from tests.builders import read_all
from tests.integrations.builders import language_base, language_model, lora, rows, trainer

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{warning}")  # peft, transformers and trl call each other's old names
    for warning in ("DeprecationWarning", "FutureWarning", "PendingDeprecationWarning")
]


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def publisher(hub: Hub, **more: Any) -> PublishCallback:
    return PublishCallback("ada/poet", store=hub.store, **more)


def test_a_run_of_trainer_is_an_entry_with_its_base_pinned_by_content(hub: Hub, tmp_path: Path) -> None:
    callback = publisher(hub, tags=["first"], license="MIT", metrics={"f1": 0.5})
    run = trainer(tmp_path, callback)
    run.train()
    shown = hub.show("ada/poet")
    assert callback.shown is not None
    assert shown.digest == callback.shown.digest
    assert shown.manifest.base is not None
    assert shown.manifest.base.evidence == "bytes"
    assert hub.audit(["ada/poet"], [tmp_path / "base"])[0].verdict == "exact"
    last = run.state.log_history[-2]
    assert shown.metrics == {
        "accuracy": last["eval_accuracy"],
        "loss": last["eval_loss"],
        "train_loss": run.state.log_history[-1]["train_loss"],
        "f1": 0.5,
    }
    assert (shown.tags, shown.license) == (("first",), "MIT")
    assert shown.cost["trainable_parameters"] == run.model.num_parameters(only_trainable=True)
    assert shown.cost["seconds"] == run.state.log_history[-1]["train_runtime"]
    assert shown.cost["peak_memory"] > 1 << 20
    assert [path.name for path in (tmp_path / "out").glob("adapterhub-*")] == []


def test_the_manifest_tells_how_it_was_trained_and_on_what(hub: Hub, tmp_path: Path) -> None:
    trainer(tmp_path, publisher(hub), hub_token="hf_abcdefghijklmnopqrstuvwxyz").train()
    training = hub.show("ada/poet").manifest.training
    assert training is not None
    assert (training["tool"], training["seed"]) == ("transformers", 3)
    assert (training["config"]["learning_rate"], training["config"]["max_steps"]) == (0.01, 8)
    assert training["data"]["train"]["rows"] == 32
    assert training["data"]["eval"]["digest"].startswith("sha256:")
    assert {"torch", "transformers", "peft"} <= training["versions"].keys()
    notes = hub.desk.store.open(hub.desk.find("ada/poet")[0].digest)
    everything = json.dumps([notes.manifest.plain(), *(note.data for note in notes.notes)])
    files = b"".join(read_all(notes).values())
    assert str(tmp_path) not in everything + files.decode("latin-1")
    assert "hf_abc" not in everything


def test_the_same_run_on_another_machine_is_the_same_entry(tmp_path: Path) -> None:
    digests = []
    for place in ("here", "there"):
        callback = publisher(Hub.open(tmp_path / place / "store"))
        trainer(tmp_path / place, callback).train()
        assert callback.shown is not None
        digests.append(callback.shown.digest)
    assert digests[0] == digests[1]


def test_the_best_model_is_published_with_what_it_did(hub: Hub, tmp_path: Path) -> None:
    told = {"metric_for_best_model": "loss", "greater_is_better": True}  # the first is the best, for once
    run = trainer(tmp_path, publisher(hub), load_best_model_at_end=True, **told)
    run.train()
    best, last = (row for row in run.state.log_history if "eval_loss" in row)
    assert best["eval_loss"] > last["eval_loss"]
    shown = hub.show("ada/poet")
    assert (shown.metrics["loss"], shown.metrics["accuracy"]) == (best["eval_loss"], best["eval_accuracy"])
    kept = tmp_path / "out" / f"checkpoint-{best['step']}" / "adapter_model.safetensors"
    entry = read_all(hub.desk.find("ada/poet")[1])
    assert entry["adapter_model.safetensors"] == kept.read_bytes()


def test_a_run_of_trl_is_an_entry_that_peft_loads(hub: Hub, tmp_path: Path) -> None:
    import torch
    from datasets import Dataset
    from peft import PeftModel
    from trl import SFTConfig, SFTTrainer

    base = language_base(tmp_path / "base")
    told = SFTConfig(
        output_dir=str(tmp_path / "out"), max_steps=3, use_cpu=True, bf16=False, report_to=[], disable_tqdm=True,
        eval_strategy="steps", eval_steps=3, learning_rate=1e-2, max_length=16,
    )  # fmt: skip
    texts = Dataset.from_dict({"text": ["the cat sat on the mat", "a dog ran on a mat"] * 8})
    run = SFTTrainer(
        model=language_model(base), args=told, train_dataset=texts, eval_dataset=texts, peft_config=lora(),
        callbacks=[publisher(hub)],
    )  # fmt: skip
    run.train()
    shown = hub.show("ada/poet")
    assert hub.audit(["ada/poet"], [base])[0].verdict == "exact"
    assert shown.metrics["mean_token_accuracy"] > 0
    assert shown.manifest.training is not None
    assert shown.manifest.training["tool"] == "trl"
    assert "trl" in shown.manifest.training["versions"]
    files = read_all(hub.desk.find("ada/poet")[1])
    assert {"tokenizer.json", "adapter_model.safetensors"} < files.keys()
    assert str(tmp_path).encode() not in b"".join(files.values())
    hub.export("ada/poet", tmp_path / "exported")
    loaded = PeftModel.from_pretrained(language_model(base), tmp_path / "exported").eval()
    tokens = torch.tensor([[2, 4, 6, 8]])
    with torch.no_grad():
        assert torch.equal(loaded(tokens).logits, run.model.eval()(tokens).logits)


def test_a_run_that_cannot_be_published_is_told_and_not_lost(hub: Hub, tmp_path: Path) -> None:
    run = trainer(tmp_path, publisher(hub, base=tmp_path / "nowhere"))
    with pytest.warns(RuntimeWarning, match="was not published as ada/poet") as told:
        run.train()
    (folder,) = (tmp_path / "out").glob("adapterhub-*")
    assert f"adapterhub add {folder} ada/poet" in str(told[0].message)
    added = hub.add(folder, "ada/poet", base=tmp_path / "base")
    assert added.facts.rank == 2
    assert "accuracy" in added.metrics


def test_only_the_first_process_publishes(hub: Hub, tmp_path: Path) -> None:
    callback = publisher(hub)
    run = trainer(tmp_path, callback)
    run.state.is_world_process_zero = False
    callback.on_train_end(run.args, run.state, run.control, model=run.model)
    assert callback.shown is None
    assert hub.list() == []


def test_a_name_that_cannot_be_is_refused_before_anything_is_trained(hub: Hub) -> None:
    with pytest.raises(BadReference, match="poet"):
        PublishCallback("poet", store=hub.store)


def test_importing_the_callback_imports_no_transformers() -> None:
    script = (
        "import sys; from adapterhub.integrations.transformers import PublishCallback; "
        "print({'torch', 'transformers', 'peft', 'trl', 'datasets'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_it_is_a_callback_as_transformers_knows_them(hub: Hub) -> None:
    from transformers import TrainerCallback

    callback = publisher(hub)
    assert isinstance(callback, TrainerCallback)
    assert isinstance(callback, PublishCallback)


def test_rows_have_one_digest_however_they_are_cut_and_another_when_they_change() -> None:
    from datasets import concatenate_datasets

    from adapterhub.integrations.data import described

    whole = rows(20)
    cut = concatenate_datasets([whole.select(range(7)), whole.select(range(7, 20))])
    assert described(cut) == described(whole)
    assert described(whole.select(range(19, -1, -1)))["digest"] != described(whole)["digest"]
    assert described(iter([])) == {}
