"""One label for each row, whatever a row is made of: a reader makes inputs of rows, the head has an output a label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, final

import numpy as np
import torch
from torch import Tensor, nn

from adapterhub.train.data.labels import encode
from adapterhub.train.data.table import Table
from adapterhub.train.metrics import classes, probability
from adapterhub.train.tasks.opening import head_modules, open_labelled
from adapterhub.train.tasks.sums import summed

__all__ = ["Classification", "Labelled", "Reader"]


class Reader(Protocol):
    """What makes inputs of a model out of rows."""

    def inputs(self, table: Table) -> Sequence[Any]:
        """The input of each row; the place of a row that cannot be used stands in the error."""

    def size(self, one: Any) -> int:
        """How large an input is; 1 where all are alike."""

    def batch(self, inputs: Sequence[Any]) -> dict[str, Tensor]:
        """Inputs as the named tensors the model takes, padded."""


class Labelled(NamedTuple):
    """An example: an input as its reader makes it, and the number of its label."""

    input: Any
    label: int


@final
@dataclass(frozen=True)
class Classification:
    """A task: the label of each row, out of those known.

    Answers are probabilities, float32 (labels,).
    """

    reader: Reader
    kind: str
    """The auto class of transformers that has the head."""
    labels: tuple[str, ...]
    column: str
    """Where a row's label stands."""
    peft_type: str | None = None
    metric: str = "accuracy"
    pad_token: int | None = None
    """What a decoder must know to find the last token of a padded row."""

    @property
    def learned(self) -> Mapping[str, Any]:
        """The labels, in the order of the outputs."""
        return {"labels": self.labels}

    def open(self, folder: Path) -> nn.Module:
        """The base with an output for each label."""
        model: Any = open_labelled(self.kind, folder, self.labels)
        if self.pad_token is not None:
            model.config.get_text_config().pad_token_id = self.pad_token
        return model  # type: ignore[no-any-return]

    def heads(self, model: nn.Module) -> tuple[str, ...]:
        """The head, and what else the base has not brought."""
        return head_modules(model)

    def examples(self, table: Table) -> list[Labelled]:
        """The rows as inputs and numbers of labels."""
        labels = encode(table, self.column, self.labels)
        return [Labelled(one, label) for one, label in zip(self.reader.inputs(table), labels, strict=True)]

    def length(self, example: Labelled) -> int:
        """The size of the input."""
        return self.reader.size(example.input)

    def collate(self, examples: Sequence[Labelled]) -> dict[str, Any]:
        """`inputs`, as the model takes them, and `labels`: (n,)"""
        return {
            "inputs": self.reader.batch([example.input for example in examples]),
            "labels": torch.tensor([example.label for example in examples]),
        }

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """The summed cross entropy of the rows, and how many they are."""
        return summed(model(**batch["inputs"]).logits, batch["labels"])

    def answers(self, model: nn.Module, batch: Mapping[str, Any]) -> list[Any]:
        """The probabilities of the labels."""
        with torch.no_grad():
            return list(model(**batch["inputs"]).logits.float().softmax(-1).cpu().numpy())

    def measure(self, answers: Sequence[Any], examples: Sequence[Labelled]) -> dict[str, float]:
        """How often the right label is the most probable one, and how good the probabilities are."""
        chances = np.stack(answers)
        wanted = np.array([example.label for example in examples])
        said = probability.chosen(chances)
        two = {"f1": classes.f1(said, wanted)} if len(self.labels) == 2 else {}
        return {
            "accuracy": classes.accuracy(said, wanted),
            "balanced_accuracy": classes.balanced_accuracy(said, wanted),
            **two,
            "f1_macro": classes.f1_macro(said, wanted),
            "precision_macro": classes.precision_macro(said, wanted),
            "recall_macro": classes.recall_macro(said, wanted),
            "matthews_corrcoef": classes.matthews_corrcoef(said, wanted),
            "loss": probability.nll(chances, wanted),
            "brier": probability.brier(chances, wanted),
            "ece": probability.ece(chances, wanted),
        }
