"""What a method is asked for: a model, what shall be trained of it, and all it may need for that."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from torch import nn

    from adapterhub.train.config import AdapterConfig
    from adapterhub.train.task import Batch

__all__ = ["Forward", "Request"]

Forward = Callable[["nn.Module", "Batch"], Any]
"""How a batch goes through a model; what comes out is not looked at."""


@final
@dataclass(frozen=True)
class Request:
    """A model whose parameters are as they were loaded. A method changes the model in place."""

    model: "nn.Module"
    adapter: "AdapterConfig"
    heads: tuple[str, ...]
    """Modules that are trained and saved whole, by path."""
    seed: int = 0
    peft_type: str | None = None
    """PEFT's word for the task, which stands in the config."""
    lora_plus: float | None = None
    """The rate of B divided by that of A."""
    steps: int | None = None
    """How many steps there will be at most."""
    batches: "Iterable[Batch] | None" = None
    """What the model will see, a few batches."""
    forward: Forward | None = None

    @property
    def alpha(self) -> float:
        """What stands in the config, or twice the rank."""
        return self.adapter.alpha or 2.0 * self.adapter.rank
