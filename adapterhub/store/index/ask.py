"""A question to the index, which is made again where it is damaged."""

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError

from adapterhub.store.index.file import forget
from adapterhub.store.index.sync import open_index, rebuild

if TYPE_CHECKING:
    from adapterhub.store.store import Store

__all__ = ["answered"]

T = TypeVar("T")


def answered(store: "Store", ask: Callable[[Engine], T]) -> T:
    """What a question gives; it is asked again of an index made anew, on disk or, where that cannot be, in memory."""
    with contextlib.suppress(DatabaseError):
        return ask(open_index(store))
    with contextlib.suppress(DatabaseError, OSError):  # its stamp is right, its tables are not
        forget(store.layout)
        return ask(open_index(store))
    return ask(rebuild(store, None))
