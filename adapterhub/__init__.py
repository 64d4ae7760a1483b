"""Registry, composer and auditor for LoRA adapters; a trainer is to come.

>>> from adapterhub import Hub

Every public name is read from its own module when it is first asked for, so `import adapterhub` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapterhub.audit.folder import audit_folder
    from adapterhub.audit.report import Report
    from adapterhub.digest import Digest
    from adapterhub.entry import Entry
    from adapterhub.errors import (
        AdapterHubError,
        BadReference,
        Conflict,
        Corrupt,
        DoesNotFit,
        NotFound,
        Refused,
        Unreachable,
        WrongUsage,
    )
    from adapterhub.facts import Facts
    from adapterhub.finding import Finding
    from adapterhub.hub import Hub
    from adapterhub.lora.delta import Delta
    from adapterhub.manifest import Manifest
    from adapterhub.note import Note
    from adapterhub.reference import Reference
    from adapterhub.registry import Registry

__all__ = [
    "AdapterHubError",
    "BadReference",
    "Conflict",
    "Corrupt",
    "Delta",
    "Digest",
    "DoesNotFit",
    "Entry",
    "Facts",
    "Finding",
    "Hub",
    "Manifest",
    "NotFound",
    "Note",
    "Reference",
    "Refused",
    "Registry",
    "Report",
    "Unreachable",
    "WrongUsage",
    "audit_folder",
]

HOME = {
    "Hub": "hub",
    "Reference": "reference",
    "Digest": "digest",
    "Entry": "entry",
    "Manifest": "manifest",
    "Facts": "facts",
    "Finding": "finding",
    "Note": "note",
    "Registry": "registry",
    "Delta": "lora.delta",
    "Report": "audit.report",
    "audit_folder": "audit.folder",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("adapterhub")
    if name not in __all__:
        raise AttributeError(f"adapterhub has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(f"adapterhub.{HOME.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return __all__
