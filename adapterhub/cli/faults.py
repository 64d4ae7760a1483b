"""What a person reads when a command fails, and the exit code a program reads.

An error says what happened (`error:`) and what to do next (`hint:`), on standard error; standard output stays empty.
"""

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import typer

from adapterhub.cli.text import clean
from adapterhub.errors import AdapterHubError, Refused, WrongUsage
from adapterhub.system import from_system

__all__ = ["CLOSED", "INTERRUPTED", "guarded"]

INTERRUPTED = 128 + 2
PAUSE = 5.0
"""Seconds a silent process of several waits: torchrun ends all when the first one leaves, and one has to speak."""
CLOSED = 128 + 13
"""What a shell reports for a program that wrote to a reader that had gone away."""


def guarded(run: Callable[[list[str]], int], words: list[str]) -> int:
    """Run the words and return an exit code, whatever happens; only `--debug` shows a traceback."""
    try:
        return run(words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return CLOSED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else 1
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        # Where standard error is closed too, nobody is left to be told.
        with contextlib.suppress(OSError):
            return _tell(error)
        return 1


def _tell(error: Exception) -> int:
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, OSError):
        error = from_system(error)
    if isinstance(error, ImportError) and (absent := (error.name or "").partition(".")[0]) not in ("", "adapterhub"):
        error = Refused(f"this needs {absent}, which cannot be imported: {error}", hint=f"pip install {absent}")
    if isinstance(error, AdapterHubError):
        if _told_elsewhere(error):
            time.sleep(PAUSE)
            return error.code
        _say(str(error), error.hint)
        _report(f"{error}\n{error.hint}")
        return error.code
    _say(
        f"a fault of adapterhub: {type(error).__name__}: {error}",
        "run it again with --debug for the traceback, and report it",
    )
    return 1


def _told_elsewhere(error: AdapterHubError) -> bool:
    """Whether another process says it; what is wrong with their words is the same for all of a machine."""
    if error.elsewhere is not None:
        return error.elsewhere
    return isinstance(error, WrongUsage) and os.environ.get("LOCAL_RANK", "0") != "0"


def _report(text: str) -> None:
    """Where torchrun looks for what its process died of, to show it below the traceback of its own."""
    if path := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        told = {"message": text, "extraInfo": {"py_callstack": text, "timestamp": str(int(time.time()))}}
        with contextlib.suppress(OSError):
            Path(path).write_text(json.dumps({"message": told}), "utf-8")


def _usage(error: typer.TyperException) -> int:
    ctx = getattr(error, "ctx", None)
    if ctx is not None:
        print(ctx.get_usage(), file=sys.stderr)
    _say(error.format_message().replace("Value error, ", ""), f"{ctx.command_path if ctx else 'adapterhub'} --help")
    return error.exit_code


def _say(message: str, hint: str) -> None:
    print(f"error: {clean(message)}", file=sys.stderr)
    if hint:
        print(f"hint: {clean(hint)}", file=sys.stderr)
