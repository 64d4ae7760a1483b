"""What a process can do to a store, each with the scene it begins in and what must hold when it is done.

A scene is a folder with `store`, `remote` (a registry that is a folder) and `folders` (adapters to add). In the store:
`ada/poet` in two versions with an alias, a tag and a note, and `ada/loose`. In the remote: `ada/poet@1` and `ada/far`.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import final

from adapterhub.errors import NotFound
from adapterhub.hub import Hub
from tests.crash.adapters import write_adapter, write_base

POET1, POET2, LOOSE, FAR = "ada/poet@1", "ada/poet@2", "ada/loose@1", "ada/far@1"


@final
@dataclass(frozen=True)
class Scene:
    """The folders a deed works in."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def remote(self) -> Path:
        return self.root / "remote"

    @property
    def hub(self) -> Hub:
        return Hub.open(self.store)

    def folder(self, name: str) -> Path:
        return self.root / "folders" / name

    def url(self, name: str = "remote") -> str:
        return f"file://{self.root / name}"


@final
@dataclass(frozen=True)
class Deed:
    """`act` on a scene that `prepare` has changed; `done` tells that it did; `where` is the registry it changes.

    `every` is how far apart the steps are at which it is killed: one for the great ways in, more for their variants.
    `gone` names versions that need not be there afterwards, `hurt` those that are damaged until it is done.
    """

    act: Callable[[Scene], object]
    done: Callable[[Scene], object]
    prepare: Callable[[Scene], object] = lambda scene: None
    where: str = "store"
    every: int = 1
    gone: tuple[str, ...] = ()
    hurt: tuple[str, ...] = ()


def set_scene(root: Path) -> Scene:
    """The scene every deed begins in."""
    scene = Scene(root)
    for seed, name in enumerate(("one", "two", "three", "loose", "far")):
        write_adapter(scene.folder(name), seed, rank=1 + seed % 3, card=f"# {name}\n")
    write_base(scene.folder("base"))
    hub = scene.hub
    hub.add(scene.folder("one"), POET1, metrics={"accuracy": 0.5})
    hub.add(scene.folder("two"), POET2, tags=["new"])
    hub.add(scene.folder("loose"), LOOSE)
    hub.alias("ada/poet@1", "prod")
    hub.push(["ada/poet@1"], scene.url())
    other = Hub.open(root / "other")
    other.add(scene.folder("far"), FAR, base=scene.folder("base"), metrics={"accuracy": 0.9})
    other.push([FAR], scene.url())
    hub.search()  # so that there is an index to keep up with
    return scene


def there(hub: Hub, *references: str) -> None:
    """Every reference can be shown."""
    for reference in references:
        hub.show(reference)


def accuracy(hub: Hub, reference: str) -> float | None:
    return hub.show(reference).metrics.get("accuracy")


def holds(truth: bool) -> None:
    assert truth


def loosen(scene: Scene) -> None:
    """Take a name away, so that there is something to sweep."""
    scene.hub.remove(LOOSE)


def blob_of(scene: Scene, reference: str) -> Path:
    """The weights of an entry, as the store keeps them."""
    hub = scene.hub
    (file,) = [f for f in hub.show(reference).manifest.files if f.path.endswith(".safetensors")]
    return scene.store / "blobs" / "sha256" / file.sha256[:2] / file.sha256


def damage(scene: Scene) -> None:
    """Turn a bit of a blob the remote has too."""
    scene.hub.remote_add("origin", scene.url())
    blob = blob_of(scene, POET1)
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(bytes(data))
    blob.chmod(0o444)


def cut_short(scene: Scene) -> None:
    """Leave half of a pulled file in incoming/, as an interrupted pull does."""
    source = Hub.open(scene.remote)
    files = source.show(FAR).manifest.files
    incoming = scene.store / "incoming"
    for file in files:
        data = (scene.remote / "blobs" / "sha256" / file.sha256[:2] / file.sha256).read_bytes()
        (incoming / f"{file.sha256}.part").write_bytes(data[: len(data) // 2])


def remove_once(scene: Scene, reference: str) -> None:
    """Remove; when an earlier try came that far already, it is gone."""
    try:
        scene.hub.remove(reference)
    except NotFound:
        assert reference not in names(scene.hub)


def names(hub: Hub) -> Iterable[str]:
    return [summary.reference for summary in hub.list()]


DEEDS = {
    "add to a fresh store": Deed(
        lambda s: Hub.open(s.root / "fresh").add(s.folder("one"), "ada/first", tags=["t"], metrics={"accuracy": 1.0}),
        lambda s: holds(accuracy(Hub.open(s.root / "fresh"), "ada/first@1") == 1.0),
        where="fresh",
    ),
    "add another version": Deed(
        lambda s: s.hub.add(s.folder("three"), "ada/poet", base=s.folder("base"), tags=["t"], metrics={"accuracy": 1}),
        lambda s: holds(accuracy(s.hub, "ada/poet@3") == 1),
        every=2,
    ),
    "add what is there with a new metric": Deed(
        lambda s: s.hub.add(s.folder("one"), "ada/poet@1", metrics={"accuracy": 0.75}),
        lambda s: holds(accuracy(s.hub, POET1) == 0.75),
    ),
    "add under a second name with a new metric": Deed(
        lambda s: s.hub.add(s.folder("one"), "bob/copy", metrics={"accuracy": 0.75}),
        lambda s: holds(accuracy(s.hub, POET1) == 0.75),
        every=2,
    ),
    "push to a fresh remote": Deed(
        lambda s: s.hub.push(["ada/poet"], s.url("fresh")),
        lambda s: there(Hub.open(s.root / "fresh"), POET2),
        where="fresh",
        every=2,
    ),
    "push another version": Deed(
        lambda s: s.hub.push(["ada/poet"], s.url(), aliases=("best",)),
        lambda s: there(Hub.open(s.remote), POET2, "ada/poet@best"),
        where="remote",
    ),
    "pull": Deed(
        lambda s: s.hub.pull([FAR], s.url()),
        lambda s: holds(accuracy(s.hub, FAR) == 0.9),
    ),
    "pull what was interrupted": Deed(
        lambda s: s.hub.pull([FAR], s.url()),
        lambda s: holds(accuracy(s.hub, FAR) == 0.9),
        prepare=cut_short,
        every=2,
    ),
    "move an alias": Deed(
        lambda s: s.hub.alias(POET2, "prod"),
        lambda s: holds(s.hub.show("ada/poet@prod").reference == POET2),
    ),
    "tag": Deed(
        lambda s: s.hub.tag(POET1, ["fine"], drop=["bad"]),
        lambda s: holds("fine" in s.hub.show(POET1).tags),
    ),
    "pin": Deed(
        lambda s: s.hub.pin(POET1, s.folder("base")),
        lambda s: holds(s.hub.show(POET1).base["evidence"] == "bytes"),
    ),
    "remove": Deed(
        lambda s: remove_once(s, LOOSE),
        lambda s: holds(LOOSE not in names(s.hub)),
        gone=(LOOSE,),
    ),
    "publish again what was removed": Deed(
        lambda s: s.hub.add(s.folder("loose"), LOOSE),
        lambda s: there(s.hub, LOOSE),
        prepare=loosen,
        every=2,
    ),
    "sweep": Deed(
        lambda s: s.hub.sweep(0),
        lambda s: holds(s.hub.check().unreferenced == 0),
        prepare=loosen,
    ),
    "check and repair": Deed(
        lambda s: s.hub.check(repair=True),
        lambda s: holds(s.hub.check().ok),
        prepare=damage,
        hurt=(POET1,),
    ),
    "change the settings": Deed(
        lambda s: s.hub.remote_add("team", s.url("team")),
        lambda s: holds([remote.name for remote in s.hub.remote_list()] == ["team"]),
    ),
    "give out a folder": Deed(
        lambda s: s.hub.path(POET1),
        lambda s: holds((s.hub.path(POET1) / "tokenizer.json").exists()),
    ),
    "write the catalog": Deed(
        lambda s: s.hub.catalog(),
        lambda s: holds((s.store / "catalog.json").exists()),
    ),
}


def age(folder: Path, seconds: float) -> None:
    """Make everything in a folder older than it is, as if so much time had gone by."""
    for path in folder.rglob("*"):
        moment = path.stat().st_mtime - seconds
        os.utime(path, (moment, moment))
