"""The log of a run, log.jsonl: one record a line, in order. It survives being killed at any moment.

A line is written whole and at once, so a kill loses at most the line being written. A run that goes on after step k
drops what stands there of later steps, since it makes them again; so no step is ever in a log twice.
"""

import json
from pathlib import Path
from typing import Any, final

from pydantic import ValidationError

from adapterhub.durable import make_folder, replace
from adapterhub.errors import Corrupt
from adapterhub.system import naming
from adapterhub.train.watch.record import Begun, Ended, Event, Stepped, Validated

__all__ = ["Log", "read"]

KINDS: dict[str, type[Event]] = {"begun": Begun, "stepped": Stepped, "validated": Validated, "ended": Ended}


@final
class Log:
    """A watcher that writes. What stands there stays as it is until a run begins: by then its state was accepted."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self.path = path

    def begin(self, event: Begun) -> None:
        """Go on after the step of the event; after 0 the log is begun anew."""
        _drop(self.path, event.step)
        self._write(event)

    def step(self, event: Stepped) -> None:
        self._write(event)

    def validated(self, event: Validated) -> None:
        self._write(event)

    def end(self, event: Ended) -> None:
        self._write(event)

    def _write(self, event: Event) -> None:
        # Opened for each line: a run of days holds no file open, and a folder moved away is noticed.
        with naming(self.path), open(self.path, "ab") as stream:
            stream.write(event.to_bytes() + b"\n")


def read(path: Path) -> tuple[Event, ...]:
    """All records of a log; a last line without its end is left out, as somebody may be writing it."""
    with naming(path):
        lines = path.read_bytes().split(b"\n")[:-1]
    return tuple(_event(line, f"{path}, line {number}") for number, line in enumerate(lines, 1))


def _drop(path: Path, step: int) -> None:
    """Leave the whole lines up to a step, in one move; nothing is written where all may stay."""
    old = path.read_bytes() if path.is_file() else b""
    new = b"".join(line for line in old.splitlines(keepends=True) if _stays(line, step)) if step else b""
    if new != old:
        replace(path, new)


def _stays(line: bytes, step: int) -> bool:
    try:
        return line.endswith(b"\n") and _event(line, "").step <= step
    except Corrupt:
        return False


def _event(line: bytes, what: str) -> Event:
    try:
        data: Any = json.loads(line)
        return KINDS[data["event"]].model_validate(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise Corrupt(
            f"{what}: no record of a run: {said}, got {line[:80]!r}",
            hint="delete the line; the run itself does not read its log",
        ) from None
