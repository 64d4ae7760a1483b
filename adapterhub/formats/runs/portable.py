"""A config of somebody's machine as plain data that may travel: without secrets, without paths, in one order."""

import math
import re
from datetime import date
from enum import Enum
from pathlib import PurePath
from typing import Any

__all__ = ["LARGEST", "portable"]

LARGEST = 10_000
"""Values in a config. YAML's aliases can spell billions in a few lines."""

SECRET_NAME = re.compile(
    r"^token$|^wandb_key$|(?:^|_)(?:(?:hub|hf|auth|access|api|bot)_?token|api_?key|secret|password|passwd|credentials?)"
    r"(?:_|$)",
    re.IGNORECASE,
)
"""`hub_token` and `wandb_api_key`; not `pad_token`, and not `num_tokens`."""

SECRET = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{20,}|sk-[\w-]{20,}|gh[po]_[A-Za-z0-9]{20,}|AKIA[A-Z0-9]{16})|(?<=://)[^/@\s]+@"
)
PATH = re.compile(r"""(?<![^\s,;='"])(?:(?:file:/|\.\.|~|[A-Za-z]:)?/|(?:\.\.|~|[A-Za-z]:)\\|\\\\(?=\w))[^\s,;'"]*""")
"""Absolute, from home, from above, on a drive, on a server. A single backslash begins a regular expression."""


def portable(data: Any) -> Any:
    """The same as plain data with sorted keys: secrets gone, of a path the last word, of odd numbers None.

    `ValueError` for more than `LARGEST` values.

    >>> portable({"hub_token": "hf_x", "data": ["/mnt/ada/sql.jsonl", "org/sql"], "lr": 2e-4})
    {'data': ['sql.jsonl', 'org/sql'], 'lr': 0.0002}
    """
    return _plain(data, [LARGEST])


def _plain(value: Any, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"more than {LARGEST} values")
    if isinstance(value, dict):
        named = {str(key): item for key, item in value.items() if not SECRET_NAME.search(str(key))}
        return {key: _plain(named[key], left) for key in sorted(named)}
    if isinstance(value, list | tuple):
        return [_plain(item, left) for item in value]
    if isinstance(value, set | frozenset):
        return [_plain(item, left) for item in sorted(value, key=str)]
    return _plain(value.value, left) if isinstance(value, Enum) else _scalar(value)


def _scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) < 1e300 and math.isfinite(value) else None
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, PurePath):
        return value.name
    return value.isoformat() if isinstance(value, date) else type(value).__name__


def _text(text: str) -> str:
    text = SECRET.sub("", text).encode("utf-8", "replace").decode()
    # A text of several lines is a prompt or a template; its slashes are its own.
    return text if "\n" in text else PATH.sub(_last_word, text)


def _last_word(path: re.Match[str]) -> str:
    words = [word for word in re.split(r"[/\\]+", path[0].removeprefix("file:")) if word]
    alone = len(words) < 2 and path[0][0] in "/\\"  # "/think" is as likely a word of a prompt, and tells nothing
    return path[0] if alone or not words else words[-1]
