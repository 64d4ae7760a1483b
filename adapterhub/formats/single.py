"""Formats whose adapter is one safetensors file under any name."""

from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats import safetensors_header
from adapterhub.formats.header import Header
from adapterhub.formats.members import Members

__all__ = ["header_of", "peek", "the_file"]

SUFFIX = ".safetensors"


def the_file(members: Members) -> str | None:
    """The only safetensors file among the members; None if there is none or more than one."""
    files = [name for name in members.names() if name.endswith(SUFFIX)]
    return files[0] if len(files) == 1 else None


def header_of(members: Members, name: str | None = None) -> tuple[str, Header]:
    """The name and the header of the file; `NotFound` if it cannot be told which one, `Corrupt` if it lies."""
    name = name or the_file(members)
    if name is None or name not in members.names():
        raise NotFound(
            f"wanted one {name or SUFFIX} file, got {', '.join(members.names()[:8]) or 'none'}",
            hint="name the file itself",
        )
    with members.open(name) as stream:
        return name, safetensors_header.read(stream, members.size(name), name)


def peek(members: Members, name: str | None = None) -> Header | None:
    """The header of the file; None where `header_of` raises."""
    try:
        return header_of(members, name)[1]
    except (NotFound, Corrupt):
        return None
