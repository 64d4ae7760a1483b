"""What was measured stays on disk, so that a benchmark that was killed goes on."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from adapterhub.durable import make_folder, replace

__all__ = ["remembered"]


def remembered(path: Path, asked: Mapping[str, Any], deed: Callable[[], Any]) -> Any:
    """What a file says of what was asked; else what the deed gives, and the file says it from now on."""
    known = json.loads(path.read_bytes()) if path.exists() else {}
    wanted = json.loads(json.dumps(dict(asked)))
    if known.get("asked") == wanted:
        return known["found"]
    found = json.loads(json.dumps(deed()))
    make_folder(path.parent)
    replace(path, json.dumps({"asked": wanted, "found": found}, indent=1).encode() + b"\n")
    return found
