"""What is true of a registry at every moment and after every crash.

Judged twice: by reading the tree as the design draws it, with nothing of the package, and by opening it as any process
would. A name points at a whole manifest, a manifest at whole files; bytes have the digest they lie under; a published
version never changes; nothing is half there; the index says what the files say.
"""

import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from adapterhub.hub import Hub
from adapterhub.store.leases import TTL
from tests.crash.deeds import age

Whole = dict[str, str]
"""Reference -> digest of its manifest, every byte behind it read and right."""

Lines = dict[str, dict[str, Any]]
"""Reference -> its line in `list`."""

UNFINISHED = (".part", ".tmp", ".ready", ".lease")


def read(root: Path, hurt: Collection[str] = ()) -> Whole:
    """Every version of a registry, read with nothing but the design in hand; any damage is an AssertionError.

    Versions that are `hurt` are damaged already and left out.
    """
    whole = {}
    for path in sorted(root.glob("names/*/*/versions/*")):
        reference = f"{path.parents[2].name}/{path.parents[1].name}@{path.name}"
        if not path.name.startswith(".") and reference not in hurt:
            whole[reference] = json.loads(path.read_bytes())["digest"]
            manifest = json.loads(blob(root, whole[reference].removeprefix("sha256:"), reference))
            for file in manifest["files"]:
                assert len(blob(root, file["sha256"], f"{reference} {file['path']}")) == file["size"]
    return whole


def blob(root: Path, digest: str, what: str) -> bytes:
    """The bytes of a blob, which must be there, right and read-only."""
    path = root / "blobs" / "sha256" / digest[:2] / digest
    assert path.exists(), f"{what}: {path} is missing"
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest, f"{what}: {path} has other bytes"
    assert not path.stat().st_mode & 0o222, f"{what}: {path} can be written"
    return data


def told(root: Path) -> set[str]:
    """The references that events tell were published."""
    events = [json.loads(path.read_bytes()) for path in root.glob("events/*.json") if path.name[0] != "."]
    return {event["reference"] for event in events if event["action"] == "publish"}


def holds(root: Path, before: Whole, gone: Collection[str] = (), hurt: Collection[str] = ()) -> None:
    """Check a registry as it lies there; what was published `before` must be there still, but for what is `gone`."""
    now = read(root, hurt)
    for reference, digest in before.items():
        assert now.get(reference) == digest or (reference in gone and reference not in now), f"{reference} was lost"
    assert now.keys() <= told(root), "a version no event tells of, so an index would never see it"
    for path in root.glob("names/*/*/aliases/*"):
        if not path.name.startswith("."):
            assert (path.parents[1] / "versions" / path.read_text().strip()).exists(), f"{path} means nothing"


def opens(root: Path) -> Lines:
    """Check a registry as a process sees it that opens it now: intact, and listed without a flaw."""
    if not (root / "registry.json").exists():
        assert read(root) == {}
        return {}
    hub = Hub.open(root)
    checked = hub.check()
    assert checked.ok, checked.damage
    lines = {summary.reference: summary.model_dump(mode="json") for summary in hub.list()}
    assert {reference: line["digest"] for reference, line in lines.items()} == read(root)
    for reference, line in lines.items():
        assert line["facts"]["format"] == "peft", f"{reference}: {line['facts']}"
    return lines


def is_tidy(root: Path) -> None:
    """Check that a sweep, when all leases are over, leaves nothing behind; and that search finds what is there."""
    age(root, 2 * TTL)
    hub = Hub.open(root)
    hub.sweep(0)
    left = [str(path.relative_to(root)) for path in root.rglob("*") if path.suffix in UNFINISHED]
    assert not left, left
    for folder in root.glob("notes/*"):
        assert list(root.glob(f"blobs/sha256/*/{folder.name}")), f"{folder}: notes about what is not there"
    lines = opens(root)
    assert hub.check().unreferenced == 0
    assert {line["reference"]: line for line in hub.search()} == lines
