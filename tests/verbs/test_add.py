"""`add`: a folder becomes an entry, once; and what is refused leaves the store as it was."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adapterhub.errors import AdapterHubError, BadReference, Conflict, Corrupt, NotFound, Refused, WrongUsage
from adapterhub.hub import Hub
from adapterhub.manifest import Parent
from tests.builders import adapter_files, entry, read_all, tiny_adapter, tiny_base, tree, write_files


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_adapter(tmp_path / "run")


def test_a_folder_becomes_an_entry_with_its_very_bytes(hub: Hub, folder: Path) -> None:
    shown = hub.add(folder, "ada/poet")
    assert (shown.reference, shown.digest) == ("ada/poet@1", str(entry().digest))
    assert (shown.facts.rank, shown.facts.alpha, shown.facts.targets) == (2, 4.0, ("q_proj", "v_proj"))
    assert read_all(hub.desk.store.open(entry().digest)) == adapter_files()


def test_adding_twice_changes_nothing(hub: Hub, folder: Path) -> None:
    write_files(folder, {"README.md": b"# Poet", "trainer_state.json": b'{"epoch":1}'})
    said: dict[str, Any] = {"metrics": {"accuracy": 0.5}, "tags": ["calm"], "license": "MIT", "cost": {"seconds": 5}}
    first = hub.add(folder, "ada/poet", **said)
    before = tree(hub.store)
    assert hub.add(folder, "ada/poet", **said) == first
    assert hub.add(folder, "ada/poet") == first
    assert tree(hub.store) == before


def test_where_the_folder_lies_and_what_is_said_of_it_change_no_digest(hub: Hub, tmp_path: Path) -> None:
    first = hub.add(tiny_adapter(tmp_path / "a"), "ada/poet", metrics={"accuracy": 0.5})
    second = hub.add(tiny_adapter(tmp_path / "b"), "bob/ode@7", tags=["x"], license="MIT")
    assert first.digest == second.digest
    assert (second.metrics, second.tags, second.license) == ({"accuracy": 0.5}, ("x",), "MIT")


def test_other_bytes_are_the_next_version(hub: Hub, tmp_path: Path) -> None:
    pins = [hub.add(tiny_adapter(tmp_path / str(s), seed=s), "ada/poet").reference for s in range(3)]
    assert pins == ["ada/poet@1", "ada/poet@2", "ada/poet@3"]


def test_recipe_parents_and_training_count_as_identity(hub: Hub, folder: Path) -> None:
    plain = hub.add(folder, "ada/poet")
    parent = Parent(digest=plain.digest, weight=0.5)
    child = hub.add(
        folder, "ada/child", parents=[parent], recipe={"method": "sum"}, training={"seed": 1, "warmup": None}
    )
    assert child.digest != plain.digest
    assert child.manifest.plain()["training"] == {"seed": 1, "warmup": None}
    assert hub.show("ada/child").manifest.parents == (parent,)


def test_what_stays_behind_is_said_and_cards_and_logs_become_notes(hub: Hub, folder: Path) -> None:
    files = {"optimizer.pt": b"x", "README.md": "# Gedicht\r\nfür dich".encode(), "trainer_state.json": b'{"epoch":1}'}
    write_files(folder, {**files, "checkpoint-5/optimizer.pt": b"x"})
    shown = hub.add(folder, "ada/poet")
    assert {item.path: item.reason for item in shown.left_out} == {
        "checkpoint-5/": "an earlier checkpoint of the training",
        "optimizer.pt": "state of an optimiser",
    }
    assert [file.path for file in shown.manifest.files] == ["adapter_config.json", "adapter_model.safetensors"]
    assert shown.card.startswith("# Gedicht")
    kinds = {note.kind: note.data for note in hub.desk.store.open(entry().digest).notes}
    assert kinds["log"] == {"trainer_state.json": {"epoch": 1}}


def test_a_base_is_pinned_by_content_and_its_card_is_kept(hub: Hub, folder: Path, tmp_path: Path) -> None:
    shown = hub.add(folder, "ada/poet", base=tiny_base(tmp_path / "base"))
    pin = shown.manifest.base
    assert pin is not None
    assert (pin.evidence, pin.source) == ("bytes", None)
    assert pin.weights_digest == hub.base_list()[0].weights_digest
    assert hub.base_list()[0].name == "base"
    assert [f.name for f in (hub.store / "bases").iterdir()] == [f"{str(pin.card).removeprefix('sha256:')}.json"]


def lfs(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")


def outside(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()
    (folder.parent / "elsewhere").write_bytes(adapter_files()["adapter_model.safetensors"])
    (folder / "adapter_model.safetensors").symlink_to(folder.parent / "elsewhere")


def rank_zero(folder: Path) -> None:
    config = json.loads((folder / "adapter_config.json").read_bytes())
    (folder / "adapter_config.json").write_text(json.dumps({**config, "r": 0}))


BAD: dict[str, tuple[type[AdapterHubError], Callable[[Path], object], dict[str, Any]]] = {
    "no folder": (NotFound, lambda folder: folder.rename(folder.parent / "away"), {}),
    "no weights": (NotFound, lambda folder: (folder / "adapter_model.safetensors").unlink(), {}),
    "a pointer to weights": (Corrupt, lfs, {}),
    "weights cut short": (Corrupt, lambda f: (f / "adapter_model.safetensors").write_bytes(b"\xff" * 9), {}),
    "a config that is no JSON": (Corrupt, lambda folder: (folder / "adapter_config.json").write_bytes(b"{"), {}),
    "a rank of nothing": (Corrupt, rank_zero, {}),
    "weights that lie elsewhere": (Refused, outside, {}),
    "a pickle": (Refused, lambda f: (f / "adapter_model.safetensors").rename(f / "adapter_model.bin"), {}),
    "a metric that is no number": (WrongUsage, lambda _: None, {"metrics": {"accuracy": float("nan")}}),
    "a metric without end": (WrongUsage, lambda _: None, {"metrics": {"accuracy": 10**400}}),
    "a tag that cannot be read": (WrongUsage, lambda _: None, {"tags": ["a\nb"]}),
    "a name that is none": (BadReference, lambda _: None, {"name": "poet"}),
    "a name in a remote": (BadReference, lambda _: None, {"name": "team:ada/poet"}),
    "a folder for a name": (WrongUsage, lambda _: None, {"name": "./poet"}),
    "a digest for a version": (BadReference, lambda _: None, {"name": "ada/poet@sha256:01234567"}),
    "a version that is taken": (Conflict, lambda _: None, {"name": "ada/old@1"}),
    "a version that is an alias": (Conflict, lambda _: None, {"name": "ada/old@prod"}),
    "a version that was removed": (Conflict, lambda _: None, {"name": "ada/gone@1"}),
    "a base that is not there": (NotFound, lambda _: None, {"base": "./nowhere"}),
    "a base that is no model": (AdapterHubError, lambda _: None, {"base": "ada/old"}),
    "a recipe that is no JSON": (Corrupt, lambda _: None, {"recipe": {"weight": float("inf")}}),
    "a base, and a version that is taken": (Conflict, lambda _: None, {"name": "ada/old@1", "base": True}),
}


@pytest.mark.parametrize("what", BAD)
def test_a_refused_add_leaves_the_store_exactly_as_it_was(hub: Hub, folder: Path, tmp_path: Path, what: str) -> None:
    error, spoil, given = BAD[what]
    other = tiny_adapter(tmp_path / "other", seed=9)
    for name in ("ada/old", "ada/gone"):
        hub.add(other, name)
    hub.alias("ada/old", "prod")
    hub.remove("ada/gone")
    if given.get("base") is True:
        given = {**given, "base": tiny_base(tmp_path / "base")}
    spoil(folder)
    before = tree(hub.store)
    with pytest.raises(error) as refusal:
        hub.add(folder, **{"name": "ada/poet", **given})
    assert str(refusal.value)
    assert tree(hub.store) == before


@pytest.mark.parametrize("what", ["no weights", "a metric that is no number", "a name that is none", "a pickle"])
def test_a_refused_add_makes_no_store(hub: Hub, folder: Path, what: str) -> None:
    error, spoil, given = BAD[what]
    spoil(folder)
    with pytest.raises(error):
        hub.add(folder, **{"name": "ada/poet", **given})
    assert not hub.store.exists()


def test_a_folder_that_changes_while_it_is_read_is_a_conflict(hub: Hub, folder: Path) -> None:
    hub.add(tiny_adapter(folder.parent / "other", seed=9), "ada/old")
    before = tree(hub.store)

    class Meddler:
        def begin(self, what: str, size: int) -> Callable[[int], None]:
            with (folder / what).open("ab") as stream:
                stream.write(b" ")
            return lambda _: None

    with pytest.raises(Conflict, match="changed while it was read") as refusal:
        hub.add(folder, "ada/poet", progress=Meddler())
    assert "try again" in refusal.value.hint
    assert tree(hub.store) == before


def test_names_that_differ_in_case_only_are_refused(hub: Hub, tmp_path: Path) -> None:
    folder = write_files(tmp_path / "data", {"a.csv": b"x,y\n1,2\n", "A.csv": b"x,y\n1,2\n"})
    with pytest.raises(Refused, match="two files have the same name"):
        hub.add(folder, "ada/data")
    with pytest.raises(Refused, match="two files have the same name"):
        hub.show(folder)


def test_models_and_data_are_entries_too(hub: Hub, tmp_path: Path) -> None:
    model = hub.add(tiny_base(tmp_path / "base"), "ada/base")
    data = hub.add(write_files(tmp_path / "data", {"a.csv": b"x,y\n1,2\n"}), "ada/data")
    assert (model.manifest.kind, data.manifest.kind) == ("model", "data")
    with pytest.raises(Refused, match="a data has no base"):
        hub.add(tmp_path / "data", "ada/data", base=tmp_path / "base")


def test_a_base_may_be_an_entry_of_kind_model(hub: Hub, folder: Path, tmp_path: Path) -> None:
    hub.add(tiny_base(tmp_path / "base"), "ada/base")
    pin = hub.add(folder, "ada/poet", base="ada/base").manifest.base
    assert pin is not None
    assert (pin.weights_digest, pin.evidence) == (hub.base_show("ada/base").weights_digest, "bytes")
    assert pin.source is None, "the pin says what the base is, not how it was named"


def test_whoever_watches_is_told_every_byte(hub: Hub, folder: Path) -> None:
    told: dict[str, int] = {}

    class Watcher:
        def begin(self, what: str, size: int) -> Callable[[int], None]:
            told[what] = -size

            def advance(count: int) -> None:
                told[what] += count

            return advance

    hub.add(folder, "ada/poet", progress=Watcher())
    assert told == {"adapter_config.json": 0, "adapter_model.safetensors": 0}
