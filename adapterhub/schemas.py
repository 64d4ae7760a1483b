"""JSON Schemas of the documents that adapterhub reads and writes, exported from the pydantic models.

A new document is one line in the table. `make schemas` writes `schemas/`; a test fails when a file there is stale.
"""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from adapterhub.document import Document
from adapterhub.durable import replace
from adapterhub.errors import NotFound

__all__ = ["DOCUMENTS", "every", "schema", "text", "write"]

DOCUMENTS = {
    "manifest": "manifest:Manifest",
    "facts": "facts:Facts",
    "note": "note:Note",
    "settings": "settings:Settings",
    "catalog": "store.catalog:Catalog",
    "event": "store.events:Event",
    "base-card": "base.card:Card",
    "audit-report": "audit.report:Report",
    "comparison": "audit.comparison:Comparison",
    "recipe": "compose.recipe:Recipe",
    "train-config": "train.config:TrainConfig",
    "train-plan": "train.resources.plan:TrainPlan",
    "search-report": "train.watch.ladder:SearchReport",
    "check-report": "store.check:Checked",
}
"""Name -> module and class. Modules are imported when they are asked for."""


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one document.

    >>> schema("manifest")["properties"]["kind"]["enum"]
    ['adapter', 'model', 'data']
    """
    if name not in DOCUMENTS:
        raise NotFound(f"{name}: no such document", hint=f"there are {', '.join(DOCUMENTS)}")
    module, _, word = DOCUMENTS[name].partition(":")
    document = getattr(import_module(f"adapterhub.{module}"), word)
    assert issubclass(document, Document)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document.model_json_schema()}


def every() -> dict[str, dict[str, Any]]:
    """All schemas, by name."""
    return {name: schema(name) for name in DOCUMENTS}


def text(name: str) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def write(folder: Path, name: str | None = None) -> list[Path]:
    """Write all schemas, or one, into a folder; returns the files."""
    names = [name] if name else list(DOCUMENTS)
    texts = {folder / f"{word}.schema.json": text(word) for word in names}
    for path, content in texts.items():
        replace(path, content.encode())
    return list(texts)
