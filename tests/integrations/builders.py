"""Tiny models that transformers and TRL train in a second."""

from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Trainer,
    TrainingArguments,
)

WORDS = ["<pad>", "</s>", "the", "a", "cat", "dog", "sat", "ran", "on", "mat"]


def tokenizer() -> Any:
    """Ten words."""
    raw = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<pad>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="<pad>", eos_token="</s>", unk_token="<pad>")


def language_base(folder: Path) -> Path:
    """A causal language model in a folder."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(WORDS), eos_token_id=1, **sizes)).save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def language_model(folder: str | Path) -> Any:
    """The same, loaded."""
    return AutoModelForCausalLM.from_pretrained(folder)


def lora(**more: Any) -> LoraConfig:
    """Two targets, as a set of whatever order."""
    return LoraConfig(r=2, target_modules=["v_proj", "q_proj", "k_proj", "o_proj"], **more)


def classifier(folder: Path) -> Any:
    """A classifier with an adapter and a new head, on a base that is saved first."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertForSequenceClassification(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    config = LoraConfig(r=2, target_modules=["query", "value"], task_type="SEQ_CLS")
    return get_peft_model(model, config)


def rows(count: int) -> Dataset:
    """Tokens, and whether the first is even."""
    tokens = [[2 + (row * 3 + place) % 8 for place in range(4)] for row in range(count)]
    return Dataset.from_dict({"input_ids": tokens, "labels": [row[0] % 2 for row in tokens]})


def accuracy(answers: Any) -> dict[str, float]:
    """The share that is right."""
    return {"accuracy": float((answers.predictions.argmax(-1) == answers.label_ids).mean())}


def arguments(folder: Path, **more: Any) -> TrainingArguments:
    """Eight steps on the processor, evaluated every four."""
    fixed: dict[str, Any] = {"max_steps": 8, "eval_strategy": "steps", "eval_steps": 4, "save_steps": 4, "seed": 3}
    quiet = {"use_cpu": True, "report_to": [], "disable_tqdm": True, "output_dir": str(folder)}
    return TrainingArguments(**{**quiet, **fixed, "learning_rate": 1e-2, **more})


def trainer(folder: Path, callback: Any, **more: Any) -> Trainer:
    """A Trainer of a classifier with its base in `folder/base`."""
    model = classifier(folder / "base")
    model.base_model.model.accepts_loss_kwargs = False
    return Trainer(
        model=model,
        args=arguments(folder / "out", **more),
        train_dataset=rows(32),
        eval_dataset=rows(8),
        compute_metrics=accuracy,
        callbacks=[callback],
    )
