"""What a task is to the trainer: rows become batches, a model and a batch give a loss, answers are measured.

A task of one's own (`task: module:function`) is any object with these members; nothing is inherited.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from adapterhub.train.metrics.direction import Compared

if TYPE_CHECKING:
    from torch import Tensor, nn

    from adapterhub.train.data.table import Table

__all__ = ["Batch", "Example", "Task", "compared"]

Example = Any
"""One row, ready: what `collate` makes batches of."""

Batch = Any
"""Tensors in dicts, lists or tuples; the loop moves them to the device and looks at nothing else."""


class Task(Protocol):
    """A kind of problem, with its tokenizer and its labels known.

    It may also have `less_is_better`, a bool: which way its `metric` is compared. Without it the metric's name says.
    """

    @property
    def peft_type(self) -> str | None:
        """PEFT's word for it (`SEQ_CLS`), which its config carries; None where it has none."""

    @property
    def learned(self) -> Mapping[str, Any]:
        """What was read off the training rows and belongs to the run (`labels`); fields of the config's `data`."""

    @property
    def metric(self) -> str:
        """The metric that counts, unless the config says another."""

    def open(self, folder: Path) -> "nn.Module":
        """The base with the head the task needs; a new head is drawn from torch's generator. Raises `DoesNotFit`."""

    def heads(self, model: "nn.Module") -> tuple[str, ...]:
        """The modules of the model that are trained and saved whole, by path; none for a language model."""

    def examples(self, table: "Table") -> Sequence[Example]:
        """The rows, ready; the place of a row that cannot be used stands in the error."""

    def length(self, example: Example) -> int:
        """How large an example is (tokens); 1 where all are alike. The longest are used to measure memory."""

    def collate(self, examples: Sequence[Example]) -> Batch:
        """Examples as one batch, padded."""

    def loss(self, model: "nn.Module", batch: Batch) -> "tuple[Tensor, Tensor]":
        """The summed loss, and over how many things it is a sum (examples, or tokens that count)."""

    def answers(self, model: "nn.Module", batch: Batch) -> Sequence[Any]:
        """What the model says, one plain answer (numbers, arrays of numpy) for each example of the batch."""

    def measure(self, answers: Sequence[Any], examples: Sequence[Example]) -> dict[str, float]:
        """Metrics under their standard names, of all answers."""


def compared(task: Task) -> Compared:
    """What a task is compared by, and which way."""
    return Compared.of(task.metric, getattr(task, "less_is_better", None))
