"""The front door: one method for each thing a user wants. The command line and the server only call it.

    from adapterhub import Hub

    hub = Hub.open()
    hub.add("./run3", "ada/sql", base="./base", metrics={"accuracy": 0.91})
    with hub.stack(model, "ada/sql@1*0.7 + ada/chat*0.3"):
        model(**batch)

Every method answers with a typed document and raises one of `adapterhub.errors`; nothing is printed.
"""

import builtins
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from adapterhub.auditor import Auditor
from adapterhub.composer import Composer
from adapterhub.doorkeeper import Doorkeeper
from adapterhub.reference import home_path
from adapterhub.settings import home
from adapterhub.store.store import Store
from adapterhub.trainer import Trainer
from adapterhub.verbs.desk import Desk, PathLike, as_word, as_words

if TYPE_CHECKING:
    from adapterhub.audit.report import Verdict
    from adapterhub.manifest import Parent
    from adapterhub.registry import Listed
    from adapterhub.store.check import Checked
    from adapterhub.store.events import Event
    from adapterhub.store.summary import Summary
    from adapterhub.store.sweep import Swept
    from adapterhub.transfer.copy import Progress
    from adapterhub.verbs.export import Exported
    from adapterhub.verbs.pull import Pulled
    from adapterhub.verbs.push import Pushed
    from adapterhub.verbs.remotes import RemoteShown
    from adapterhub.verbs.scan import Scanned
    from adapterhub.verbs.shown import Shown

__all__ = ["Hub"]


@final
class Hub(Composer, Auditor, Trainer, Doorkeeper):
    """A store on this machine and everything that can be done with it. Opening one touches nothing."""

    def __init__(self, store: Store, *, offline: bool = False) -> None:
        self.desk = Desk(store, offline)

    @classmethod
    def open(cls, store: PathLike | None = None, *, offline: bool = False) -> "Hub":
        """The hub over a store: the folder given, else `ADAPTERHUB_HOME`, else the platform's data folder."""
        return cls(Store(Path(store) if store is not None else home()), offline=offline)

    def __repr__(self) -> str:
        return f"Hub({str(self.store)!r})"

    @property
    def store(self) -> Path:
        """Where the store lies."""
        return self.desk.store.root

    # Entries: in, looked at, out.

    def add(
        self,
        path: PathLike,
        name: str,
        *,
        base: PathLike | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Iterable[str] = (),
        license: str = "",
        cost: Mapping[str, Any] | None = None,
        training: dict[str, Any] | None = None,
        recipe: dict[str, Any] | None = None,
        parents: Iterable["Parent"] = (),
        convert_pickle: bool = False,
        partial: bool = False,
        misfit: bool = False,
        progress: "Progress | None" = None,
    ) -> "Shown":
        """A folder or file in any known format becomes an entry, or is the one it was already.

        A base in which some of its modules have no place is refused; `partial` and `misfit` (none has) allow it.
        """
        from adapterhub.verbs.add import Request, add

        request = Request(
            base=as_word(base) if base is not None else None,
            metrics=metrics or {},
            tags=tuple(tags),
            license=license,
            cost=cost or {},
            training=training,
            recipe=recipe,
            parents=tuple(parents),
            convert_pickle=convert_pickle,
            partial=partial,
            misfit=misfit,
        )
        return add(self.desk, home_path(path), name, request, progress)

    def scan(self, paths: Iterable[PathLike], progress: Callable[[str], None] = lambda _: None) -> "list[Scanned]":
        """Every adapter below the paths; nothing is copied."""
        from adapterhub.verbs.scan import scan

        return scan(self.desk, [home_path(path) for path in paths], progress)

    def scan_add(self, found: "Iterable[Scanned]", template: str | None = None) -> "Iterable[Scanned]":
        """Add what a scan found, one by one, under names a template makes of the places."""
        from adapterhub.verbs.scan import TEMPLATE, scan_add

        return scan_add(self.desk, found, TEMPLATE if template is None else template)

    def show(self, word: PathLike) -> "Shown":
        """All that is known about an entry, or about a folder."""
        from adapterhub.verbs.look import show

        return show(self.desk, as_word(word))

    def list(self, remote: str | None = None) -> "builtins.list[Summary]":
        """Every version of every adapter, here or in a remote."""
        from adapterhub.verbs.look import list_entries

        return list_entries(self.desk, remote)

    def search(
        self, text: str = "", *, base: str = "", target: str = "", where: str = "", limit: int = 0
    ) -> "builtins.list[dict[str, Any]]":
        """The summaries (as plain data) that answer a question, from the index."""
        from adapterhub.verbs.look import search

        return search(self.desk, text, base=base, target=target, where=where, limit=limit)

    def log(self, word: str | None = None) -> "builtins.list[Event]":
        """What was done, oldest first."""
        from adapterhub.verbs.look import log

        return log(self.desk, word)

    def export(
        self,
        word: PathLike,
        folder: PathLike,
        *,
        normal_form: bool = False,
        base_name: str | None = None,
        format: str | None = None,
    ) -> "Exported":
        """Write an entry's files into a folder: byte for byte, or as PEFT's LoRA with no scale left to misread."""
        from adapterhub.verbs.changed import Change
        from adapterhub.verbs.export import export

        return export(self.desk, as_word(word), Path(folder), Change(normal_form, base_name, format))

    def path(self, word: str) -> Path:
        """A read-only folder with an entry's files, for tools that want a path."""
        from adapterhub.verbs.keep import path

        return path(self.desk, word)

    # House.

    def alias(self, word: str, alias: str, expect: str | None = None) -> "Listed":
        """Let an alias mean a version, if it means `expect` now ("" for nothing)."""
        from adapterhub.verbs import keep

        return keep.alias(self.desk, word, alias, expect)

    def tag(self, word: str, tags: Iterable[str], drop: Iterable[str] = ()) -> "Listed":
        """Tag an entry, or take tags off; its digest stays."""
        from adapterhub.verbs.keep import tag

        return tag(self.desk, word, tags, drop)

    def note(self, word: str, values: dict[str, Any]) -> "Listed":
        """Note numbers and words about an entry; its digest stays."""
        from adapterhub.verbs.keep import note

        return note(self.desk, word, values)

    def pin(self, word: str, base: PathLike) -> "Listed":
        """Note which base an entry was trained on, by content."""
        from adapterhub.verbs.keep import pin

        return pin(self.desk, word, as_word(base))

    def remove(self, word: str, *, everything: bool = False) -> "builtins.list[Listed]":
        """Take a version's name away; the bytes stay until a sweep."""
        from adapterhub.verbs.keep import remove

        return remove(self.desk, word, everything=everything)

    def check(self, *, repair: bool = False, progress: Callable[[int], None] = lambda _: None) -> "Checked":
        """Read every byte of the store and compare it with its digest."""
        from adapterhub.verbs.keep import check_store

        return check_store(self.desk, repair=repair, progress=progress)

    def sweep(self, grace: float | None = None) -> "Swept":
        """Free what nobody has named for `grace` seconds (an hour without it)."""
        from adapterhub.verbs.keep import sweep_store

        return sweep_store(self.desk, grace)

    def catalog(self) -> Path:
        """Write catalog.json, for web sites that cannot list a folder."""
        from adapterhub.verbs.keep import catalog

        return catalog(self.desk)

    # Elsewhere.

    def pull(
        self,
        words: Iterable[str],
        remote: str | None = None,
        *,
        bases: Iterable[PathLike] = (),
        require: "Verdict" = "drifted",
        progress: "Progress | None" = None,
    ) -> "builtins.list[Pulled]":
        """Fetch entries from a remote into this store, if they fit `bases` as well as `require` says.

        `hf:org/name[@revision][#folder]` is a repository of the Hub; a name after it is what it will be called here.
        """
        from adapterhub.verbs.pull import pull

        return pull(self.desk, as_words(words), remote, bases=as_words(bases), require=require, progress=progress)

    def push(
        self,
        words: Iterable[str],
        remote: str | None = None,
        *,
        next_version: bool = False,
        aliases: Iterable[str] = (),
        public: bool = False,
        progress: "Progress | None" = None,
    ) -> "builtins.list[Pushed]":
        """Send entries from this store to a remote; what is new on a Hub is private unless `public`."""
        from adapterhub.verbs.push import push

        words, named = as_words(words), tuple(aliases)
        return push(
            self.desk, words, remote, next_version=next_version, aliases=named, public=public, progress=progress
        )

    def remote_add(self, name: str, url: str) -> "RemoteShown":
        """Remember a remote."""
        from adapterhub.verbs.remotes import remote_add

        return remote_add(self.desk, name, url)

    def remote_list(self) -> "builtins.list[RemoteShown]":
        """The remotes this store knows."""
        from adapterhub.verbs.remotes import remote_list

        return remote_list(self.desk)

    def remote_remove(self, name: str) -> "RemoteShown":
        """Forget a remote; nothing there is touched."""
        from adapterhub.verbs.remotes import remote_remove

        return remote_remove(self.desk, name)

    def remote_test(self, name: str) -> "RemoteShown":
        """Ask a remote whether it is there and readable."""
        from adapterhub.verbs.remotes import remote_test

        return remote_test(self.desk, name)
