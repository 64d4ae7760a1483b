"""Every path of a store. A folder, a bucket and a static web site use the same tree.

registry.json                                  {"layout": 1}
names/<namespace>/<name>/versions/<version>    digest, time, by, after; written once
names/<namespace>/<name>/removed/<version>     the same file, after `remove`: the label stays taken
names/<namespace>/<name>/aliases/<alias>       one line: a version
names/<namespace>/<name>/notes/<digest>/       notes that count under this name alone; with a file `apart` no others do
bases/<sha256>.json                            base cards
notes/<digest>/<sha256>.json                   notes about an entry
events/<time>-<id>.json                        who did what
repos/<namespace>/<name>/repo.json             private or not, since when, by whom; only where a server keeps a history
repos/<namespace>/<name>/commits/<40 hex>      a list of files and what was said; written once, named by its own digest
repos/<namespace>/<name>/heads/<branch>        one line: a commit; moves by compare-and-set
repos/<namespace>/<name>/tags/<tag>            one line: a commit
repos/<namespace>/<name>/lost/<40 hex>         one line: the commit before one that rotted, or none; written by repairs
blobs/sha256/<ab>/<hex>                        manifests and files alike, mode 0444
incoming/                                      half-written blobs, leases, locks, claims, the sweep's marks
settings.json, runs/, cache/, index.sqlite     this machine only, never pushed
catalog.json                                   for web sites that cannot list a folder
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.digest import Digest
from adapterhub.reference import Name

__all__ = ["APART", "LAYOUT", "Layout"]

LAYOUT = 1
"""The number in registry.json; a registry with another number is refused."""

APART = "apart"
"""The file beside a name's own notes that keeps the store's away."""


@final
@dataclass(frozen=True)
class Layout:
    """The paths below one root; pure arithmetic, nothing is touched."""

    root: Path

    @property
    def marker(self) -> Path:
        return self.root / "registry.json"

    @property
    def names(self) -> Path:
        return self.root / "names"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs/sha256"

    @property
    def events(self) -> Path:
        return self.root / "events"

    @property
    def incoming(self) -> Path:
        return self.root / "incoming"

    @property
    def index(self) -> Path:
        return self.root / "index.sqlite"

    @property
    def catalog(self) -> Path:
        return self.root / "catalog.json"

    def versions(self, name: Name) -> Path:
        return self.root / f"names/{name}/versions"

    def removed(self, name: Name) -> Path:
        return self.root / f"names/{name}/removed"

    def aliases(self, name: Name) -> Path:
        return self.root / f"names/{name}/aliases"

    @property
    def repos(self) -> Path:
        return self.root / "repos"

    def repo(self, name: Name) -> Path:
        """Where the history of one repository lies."""
        return self.root / f"repos/{name}"

    def blob(self, digest: Digest) -> Path:
        return self.root / f"blobs/sha256/{digest.hex[:2]}/{digest.hex}"

    def notes(self, about: Digest, under: Name | None = None) -> Path:
        """Where the notes about an entry lie: the store's own, or those that count under one name alone."""
        return self.root / (f"names/{under}/notes/{about.hex}" if under else f"notes/{about.hex}")

    def base(self, card: Digest) -> Path:
        return self.root / f"bases/{card.hex}.json"

    def facts(self, digest: Digest) -> Path:
        return self.root / f"cache/facts/{digest.hex[:2]}/{digest.hex}.json"

    def values(self, digest: Digest) -> Path:
        """What the values of an entry said."""
        return self.root / f"cache/values/{digest.hex[:2]}/{digest.hex}.json"

    @property
    def runs(self) -> Path:
        """Where trainings keep their state and logs."""
        return self.root / "runs"

    @property
    def cards(self) -> Path:
        """Where cards of bases on this machine are remembered."""
        return self.root / "cache/cards"

    def folder(self, digest: Digest) -> Path:
        """Where `path` gives out an entry's files."""
        return self.root / f"cache/paths/{digest.hex}"
