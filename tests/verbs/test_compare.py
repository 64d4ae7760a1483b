"""Adapters of a store and of folders against each other."""

import json
from pathlib import Path

import pytest

from adapterhub.errors import NotFound, Refused, WrongUsage
from adapterhub.hub import Hub
from tests.builders import adapter_files, tiny_adapter, tiny_base, write_files


@pytest.fixture
def hub(tmp_path):
    hub = Hub.open(tmp_path / "store")
    for seed, name in enumerate(("sql", "chat")):
        hub.add(write_files(tmp_path / name, adapter_files(4, seed=seed, size=24)), f"ada/{name}")
    return hub


def test_entries_are_called_as_they_are_listed_and_folders_as_they_were_given(hub: Hub, tmp_path: Path) -> None:
    found = hub.compare("ada/sql", "ada/chat@1", tmp_path / "sql")
    folder = str(tmp_path / "sql")
    assert [row.reference for row in found.adapters] == ["ada/sql@1", "ada/chat@1", folder]
    pairs = {(one.a, one.b): one for one in found.pairs}
    assert pairs.keys() == {("ada/sql@1", "ada/chat@1"), ("ada/sql@1", folder), ("ada/chat@1", folder)}
    assert (pairs["ada/sql@1", folder].cosine, pairs["ada/sql@1", folder].advice) == (1, "copy")
    assert abs(pairs["ada/sql@1", "ada/chat@1"].cosine or 0) < 0.5
    assert found.adapters[0].digest == hub.show("ada/sql").digest


def test_what_an_svd_would_lose_is_what_the_merge_loses(hub: Hub) -> None:
    found = hub.compare("ada/sql", "ada/chat")
    merged = hub.merge("ada/sql + ada/chat", "ada/both", "svd")
    assert found.pairs[0].svd_error == pytest.approx(merged.relative_error, abs=2e-6)
    assert found.together.svd_error == found.pairs[0].svd_error
    assert hub.merge("ada/sql + ada/chat", "ada/sum").facts.rank == found.together.sum_rank


def test_the_document_is_json_without_nan(hub: Hub) -> None:
    data = json.loads(hub.compare("ada/sql", "ada/chat").model_dump_json())
    (pair,) = data["pairs"]
    assert {"a", "b", "cosine", "overlap", "sign_conflict", "modules"} <= pair.keys()
    assert set(pair["modules"]) == {"layers.0.q_proj", "layers.0.v_proj"}


def test_a_saved_prefix_is_no_other_module(hub: Hub, tmp_path: Path) -> None:
    files = adapter_files(4, seed=0, size=24)
    old = files["adapter_model.safetensors"]
    length = int.from_bytes(old[:8], "little")
    header = old[8 : 8 + length].replace(b"base_model.model.layers", b"base_model.model.model.layers")
    files["adapter_model.safetensors"] = len(header).to_bytes(8, "little") + header + old[8 + length :]
    found = hub.compare("ada/sql", write_files(tmp_path / "prefixed", files))
    assert (found.pairs[0].cosine, found.pairs[0].common) == (1, 2)


def test_other_bases_are_told(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    for seed, name in enumerate(("one", "two")):
        base = tiny_base(tmp_path / f"base-{name}", seed=seed)
        hub.add(tiny_adapter(tmp_path / name, seed=seed), f"ada/{name}", base=base)
    (found,) = hub.compare("ada/one", "ada/two").findings
    assert (found.check, found.place) == ("bases-differ", "adapters")
    assert "ada/one@1 on org/tiny sha256:" in found.message


@pytest.mark.parametrize("words", [(), ("ada/sql",), ("ada/sql", "ada/sql@1")])
def test_one_adapter_has_nobody_to_be_compared_with(hub: Hub, words: tuple[str, ...]) -> None:
    with pytest.raises(WrongUsage, match=r"two adapters or more, got (none|only ada/sql@1)"):
        hub.compare(*words)


def test_what_is_not_there_or_no_adapter_is_said(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        hub.compare("ada/sql", "ada/none")
    hub.add(tiny_base(tmp_path / "base"), "ada/base")
    with pytest.raises(Refused, match="ada/base@1"):
        hub.compare("ada/sql", "ada/base")
