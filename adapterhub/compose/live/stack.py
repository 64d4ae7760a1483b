"""Adapters on a live model: attached without touching a weight, weighed, routed, switched and taken off again.

with stack(model, [("ada/sql", sql, 0.7), ("ada/chat", chat, 0.3)]) as live:
    model(**batch)
    live.weights = {"ada/sql": 1.0}        # absolute: what is not named is off
    with live.route([{"ada/sql": 1.0}, {"ada/chat": 0.5}, {}]):        # one mixture for each row of the batch
        model(**batch)
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType, TracebackType
from typing import Self, final

from torch import nn

from adapterhub.compose.live.fit import Fit, fit, refuse
from adapterhub.compose.live.live import Live
from adapterhub.compose.live.mixture import Mixture, checked, known
from adapterhub.compose.live.route import check_route
from adapterhub.compose.live.settle import settle
from adapterhub.compose.live.wrapped import bare
from adapterhub.errors import WrongUsage
from adapterhub.lora.adapter import Adapter

__all__ = ["Part", "Stack", "stack"]

Part = tuple[str, Adapter, float]
Read = Callable[[str], Sequence[Part]]


@final
class Stack:
    """Several adapters on one model. Between `with` and its end they answer; after it the model is as it was.

    A stack that nobody holds any more takes itself off.
    """

    _live: Live | None = None

    def __init__(self, model: nn.Module, choose: str | None, read: Read | None, *, partial: bool = False) -> None:
        self._model, self._choose, self._read, self._partial = bare(model), choose, read, partial
        self._fits: Mapping[str, Fit] = {}
        self._first: dict[str, float] = {}
        self._mixture = Mixture((), ({},))

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of every adapter. Assign a mapping to change them: absolute, what is not named is off."""
        row = self._mixture.rows[0] if not self._mixture.routed else self._before_route
        return MappingProxyType({name: float(row.get(name, 0.0)) for name in self._fits})

    @weights.setter
    def weights(self, weights: Mapping[str, float]) -> None:
        """In place: nothing is attached anew. A refused assignment changes nothing."""
        self._outside_of_routes()
        self._set(settle(self._fits, checked(list(self._fits), [weights], choose=self._choose)))

    @property
    def choose(self) -> str | None:
        """Whose whole tensors and trained tokens are used where adapters that are on do not agree. Can be assigned."""
        return self._choose

    @choose.setter
    def choose(self, name: str | None) -> None:
        self._outside_of_routes()
        self._set(settle(self._fits, checked(list(self._fits), self._mixture.rows, choose=name)))
        self._choose = name

    def only(self, *names: str) -> None:
        """The named adapters at the weights they were stacked with, all others off."""
        known(list(self._fits), names)
        self.weights = {name: self._first[name] for name in names}

    def route(self, rows: Sequence[Mapping[str, float]]) -> AbstractContextManager[Self]:
        """Until its end, one mixture for each row of the batch; what a row does not name is off there.

        Modules that do not see the batch as their first dimension are `Refused`, here or when they are called.
        """
        return self._for_now(self._routed(rows), self._fits)

    def add(self, expression: str, *, choose: str | None = None) -> None:
        """Attach the adapters of an expression too; `choose` is what the stack's becomes."""
        if self._read is None:
            raise WrongUsage(
                "this stack cannot read expressions",
                hint="hub.stack() makes one that can; or use attach(name, adapter)",
            )
        self._admit(self._read(expression), choose)

    def attach(self, name: str, adapter: Adapter, weight: float = 1.0, *, choose: str | None = None) -> None:
        """Attach one more adapter; `choose` is what the stack's becomes."""
        self._admit([(name, adapter, weight)], choose)

    def remove(self, *names: str) -> None:
        """Take adapters off; the others keep their weights."""
        self._outside_of_routes()
        known(list(self._fits), names)
        left = {name: weight for name, weight in self.weights.items() if name not in names}
        fits = {name: self._fits[name] for name in left}
        choose = None if self._choose in names else self._choose
        self._mixture = settle(fits, checked(list(left), [left], choose=choose))
        self._fits, self._first, self._choose = fits, {name: self._first[name] for name in left}, choose
        if self._live is not None:
            self._live.take(names, self._mixture)

    def __enter__(self) -> Self:
        if self._live is not None:
            raise WrongUsage("this stack is attached already", hint="make a second one with stack() to nest them")
        live = Live(self._model)
        live.put(self._fits, self._mixture)
        self._live = live
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_read": None}  # a copy of the model it was on is not tied to a hub

    def __del__(self, finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not finalizing():
            self.close()

    def close(self) -> None:
        """Take everything off, as the end of `with` does; a stack may be entered again."""
        live, self._live = self._live, None
        if live is not None:
            live.take(list(self._fits), self._mixture)

    def _admit(self, parts: Sequence[Part], choose: str | None = None) -> None:
        self._outside_of_routes()
        names = [*self._fits, *(name for name, _, _ in parts)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise WrongUsage(
                f"{', '.join(twice)} stands in this stack more than once",
                hint="name each adapter once, with the sum of its weights",
            )
        for name, adapter, _ in parts:
            if not isinstance(name, str) or not isinstance(adapter, Adapter):
                raise WrongUsage(
                    f"{name!r} comes with a {type(adapter).__name__}, not with an adapter",
                    hint="add(expression) reads adapters; attach(name, adapter) takes one that was read",
                )
        choose = self._choose if choose is None else choose
        mixture = checked(names, [{**self.weights, **{name: weight for name, _, weight in parts}}], choose=choose)
        first = {name: mixture.rows[0][name] for name, _, _ in parts}
        fits = {name: fit(self._model, adapter) for name, adapter, _ in parts}
        refuse(self._model, fits, partial=self._partial)
        every = {**self._fits, **fits}
        mixture = settle(every, mixture)
        if self._live is not None:
            self._live.put(fits, mixture)
        self._fits, self._first, self._choose, self._mixture = every, {**self._first, **first}, choose, mixture

    def _routed(self, rows: Sequence[Mapping[str, float]]) -> Mixture:
        mixture = checked(list(self._fits), rows, routed=True, choose=self._choose)
        check_route(self._model, self._fits, mixture)
        return settle(self._fits, mixture)

    def _set(self, mixture: Mixture) -> None:
        self._mixture = mixture
        if self._live is not None:
            self._live.set(mixture)

    @contextmanager
    def _for_now(self, mixture: Mixture, fits: Mapping[str, Fit]) -> Iterator[Self]:
        if fits is not self._fits or mixture.choose != self._choose:  # adapters came or went since it was made
            mixture = self._routed(mixture.rows)
        before = self._mixture
        if not before.routed:
            self._before_route = before.rows[0]
        self._set(mixture)
        try:
            yield self
        finally:
            self._set(before)

    def _outside_of_routes(self) -> None:
        if self._mixture.routed:
            raise WrongUsage("the rows of this stack are routed", hint="change it after the route's end")


def stack(
    model: nn.Module,
    parts: Sequence[Part],
    *,
    choose: str | None = None,
    partial: bool = False,
    read: Read | None = None,
) -> Stack:
    """The adapters ready to be attached by `with`; everything that does not fit is said now, and nothing is touched.

    Whole tensors (a classification head, an embedding) and trained tokens stand in place of the model's: where several
    adapters that are on have some, `choose` names the one whose are used. With `partial`, what does not fit is left
    out, as long as something of every adapter fits. `read` turns an expression into parts for `Stack.add`.
    """
    made = Stack(model, choose, read, partial=partial)
    made._admit(parts)
    return made
