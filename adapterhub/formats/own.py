"""The files that a format takes of a folder."""

from fnmatch import fnmatchcase

from adapterhub.formats import folder as folders
from adapterhub.formats.members import Members
from adapterhub.formats.table import FORMATS

__all__ = ["own"]


def own(name: str, members: Members) -> tuple[str, ...]:
    """The files of a folder that the format takes, and the tokenizer's."""
    names, row = members.names(), FORMATS[name]
    mine = {
        member
        for member in names
        if folders.is_tokenizer(member) or any(fnmatchcase(member, pattern) for pattern in row.takes)
    }
    mine = {member for member in mine if not folders.is_copy(member, mine)}
    if name == "checkpoint":
        from adapterhub.formats import checkpoint

        weights = checkpoint.weight_files(members)
        mine = {member for member in mine if member in weights or ".safetensors" not in member}
    if any(member.endswith((".safetensors", ".npz")) for member in mine):
        mine = {member for member in mine if not folders.is_pickle(member)}
    return tuple(sorted(mine))
