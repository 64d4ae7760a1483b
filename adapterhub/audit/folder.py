"""The audit of two folders, without a store and without torch: a way for other tools to ask."""

from pathlib import Path

from adapterhub.audit.fit import fit
from adapterhub.audit.read import adapter_of
from adapterhub.audit.report import Report
from adapterhub.base.card import card_of
from adapterhub.base.config import CONFIG as MODEL
from adapterhub.errors import NotFound
from adapterhub.formats.members import FolderMembers
from adapterhub.formats.peft_parts import CONFIG, WEIGHTS

__all__ = ["audit_folder", "members_of"]


def audit_folder(adapter: str | Path, base: str | Path) -> Report:
    """Does the adapter in one folder fit the checkpoint in the other? Only headers are read, and no torch is needed.

    Either may be the one file of weights, with its config beside it; a base of one file may lack the config.
    """
    mine, theirs = Path(adapter).expanduser(), Path(base).expanduser()
    members = _file(mine, WEIGHTS, CONFIG) if mine.is_file() else members_of(mine)
    other = _file(theirs, theirs.name, MODEL) if theirs.is_file() else members_of(theirs)
    card = card_of(other, hashes=False, name=theirs.resolve().name, bare=theirs.is_file())
    return fit(adapter_of(members, mine.resolve().name), card)


def members_of(folder: Path) -> FolderMembers:
    """The files that lie in a folder, by name."""
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder", hint="check the path")
    return FolderMembers({path.name: path for path in folder.iterdir() if path.is_file()})


def _file(weights: Path, name: str, config: str) -> FolderMembers:
    """A file of weights as the member of this name, with the config that lies beside it, if one does."""
    beside = weights.with_name(config)
    return FolderMembers({name: weights} | ({config: beside} if beside.is_file() else {}))
