"""The config of a base in canonical form: for information, and for what the audit asks of it."""

import json
from collections.abc import Mapping
from typing import Any

from adapterhub.document import check_data
from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats.json_file import read_text
from adapterhub.formats.members import Members

__all__ = ["CONFIG", "canonical_config", "read_config", "setting"]

CONFIG = "config.json"
VOLATILE = frozenset({"_commit_hash", "_name_or_path", "dtype", "name_or_path", "torch_dtype", "transformers_version"})


def canonical_config(config: Any) -> Any:
    """The config without what changes from save to save: versions, paths, the dtype it is loaded in.

    >>> canonical_config({"model_type": "vit", "dtype": "float32", "text_config": {"_name_or_path": "/x", "n": 1}})
    {'model_type': 'vit', 'text_config': {'n': 1}}
    """
    if isinstance(config, dict):
        return {key: canonical_config(value) for key, value in sorted(config.items()) if key not in VOLATILE}
    return [canonical_config(value) for value in config] if isinstance(config, list) else config


def setting(config: Mapping[str, Any], field: str) -> Any:
    """A field of the part of the config that describes the language model, or of the whole."""
    inner = config.get("text_config")
    return inner[field] if isinstance(inner, Mapping) and field in inner else config.get(field)


def read_config(members: Members) -> dict[str, Any]:
    """What `config.json` says; `NotFound` without one."""
    if CONFIG not in members.names():
        raise NotFound(
            f"no {CONFIG} beside the weights",
            hint="a base is a folder that transformers' save_pretrained() wrote; or give the file of weights itself",
        )
    data = read_text(members, CONFIG)
    try:
        # Infinity stands in real configs and is no JSON; its name is as good for a card that only informs.
        read = json.loads(data.decode("utf-8-sig"), parse_constant=str)
        check_data(read)
        json.dumps(read, ensure_ascii=False).encode()  # a lone surrogate could never be written again
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{CONFIG}: no JSON: {str(error)[:200]}", hint="fetch or save the file again") from None
    if not isinstance(read, dict):
        raise Corrupt(f"{CONFIG}: wanted a JSON object, got {str(read)[:40]!r}", hint="fetch or save the file again")
    return read
