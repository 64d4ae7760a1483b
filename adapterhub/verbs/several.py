"""The words that say what `pull` and `push` move: with a star, one means every entry it matches."""

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.protocols.hf_hub.address import is_address
from adapterhub.protocols.hf_hub.page import is_page
from adapterhub.reference import Reference
from adapterhub.registry import Listed
from adapterhub.verbs.desk import HUB, Desk

__all__ = ["several"]

Lines = Callable[[str | None], Iterable[Listed]]
"""What there is in the remote that a word names, or where it names none."""

PATTERN = re.compile(r"(?:(?P<remote>[^:/@*]+):)?(?P<name>[^:@/][^:@]*)(?:@(?P<pin>[^:@]+))?")


def several(desk: Desk, words: Iterable[str], option: str, lines: Lines) -> list[str]:
    """The words, and for each with a star what it matches: `ada/*` the newest of each adapter, `ada/*@*` every version.

    A star in a pin is compared with versions and aliases. A version that was published later comes later, so that where
    none of them is yet the newest is the newest there too. `WrongUsage` for a word that is a remote's name, whose place
    is behind `option`, and for a star where a place on the Hub is told its name; `NotFound` where nothing matches.
    """
    remotes = {*desk.store.settings.remotes, HUB}
    each = list[str]()
    for word in words:
        if word in remotes:
            raise WrongUsage(f"{word} is a remote, where an entry is wanted", hint=f"write {option} {word}")
        if "*" not in word:
            each.append(word)
        elif each and (is_address(each[-1]) or is_page(each[-1])):
            raise WrongUsage(
                f"{word}: here stands what {each[-1]} will be called", hint="name it before that, or alone"
            )
        else:
            each += [one for one in _matching(word, option, lines) if one not in each]
    return each


def _matching(word: str, option: str, lines: Lines) -> list[str]:
    read = PATTERN.fullmatch(word)
    if read is None or read["remote"] == HUB:
        raise WrongUsage(
            f"{word}: a star stands in a name or a version",
            hint=f"write 'ada/*', 'ada/*@*' or 'team:*/*'; of the Hub, 'ada/*' {option} hf",
        )
    remote, name, pin = read["remote"], read["name"], read["pin"]
    there = sorted(lines(remote), key=lambda line: (str(line.reference.name), line.time))
    found = dict.fromkeys(str(reference) for line in there for reference in _meant(line, name, pin))
    if not found:
        where = f" --remote {remote or 'R'}" if option == "--from" else ""
        raise NotFound(f"{word} matches nothing", hint=f"`adapterhub list{where}` shows what there is")
    return [f"{remote}:{reference}" if remote else reference for reference in found]


def _meant(line: Listed, name: str, pin: str | None) -> Iterator[Reference]:
    """The line's reference where it matches; without its version where no pin is asked for."""
    if not fnmatchcase(str(line.reference.name), name):
        return
    if pin is None:
        yield Reference(line.reference.name)
    elif any(fnmatchcase(label, pin) for label in (str(line.reference.pin), *line.aliases)):
        yield line.reference.here()
