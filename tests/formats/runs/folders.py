"""Folders as other people's trainers leave them, written after the sources of the versions that are named."""

import json
from pathlib import Path
from typing import Any

from tests.builders import adapter_files, write_files

FRONT = (
    "---\nlibrary_name: peft\nbase_model: org/tiny\ntags:\n{tags}\nmodel-index:\n- name: out\n  results: []\n---\n\n"
)
HYPERPARAMETERS = """
## Training procedure

### Training hyperparameters

The following hyperparameters were used during training:
- learning_rate: 0.0002
- train_batch_size: 2
- seed: 42
- optimizer: Use OptimizerNames.ADAMW_TORCH with betas=(0.9,0.999) and epsilon=1e-08
- num_epochs: 3

### Framework versions

- PEFT 0.21.2
- Transformers 5.23.0
- Pytorch 2.13.0+cpu
"""

AXOLOTL_CONFIG = """base_model: org/tiny
load_in_4bit: true
adapter: qlora
lora_r: 8
seed: 7
hub_token: hf_abcdefghijklmnopqrstuvwxyz
datasets:
  - path: /mnt/ada/private/sql.jsonl
    type: alpaca
special_tokens:
  pad_token: <pad>
output_dir: /mnt/ada/outputs/sql
micro_batch_size: 2
learning_rate: 2e-4
"""


def card(*tags: str, body: str = "") -> bytes:
    """A README with these tags, and a Trainer's sections."""
    return (FRONT.format(tags="\n".join(f"- {tag}" for tag in tags)) + body + HYPERPARAMETERS).encode()


def state(*evaluations: dict[str, Any], ended: bool = True, **more: Any) -> bytes:
    """A trainer_state.json with these evaluations, ten steps apart, and the summary that a Trainer logs last.

    A checkpoint is written before that summary.
    """
    rows = [{"epoch": 1.0, "step": 10 * number, **row} for number, row in enumerate(evaluations, 1)]
    last = {"train_runtime": 12.5, "train_loss": 0.75, "total_flos": 1e9, "step": 10 * len(rows)}
    fields = {"best_model_checkpoint": None, "global_step": 10 * len(rows), "max_steps": 30, "num_train_epochs": 3}
    return json.dumps({**fields, "log_history": [*rows, last] if ended else rows, **more}).encode()


def weights(seed: int = 0) -> dict[str, bytes]:
    """The two files of an adapter."""
    return adapter_files(seed=seed)


def axolotl(folder: Path) -> Path:
    """axolotl 0.19.0, train.py: the config goes into the card, and the Trainer's log lies in the checkpoints only."""
    config = f"axolotl version: `0.19.0`\n```yaml\n{AXOLOTL_CONFIG}\n```\n\n</details><br>\n"
    body = f"<details><summary>See axolotl config</summary>\n\n{config}\n# sql\n\nThis model is a fine-tuned version\n"
    results = (
        "It achieves the following results on the evaluation set:\n- Loss: 0.6\n- Ppl: 1.8\n\n## Model description\n"
    )
    evaluations = ({"eval_loss": 0.9}, {"eval_loss": 0.6125, "eval_ppl": 1.845, "eval_runtime": 3.0})
    for number in (10, 20):
        write_files(
            folder / f"checkpoint-{number}",
            {
                **weights(seed=number),
                "trainer_state.json": state(*evaluations[: number // 10], ended=False),
                "tokens_state.json": b"{}",
            },
        )
    own = {"README.md": card("axolotl", "generated_from_trainer", body=body + results)}
    return write_files(folder, {**weights(seed=20), **own, "config.json": b"{}", "debug.log": b"x"})


def llamafactory(folder: Path) -> Path:
    """LLaMA-Factory 0.9.5, train/sft/workflow.py, train/callbacks.py, webui/runner.py."""
    train = {
        "epoch": 3.0,
        "total_flos": 1e12,
        "train_loss": 1.25,
        "train_runtime": 321.5,
        "train_steps_per_second": 0.3,
    }
    tests = {"eval_accuracy": 0.5, "eval_loss": 0.875, "eval_runtime": 4.5, "eval_samples_per_second": 11.0}
    rates = {"predict_bleu-4": 40.5, "num_input_tokens_seen": 12345, "effective_tokens_per_sec": 100.5}
    config = (
        "do_train: true\nfinetuning_type: lora\nlearning_rate: 5.0e-05\nmodel_name_or_path: /data/models/tiny\n"
        "dataset: alpaca_en_demo\ndataset_dir: data\noutput_dir: saves/tiny/lora/sft\nseed: 11\nswanlab_api_key: abc\n"
    )
    logs = {
        "all_results.json": {**train, **tests, **rates},
        "train_results.json": train,
        "eval_results.json": {"epoch": 3.0, **tests},
    }
    return write_files(
        folder,
        {
            **weights(),
            **{name: json.dumps(log).encode() for name, log in logs.items()},
            "README.md": card("llama-factory", "lora", "unsloth", body="# sft\n"),
            "trainer_state.json": state({"eval_loss": 0.9}),
            "trainer_log.jsonl": b'{"current_steps": 5, "total_steps": 30, "loss": 1.5}\n',
            "training_args.yaml": config.encode(),
            "llamaboard_config.yaml": b"top.booster: auto\n",
            "running_log.txt": b"[INFO] x\n",
            "training_loss.png": b"x",
            "training_args.bin": b"\x80\x04.",
        },
    )


def unsloth(folder: Path) -> Path:
    """Unsloth 2026.10.9, save.py: PEFT's card with a tag, on a base that is quantised by its name."""
    files = adapter_files(base_model_name_or_path="unsloth/tiny-unsloth-bnb-4bit")
    body = "# Model Card for Model ID\n\n### Framework versions\n\n- PEFT 0.21.2\n"
    tags = "base_model:adapter:unsloth/tiny-unsloth-bnb-4bit", "lora", "sft", "transformers", "trl", "unsloth"
    front = FRONT.format(tags="\n".join(f"- {tag}" for tag in tags))
    return write_files(folder, {**files, "README.md": (front + body).encode()})
