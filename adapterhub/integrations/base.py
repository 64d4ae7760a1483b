"""Which base a live model was loaded from, as adapterhub says it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

__all__ = ["Source", "name_of", "source_at", "source_of", "word_of"]

SNAPSHOT = re.compile(r"models--(?P<repo>[^/\\]+)[/\\]snapshots[/\\](?P<commit>[0-9a-f]{40})")
"""Where the Hub's client keeps a commit of a repository."""


@final
@dataclass(frozen=True)
class Source:
    """Where a model came from: a folder, or a repository of a Hub and its commit."""

    place: str
    commit: str = ""


def source_of(model: Any) -> Source:
    """What transformers remembers of `from_pretrained`; an empty place for a model made by hand."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    config = getattr(inner, "config", None)
    place = str(getattr(config, "_name_or_path", None) or getattr(inner, "name_or_path", None) or "")
    return source_at(place, str(getattr(config, "_commit_hash", None) or ""))


def source_at(place: str, commit: str = "") -> Source:
    """A folder or a repository; of a folder that the Hub's client keeps, the repository behind it.

    >>> source_at("/cache/models--org--tiny/snapshots/" + "0" * 40).place
    'org/tiny'
    """
    if found := SNAPSHOT.search(place):
        return Source(found["repo"].replace("--", "/", 1), found["commit"])
    return Source(place, commit)


def word_of(source: Source) -> str | None:
    """The base as `add --base` reads it; None where nothing is known.

    >>> word_of(Source("org/tiny", "0" * 40))
    'hf:org/tiny@0000000000000000000000000000000000000000'
    """
    if not source.place:
        return None
    if Path(source.place).is_dir():
        return str(Path(source.place).resolve())
    return f"hf:{source.place}@{source.commit}" if source.commit else f"hf:{source.place}"


def name_of(source: Source) -> str:
    """What the base is called in the adapter's config: never by the path of a machine."""
    return Path(source.place).resolve().name if Path(source.place).is_dir() else source.place
