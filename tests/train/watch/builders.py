"""A run, as its records."""

import math

from adapterhub.train.watch.record import Begun, Ended, Event, Stepped, Validated

__all__ = ["begun", "run", "stepped"]


def begun(of: int, step: int = 0) -> Begun:
    """The beginning of a run of so many steps."""
    return Begun(step=step, of=of, name="ada/poet", examples=320, trainable=79_503, parameters=22_700_000, batch=32)


def stepped(step: int, of: int) -> Stepped:
    """A step whose loss falls, with some noise that is the same every time."""
    loss = 2.7 * math.exp(-3 * step / of) + 0.2 * math.sin(7 * step)
    return Stepped(
        step=step, of=of, epoch=step / 10, loss=loss, lr=1e-3 * (1 - step / of), grad_norm=1, examples=32, seconds=0.25
    )


def run(of: int, every: int = 5) -> list[Event]:
    """A whole run, validated every so many steps; the second validation is the best."""
    events: list[Event] = [begun(of)]
    for step in range(1, of + 1):
        events.append(stepped(step, of))
        if step % every == 0:
            number = step // every
            metrics = {"accuracy": 0.9 - 0.1 * abs(number - 2), "loss": 1 / number}
            events.append(Validated(step=step, metrics=metrics, best=number <= 2, seconds=0.5))
    return [*events, Ended(step=of, best_step=2 * every, metrics={"accuracy": 0.9}, seconds=0.25 * of)]
