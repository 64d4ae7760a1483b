"""A task under attack is a task: whoever can measure the one can measure the other, and has both side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from torch import Tensor, nn

from adapterhub.train.config import RobustConfig
from adapterhub.train.robust.attack import Limits, answers_under
from adapterhub.train.task import Batch, Example, Task

if TYPE_CHECKING:
    from adapterhub.train.data.table import Table

__all__ = ["UnderAttack"]


@final
@dataclass(frozen=True)
class UnderAttack:
    """The same task, but every batch is moved to where it hurts before the model answers: `robust_accuracy`.

    limits: the range of a picture's or sound's numbers, as `attacked` takes it.
    """

    task: Task
    config: RobustConfig
    limits: Limits | None = None

    @property
    def peft_type(self) -> str | None:
        return self.task.peft_type

    @property
    def learned(self) -> Mapping[str, Any]:
        return self.task.learned

    @property
    def metric(self) -> str:
        return f"robust_{self.task.metric}"

    def open(self, folder: Path) -> nn.Module:
        return self.task.open(folder)

    def heads(self, model: nn.Module) -> tuple[str, ...]:
        return self.task.heads(model)

    def examples(self, table: "Table") -> Sequence[Example]:
        return self.task.examples(table)

    def length(self, example: Example) -> int:
        return self.task.length(example)

    def collate(self, examples: Sequence[Example]) -> Batch:
        return self.task.collate(examples)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        return self.task.loss(model, batch)

    def answers(self, model: nn.Module, batch: Batch) -> Sequence[Any]:
        """What the model says of each example where it was moved to."""
        return answers_under(self.task, self.task.loss, model, batch, self.config, limits=self.limits)

    def measure(self, answers: Sequence[Any], examples: Sequence[Example]) -> dict[str, float]:
        """The task's metrics, each with `robust_` before its name."""
        return {f"robust_{name}": value for name, value in self.task.measure(answers, examples).items()}
