"""Other people's libraries, imported without what those behind them log about compiled parts nobody needs here."""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["hushed", "peft", "quiet", "quietly"]


@contextmanager
def hushed() -> Iterator[None]:
    """Warnings that are logged inside go nowhere."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)


def quietly(name: str) -> Any:
    """A module of that name, hushed while it is imported for the first time."""
    with hushed():
        return importlib.import_module(name)


def peft() -> Any:
    """The library that puts factors beside layers."""
    return quietly("peft")


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no advice from transformers inside."""
    theirs = quietly("transformers.utils.logging")
    bars, level = theirs.is_progress_bar_enabled(), theirs.get_verbosity()
    theirs.disable_progress_bar()
    theirs.set_verbosity_error()
    try:
        with hushed():
            yield
    finally:
        theirs.set_verbosity(level)
        if bars:
            theirs.enable_progress_bar()
