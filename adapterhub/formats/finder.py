"""Every adapter below a folder, found by names first and headers where names say nothing. Follows no links."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from adapterhub.errors import NotFound
from adapterhub.formats.members import FolderMembers, Members
from adapterhub.formats.table import FORMATS, reader
from adapterhub.system import naming

__all__ = ["find", "is_adapter_folder", "single_format", "single_of"]

SKIPPED = frozenset(("node_modules", "__pycache__", "site-packages", "venv"))
HEADED = (".safetensors", ".gguf")
MARKS = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "adapter_model.bin",
    "adapters.safetensors",
    "adapters.npz",
    "pytorch_adapter.bin",
    "pytorch_lora_weights.safetensors",
)
NUMBERED = ("adapter_config", "adapter_model")


Failed = Callable[[OSError], None]


def find(path: Path, failed: Failed = lambda _: None) -> Iterator[Path]:
    """Every adapter below a path, in order: folders, and single files that lie among other things.

    A broken adapter is one too: what is wrong with it is for its facts to say. Folders and files that cannot be read
    are skipped, and `failed` is told of each.
    """
    if not path.exists():
        raise NotFound(f"{path}: no such file or folder", hint="check the path")
    if path.is_file():
        if _is_adapter_file(path, failed):
            yield path
        return
    waiting = [path]
    while waiting:
        place = waiting.pop()
        inner, is_adapter = _look_into(place, failed)
        if is_adapter:
            yield place
        waiting += reversed(inner)


def is_adapter_folder(names: set[str]) -> bool:
    """Whether files of these names are an adapter that is a folder.

    >>> is_adapter_folder({"adapter_config.json", "README.md"}), is_adapter_folder({"config.json"})
    (True, False)
    """
    if not names.isdisjoint(MARKS):
        return True
    return any(name.startswith(NUMBERED) and name.split(".")[0].endswith(")") for name in names)


def single_format(path: Path) -> str | None:
    """The format of a file that is an adapter by itself; None if it is none."""
    return single_of(FolderMembers({path.name: path}), path.name)


def single_of(members: Members, name: str) -> str | None:
    """The same for the one file of these members, wherever it lies."""
    if not name.endswith(HEADED):
        return None
    rows = (name for name, row in FORMATS.items() if row.single)
    return next((name for name in rows if reader(name).claims(members)), None)


def _is_adapter_file(path: Path, failed: Failed) -> bool:
    try:
        with naming(path):
            return single_format(path) is not None
    except OSError as error:
        failed(error)
        return False


def _look_into(place: Path, failed: Failed) -> tuple[list[Path], bool]:
    """What to look at below a place, and whether the place itself is an adapter. A file is only named if it is one."""
    try:
        with naming(place), os.scandir(place) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except NotADirectoryError:
        return [], True
    except OSError as error:
        failed(error)
        return [], False
    files = {entry.name for entry in entries if _is_file(entry)}
    whole = is_adapter_folder(files)
    headed = set() if whole else {name for name in files if _may_be_adapter(name)}
    inner = [
        Path(entry.path)
        for entry in entries
        if (entry.name in headed and _is_adapter_file(Path(entry.path), failed))
        or (entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".") and entry.name not in SKIPPED)
    ]
    return inner, whole


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it leads to a file; a link that leads in a circle, or nowhere that may be looked at, does not."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _may_be_adapter(name: str) -> bool:
    """Names of whole models and of optimisers are not worth a look at the header."""
    return name.endswith(HEADED) and not name.startswith(("model.", "model-", "diffusion_pytorch_model", "optimizer"))
