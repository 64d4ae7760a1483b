"""What the programs are told in their tests: a run that is cut after step 6 and goes on from step 4."""

import time

from adapterhub.train.watch.plugs.table import plugs
from adapterhub.train.watch.record import Ended, Stepped
from tests.train.watch.builders import begun, run, stepped

__all__ = ["CONFIG", "TOLD", "told", "told_and_cut"]

CONFIG = {"seed": 0, "optim": {"lr": 0.001, "clip": None, "betas": (0.9, 0.999)}, "adapter": {"targets": "all-linear"}}

TOLD = {event.step: event.loss for event in run(8, every=4) if isinstance(event, Stepped)}
"""{step: loss} of the whole run."""


def _tell(plug, events):
    for event in events:
        {"begun": plug.begin, "stepped": plug.step, "validated": plug.validated, "ended": plug.end}[event.event](event)


def told(name, folder, reason="finished"):
    """A run from its beginning to its end."""
    (plug,) = plugs([name], folder, CONFIG)
    _tell(
        plug, [*run(8, every=4)[:-1], Ended(step=8, reason=reason, best_step=8, metrics={"accuracy": 0.9}, seconds=2)]
    )
    assert plug.findings == ()


def told_and_cut(name, folder, apart=0.0):
    """The same run, cut and gone on with after so many seconds."""
    (cut,) = plugs([name], folder, CONFIG)
    _tell(cut, run(8, every=4)[:8])
    cut.end(Ended(step=6, reason="interrupted"))
    time.sleep(apart)
    (plug,) = plugs([name], folder, CONFIG)
    _tell(plug, [begun(8, step=4), *(stepped(step, 8) for step in range(5, 9)), *run(8, every=4)[-2:]])
    assert cut.findings == plug.findings == ()
