"""Every way adapterhub can say no, and the exit code each one has on the command line.

    AdapterHubError        1   a fault of ours
    ├── WrongUsage         2   words or options that make no sense together
    ├── NotFound           3   no such adapter, version, folder or file
    ├── BadReference       4   a name, version, digest or expression that cannot be read
    ├── Corrupt            5   bytes that are not what they claim to be
    ├── DoesNotFit         6   an adapter and a base (or two adapters) that disagree
    ├── Refused            7   possible, but not done: unsafe, read-only or not permitted
    ├── Unreachable        8   the other side did not answer
    └── Conflict           9   somebody else was first, or the name is taken

The numbers are part of the interface. A message says what and where, and what was there against what was wanted; the
hint says what to do next. A library never prints and never exits: only the command line turns these into words and
exit codes.
"""

__all__ = [
    "AdapterHubError",
    "BadReference",
    "Conflict",
    "Corrupt",
    "DoesNotFit",
    "NotFound",
    "Refused",
    "Unreachable",
    "WrongUsage",
]


class AdapterHubError(Exception):
    """The root of the tree; raised itself only where adapterhub is at fault.

    >>> str(NotFound("ada/poet: no such adapter", hint="adapterhub list"))
    'ada/poet: no such adapter'
    """

    code = 1
    elsewhere: bool | None = None
    """Whether another process on this machine tells it: of a run of several, one speaks. None: they have not met."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class WrongUsage(AdapterHubError):
    """Words or options that make no sense together."""

    code = 2


class NotFound(AdapterHubError):
    """No such adapter, version, folder or file."""

    code = 3


class BadReference(AdapterHubError):
    """A name, version, digest or expression that cannot be read."""

    code = 4


class Corrupt(AdapterHubError):
    """Bytes that are not what they claim to be."""

    code = 5


class DoesNotFit(AdapterHubError):
    """An adapter and a base, or two adapters, that disagree."""

    code = 6


class Refused(AdapterHubError):
    """Possible, but not done: unsafe, read-only or not permitted."""

    code = 7


class Unreachable(AdapterHubError):
    """The other side did not answer."""

    code = 8


class Conflict(AdapterHubError):
    """Somebody else was first, or the name is taken."""

    code = 9
