"""Tags and branches: a tag that is a legal label names a version, `alias/…` an alias; names/ knows of both."""

from adapterhub.errors import BadReference, Conflict, NotFound, Refused, WrongUsage
from adapterhub.protocols.hf_hub.answers import RevisionNotFound
from adapterhub.protocols.hf_hub.layout import ALIAS, alias_of, alias_tag, is_version
from adapterhub.reference import Name
from adapterhub.store.history.commit import Commit
from adapterhub.store.history.reader import MAIN
from adapterhub.store.shelf import labels, now
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.hub_gate import gate
from adapterhub.verbs.hub_history import info, lay
from adapterhub.verbs.hub_look import find, has_tag
from adapterhub.verbs.hub_publish import publish

__all__ = ["branch", "drop_branch", "squash", "tag", "untag"]

OTHER = "choose another word"


def tag(desk: Desk, name: Name, tag: str, revision: str, *, expect: str | None = None) -> None:
    """Tag a commit. A legal label on a tree that makes an entry publishes it; `alias/…` points at the commit's version.

    `Conflict` where the tag is there: tags never move. An alias does where `expect` says what it means now, "" for
    nothing: in one step, and of several who expect the same one wins.
    """
    info(desk, name)
    history = desk.store.history
    _insist_short(name, tag)
    if tag in (MAIN, "HEAD"):
        raise Conflict(f"{name}: {tag} is the newest commit to every client, so it cannot be a tag", hint=OTHER)
    with history.lock(name):
        lay(desk, name)
        oid, commit = find(desk, name, revision)
        if expect is None and has_tag(desk, name, tag):
            raise Conflict(f"{name}: the tag {tag!r} is there already", hint="delete it first, or choose another word")
        if tag.startswith(ALIAS):
            alias = _alias(tag)
            desk.store.alias(name.at(_meant(desk, name, revision, oid)), alias, expect or "")
            return
        if expect is not None:
            raise WrongUsage(f"{name}: {tag!r} is no alias, and no other tag moves", hint="leave `expect` out")
        if is_version(tag):
            made, _ = gate(desk, name, commit.files)
            if made is not None:
                publish(desk, name, made, tag)
            elif tag in labels(desk.store.layout.removed(name)):
                raise Conflict(f"{name}: the version {tag} was removed, and its label stays taken", hint=OTHER)
        history.tag(name, tag, oid)


def _insist_short(name: Name, word: str) -> None:
    """`BadReference` for git's own long form of a name, under which nobody would look for it."""
    for begin in ("refs/heads/", "refs/tags/"):
        if word.startswith(begin):
            raise BadReference(
                f"{name}: {word[:100]!r} is git's long form of a name",
                hint=f"name it {word.removeprefix(begin)[:100]!r}, and it is a branch or a tag by where it is sent to",
            )


def _alias(tag: str) -> str:
    """The alias that a tag is; `WrongUsage` for what can be none."""
    alias = alias_of(tag)
    if alias is None:
        raise WrongUsage(f"{tag!r} is no alias", hint="an alias is a word: alias/prod")
    return alias


def _meant(desk: Desk, name: Name, revision: str, oid: str) -> str:
    """The version an alias is to mean: the one that is named, or the newest that a commit is."""
    tags = desk.store.history.tags_of(name)
    versions = desk.store.names.shelf(name).versions
    here = [version.label for version in reversed(versions) if tags.at(version.label) == oid]
    label = revision if revision in here else next(iter(here), None)
    if label is None:
        raise NotFound(
            f"{name}: the commit {oid} is no version, so no alias can mean it", hint="tag it with a version first"
        )
    return label


def untag(desk: Desk, name: Name, tag: str) -> None:
    """Take a tag away, and with it the version or the alias it stands for."""
    info(desk, name)
    history = desk.store.history
    with history.lock(name):
        lay(desk, name)
        if not has_tag(desk, name, tag):
            raise RevisionNotFound(f"{name}: no tag {tag!r}", hint="the repository's refs tell which there are")
        if alias := alias_of(tag):
            desk.store.drop_alias(name, alias)
            return
        if is_version(tag) and desk.store.names.version(name, tag):
            _insist_unmeant(desk, name, tag)
            desk.store.remove(name.at(tag))
        history.untag(name, tag)


def _insist_unmeant(desk: Desk, name: Name, version: str) -> None:
    """`Refused` while an alias means a version; what to do is told in the words of who sends tags."""
    mine = [alias_tag(alias) for alias, label in desk.store.names.aliases(name).items() if label == version]
    if mine:
        raise Refused(
            f"{name.at(version)}: {', '.join(mine)} means this version, so it stays",
            hint=f"first delete the tag {mine[0]}, or let it mean another version",
        )


def branch(desk: Desk, name: Name, branch: str, start: str | None) -> None:
    """A new branch at a revision; `Conflict` where there is one."""
    info(desk, name)
    _insist_short(name, branch)
    if branch == "HEAD":
        raise Conflict(f"{name}: HEAD is the newest commit to every client, so it cannot be a branch", hint=OTHER)
    with desk.store.history.lock(name):
        oid, _ = find(desk, name, start or MAIN)
        if desk.store.history.heads_of(name).has(branch):
            raise Conflict(f"{name}: the branch {branch!r} is there already", hint=OTHER)
        if has_tag(desk, name, branch):
            raise Conflict(f"{name}: {branch!r} is a tag, which a branch of this name would hide", hint=OTHER)
        desk.store.history.point(name, branch, oid, "")


def drop_branch(desk: Desk, name: Name, branch: str) -> None:
    """Forget a branch; its versions stay, since their tags do."""
    info(desk, name)
    if branch == MAIN:
        raise Refused(f"{name}: the branch {MAIN} stays", hint="delete the repository, or commit something else")
    try:
        desk.store.history.drop_branch(name, branch)
    except NotFound as error:
        raise RevisionNotFound(f"{name}: no branch {branch!r}", hint=error.hint) from None


def squash(desk: Desk, name: Name, branch: str, message: str) -> str:
    """Let a branch be one commit with the files it has; its old commits go with the next sweep, but for tagged ones."""
    info(desk, name)
    history = desk.store.history
    with history.lock(name):
        head = history.heads_of(name).get(branch)
        if head is None:
            raise RevisionNotFound(f"{name}: no branch {branch!r}", hint="the repository's refs tell which there are")
        there = history.commit(name, head)
        fields = {"title": message or "squashed", "time": now(there.time), "by": desk.store.user}
        oid = history.put(name, Commit.made(**fields, files=there.files))
        history.point(name, branch, oid, head)
    return oid
