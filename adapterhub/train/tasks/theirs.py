"""A task that somebody wrote: what it raises is told as theirs, and what it gives is looked at where it is given.

    mytask:make: collate: ValueError: no number: 'x', in mytask.py line 31
    mytask:make: loss gave a sum of shape (8,), wanted a scalar

Memory that runs out passes, for the loop answers it with smaller pieces, and so does every error of adapterhub's own.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, NoReturn, final

import torch
from torch import Tensor, nn

from adapterhub.errors import AdapterHubError, WrongUsage
from adapterhub.note import check_word
from adapterhub.train.quiet import quiet
from adapterhub.train.resources.micro import is_out_of_memory
from adapterhub.train.task import Batch, Example, Task

if TYPE_CHECKING:
    from adapterhub.train.data.table import Table

__all__ = ["Theirs", "run"]

TRACED = "it is the task's own code; --debug shows the whole traceback"
CONTRACT = "adapterhub.train.task.Task says what each member of a task is"


def run(word: str, deed: Callable[..., Any], *given: Any, what: str = "", hint: str = TRACED) -> Any:
    """What code of a task `module:function` gives; what it raises is told as theirs, by the last line of theirs.

    What it prints goes to standard error: on standard output stands the answer of the command.
    """
    try:
        with redirect_stdout(sys.stderr):
            return deed(*given)
    except AdapterHubError:
        raise
    except (Exception, SystemExit) as error:
        if is_out_of_memory(error):
            raise
        told = f"{word}: {what and f'{what}: '}{type(error).__name__}: {error}{_place(error, word)}"
        raise _theirs(told, hint) from error


@final
@dataclass(frozen=True)
class Theirs:
    """The task of `module:function`, member by member."""

    word: str
    task: Task

    def __getattr__(self, name: str) -> Any:
        """What else it has, such as `limits`."""
        return getattr(object.__getattribute__(self, "task"), name)

    @property
    def peft_type(self) -> str | None:
        return self.task.peft_type

    @property
    def learned(self) -> Mapping[str, Any]:
        return self.task.learned

    @property
    def metric(self) -> str:
        return self.task.metric

    def open(self, folder: Path) -> nn.Module:
        with quiet(), torch.enable_grad():  # whatever it switches off is on again
            model = self._call("open", folder)
        if not isinstance(model, nn.Module):
            self._refuse(f"open gave {_seen(model)}, wanted a torch.nn.Module")
        return model

    def heads(self, model: nn.Module) -> tuple[str, ...]:
        found = self._call("heads", model)
        if not isinstance(found, tuple | list) or not all(isinstance(one, str) for one in found):
            self._refuse(f"heads gave {_seen(found)}, wanted a tuple of paths of modules", "('classifier',) is one")
        return tuple(found)

    def examples(self, table: "Table") -> Sequence[Example]:
        found: Sequence[Example] = self._call("examples", table)
        listed = hasattr(found, "__len__") and hasattr(found, "__getitem__")
        if not listed or hasattr(found, "shape"):  # an array is true or false by what it holds, not by its length
            self._refuse(f"examples gave {_seen(found)}, wanted a list", "list(…) of it")
        return found

    def length(self, example: Example) -> int:
        found: int = self._call("length", example)
        if _number(found) is None:
            self._refuse(f"length gave {_seen(found)}, wanted a number", "1 where all examples are alike")
        return found

    def collate(self, examples: Sequence[Example]) -> Batch:
        return self._call("collate", examples)

    def loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The sum and the count, both scalars; a count that is a plain number becomes a tensor."""
        found = self._call("loss", model, batch)
        if not isinstance(found, tuple | list) or len(found) != 2:
            self._refuse(f"loss gave {_seen(found)}, wanted (sum, count)", "return losses.sum(), len(losses)")
        total, count = found
        if not (isinstance(total, Tensor) and total.is_floating_point()):
            self._refuse(f"loss gave {_seen(total)} as its sum, wanted a tensor of a floating-point number")
        if total.ndim:
            self._refuse(f"loss gave a sum of shape {tuple(total.shape)}, wanted a scalar", "losses.sum() is one")
        if model.training and torch.is_grad_enabled() and not total.requires_grad:
            self._refuse(
                "loss gave a sum that does not hang on what is trained",
                "compute it from what the model answers, without detach(), item() or no_grad()",
            )
        if (number := count if isinstance(count, Tensor) and not count.ndim else _number(count)) is None:
            self._refuse(f"loss gave {_seen(count)} as its count, wanted a number", "over how many things it is a sum")
        return total, torch.as_tensor(number)

    def answers(self, model: nn.Module, batch: Batch) -> Sequence[Any]:
        """Something with a length; `measure.answers` knows how many there must be."""
        found: Sequence[Any] = self._call("answers", model, batch)
        try:
            len(found)
        except TypeError:
            self._refuse(f"answers gave {_seen(found)}, wanted a list with an answer for each example of the batch")
        return found

    def measure(self, answers: Sequence[Any], examples: Sequence[Example]) -> dict[str, float]:
        """The metrics as plain floats; NaN is one."""
        found = self._call("measure", answers, examples)
        if not isinstance(found, Mapping):
            self._refuse(f"measure gave {_seen(found)}, wanted a number for each name", 'return {"accuracy": 0.5}')
        return {self._name(name): self._metric(name, value) for name, value in found.items()}

    def _name(self, name: Any) -> str:
        try:
            return check_word(name, "metric's name")
        except ValueError as error:
            self._refuse(f"measure: {error}", "a short name on one line, such as accuracy")

    def _metric(self, name: str, value: Any) -> float:
        if (number := _number(value)) is None:
            self._refuse(f"measure gave {_seen(value)} as {name}, wanted a number", "float(…) of it, or leave it out")
        return number

    def _call(self, member: str, *given: Any) -> Any:
        return run(self.word, lambda: getattr(self.task, member)(*given), what=member)

    def _refuse(self, what: str, hint: str = CONTRACT) -> NoReturn:
        raise _theirs(f"{self.word}: {what}", hint)


def _theirs(message: str, hint: str) -> WrongUsage:
    told = WrongUsage(message, hint=hint)
    # It may hang on the rows of one process, so that no other tells it; where all of them come upon it, each does.
    told.elsewhere = False
    return told


def _place(error: BaseException, word: str) -> str:
    """The last line of the task's package that an error came through, where it came through one."""
    package = word.partition(":")[0].partition(".")[0]
    lines = [
        f", in {Path(frame.f_code.co_filename).name} line {line}"
        for frame, line in walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package
    ]
    return lines[-1] if lines else ""


def _number(value: Any) -> float | None:
    """A number of Python, numpy or torch as a float; None for what is none."""
    try:
        return None if isinstance(value, str | bytes) else float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None


def _seen(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"{type(value).__name__} {str(value)[:40]!r}" if shape is None else f"{type(value).__name__} {tuple(shape)}"
