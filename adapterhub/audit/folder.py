"""The audit of two folders, without a store and without torch: a way for other tools to ask."""

from pathlib import Path

from adapterhub.audit.fit import fit
from adapterhub.audit.read import adapter_of
from adapterhub.audit.report import Report
from adapterhub.base.card import card_of
from adapterhub.errors import NotFound
from adapterhub.formats.members import FolderMembers

__all__ = ["audit_folder", "members_of"]


def audit_folder(adapter: Path, base: Path) -> Report:
    """Does the adapter in one folder fit the checkpoint in the other? Only headers are read."""
    card = card_of(members_of(base), hashes=False, name=base.name, source=None)
    return fit(adapter_of(members_of(adapter), adapter.name), card)


def members_of(folder: Path) -> FolderMembers:
    """The files that lie in a folder, by name."""
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder", hint="check the path")
    return FolderMembers({path.name: path for path in folder.iterdir() if path.is_file()})
