"""Tiny real bases, tables in memory, and what every task's test asks."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import PreTrainedTokenizerFast

from adapterhub.digest import Digest
from adapterhub.train.config import TrainConfig
from adapterhub.train.data.table import Table
from adapterhub.train.task import Task

WORDS = [f"w{i}" for i in range(40)]
MARKS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[EOS]"]
CHAT = (
    "{% for m in messages %}[CLS] {{ m['role'] }} {{ m['content'] }} [SEP] {% endfor %}"
    "{% if add_generation_prompt %}[CLS] assistant {% endif %}"
)
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}


def table(columns: Mapping[str, Sequence[Any]], name: str = "train.csv") -> Table:
    """A table out of its columns; line 2 is its first row."""
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    return Table(
        name, Digest.of(name.encode()), tuple(columns), rows, [f"{name}, line {i + 2}" for i in range(len(rows))]
    )


def asked(task: str, base: Path | str = "base", **fields: Any) -> TrainConfig:
    """A config of a task; `data` holds what is said besides the file."""
    data = {"train": "train.csv", **fields.pop("data", {})}
    return TrainConfig.model_validate({"base": str(base), "name": "ada/test", "task": task, "data": data, **fields})


def save_tokenizer(folder: Path, *, ends: bool = False, marks: bool = True) -> None:
    """A tokenizer of whole words; with `marks` it sets [CLS] and [SEP], with `ends` it knows an end of texts."""
    vocabulary = {word: i for i, word in enumerate([*MARKS, "user", "assistant", "x", *WORDS])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if marks:
        raw.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    more = {"eos_token": "[EOS]"} if ends else {}
    PreTrainedTokenizerFast(tokenizer_object=raw, chat_template=CHAT, **names, **more).save_pretrained(folder)


def save_model(folder: Path, model: nn.Module) -> Path:
    """A base of this model's weights, which are random but the same each time."""
    model.save_pretrained(folder)  # type: ignore[operator]
    return folder


def save_bert(folder: Path, kind: str = "BertModel", **options: Any) -> Path:
    """A tiny BERT without dropout, with a tokenizer."""
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=64,
        max_position_embeddings=64,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        **{**SMALL, **options},
    )
    save_tokenizer(folder)
    return save_model(folder, getattr(transformers, kind)(config))


def save_gpt2(folder: Path) -> Path:
    """A tiny GPT-2 without dropout, with a tokenizer that knows an end of texts."""
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "vocab_size": 64}
    save_tokenizer(folder, ends=True, marks=False)
    quiet = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "bos_token_id": 2, "eos_token_id": 4}
    return save_model(folder, GPT2LMHeadModel(GPT2Config(**sizes, **quiet)))


def edit_config(folder: Path, **fields: Any) -> None:
    """Other values in a base's config.json."""
    place = folder / "config.json"
    place.write_text(json.dumps({**json.loads(place.read_text()), **fields}))


def learns(task: Task, model: nn.Module, rows: Table, steps: int = 12, rate: float = 3e-3) -> tuple[float, float]:
    """The mean loss before and after some steps of AdamW on all weights."""
    batch = task.collate(task.examples(rows))
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate)
    losses = []
    for _ in range(steps + 1):
        total, count = task.loss(model, batch)
        losses.append(total.item() / count.item())
        optimiser.zero_grad()
        (total / count).backward()
        optimiser.step()
    return losses[0], losses[-1]
