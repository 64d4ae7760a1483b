"""The resolver for vLLM, against a stand-in of vLLM's interface, with PEFT as the judge of what it writes."""

import asyncio
import json
import logging
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel, get_peft_model

from adapterhub.errors import WrongUsage
from adapterhub.hub import Hub
from adapterhub.integrations.vllm import Resolver, register
from tests.builders import adapter_files, tiny_adapter, tiny_base, write_files
from tests.house.sources import ROOT
from tests.integrations.builders import language_base, language_model, lora
from tests.integrations.vllm_stand_in import LoRARequest, Registry, install
from tests.server.running import running

NAME = "org/served"
COMMIT = "c0" * 20


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """A stand-in that has registered our resolver, over the store in `tmp_path/store` and the base in `base`."""
    tiny_base(tmp_path / "base")
    monkeypatch.setenv("ADAPTERHUB_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("ADAPTERHUB_BASE", str(tmp_path / "base"))
    for name in ("REMOTE", "REQUIRE", "TOKEN"):
        monkeypatch.delenv(f"ADAPTERHUB_{name}", raising=False)
    registry = install(monkeypatch)
    register()
    return registry


def ask(registry: Registry, name: str, served: str = NAME) -> LoRARequest | None:
    return asyncio.run(registry.answer(served, name))


def served(registry: Registry, name: str) -> LoRARequest:
    found = ask(registry, name)
    assert found
    return found


def config(found: LoRARequest) -> dict[str, Any]:
    return dict(json.loads((Path(found.lora_path) / "adapter_config.json").read_text()))


def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A hub with two versions of ada/sql, pushed to the remote that vLLM asks; `prod` is the first."""
    hub = Hub.open(tmp_path / "elsewhere")
    hub.remote_add("team", str(tmp_path / "team"))
    for seed, aliases in ((0, ("prod",)), (1, ())):
        shown = hub.add(tiny_adapter(tmp_path / f"run{seed}", seed=seed), "ada/sql")
        hub.push([shown.reference], "team", aliases=aliases)
    Hub.open(tmp_path / "store").remote_add("team", str(tmp_path / "team"))
    monkeypatch.setenv("ADAPTERHUB_REMOTE", "team")
    register()
    return hub


def test_the_entry_point_leads_to_the_function_that_vllm_calls():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["vllm.general_plugins"]
    assert EntryPoint("adapterhub", points["adapterhub"], "vllm.general_plugins").load() is register


def test_the_module_can_be_read_where_there_is_no_vllm():
    script = "import sys, adapterhub.integrations.vllm as one; one.register(); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "no vllm.lora.resolver" in done.stderr


def test_an_adapter_of_the_store_is_served_in_normal_form_under_the_bases_name(vllm, tmp_path):
    hub = Hub.open()
    shown = hub.add(tiny_adapter(tmp_path / "run", lora_alpha=16, use_rslora=True), "ada/sql")
    found = served(vllm, "ada/sql@1")
    assert (found.lora_name, found.lora_int_id > 0) == ("ada/sql@1", True)
    fields = config(found)
    assert fields["base_model_name_or_path"] == NAME
    assert (fields["r"], fields["lora_alpha"], fields.get("use_rslora", False)) == (2, 2, False)
    assert served(vllm, "ada/sql").lora_int_id == found.lora_int_id
    assert hub.show(found.lora_path).facts.rank == hub.show(shown.reference).facts.rank


def test_two_adapters_have_two_ids_and_two_folders(vllm, tmp_path):
    for seed in (0, 1):
        Hub.open().add(tiny_adapter(tmp_path / f"run{seed}", seed=seed), "ada/sql")
    one, two = served(vllm, "ada/sql@1"), served(vllm, "ada/sql@2")
    assert one.lora_int_id != two.lora_int_id
    assert one.lora_path != two.lora_path


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")
def test_peft_gives_the_same_answers_with_what_vllm_is_given(vllm, tmp_path, monkeypatch, caplog):
    monkeypatch.delenv("ADAPTERHUB_BASE")
    register()
    base = language_base(tmp_path / "language")
    trained = get_peft_model(language_model(base), lora(use_rslora=True, lora_alpha=16, init_lora_weights=False)).eval()
    trained.save_pretrained(tmp_path / "run")
    Hub.open().add(tmp_path / "run", "ada/poet", base=base)
    found = ask(vllm, "ada/poet", served=str(base))
    assert found
    loaded = PeftModel.from_pretrained(language_model(base), found.lora_path).eval()
    tokens = torch.tensor([[2, 3, 4, 5]])
    with torch.no_grad():
        assert torch.allclose(trained(tokens).logits, loaded(tokens).logits, atol=1e-5)
        assert not torch.allclose(language_model(base)(tokens).logits, loaded(tokens).logits, atol=1e-3)
    assert config(found)["base_model_name_or_path"] == base.name
    assert caplog.text == ""


def test_a_base_that_was_downloaded_is_the_one_that_is_audited(vllm, tmp_path, monkeypatch):
    kept = tmp_path / "cache/models--org--served"
    snapshot = tiny_base(kept / "snapshots" / COMMIT)
    write_files(kept / "refs", {"main": COMMIT.encode()})
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ADAPTERHUB_BASE")
    register()
    Hub.open().add(tiny_adapter(tmp_path / "run"), "ada/sql", base=snapshot)
    assert config(served(vllm, "ada/sql"))["base_model_name_or_path"] == NAME
    by_path = ask(vllm, "ada/sql", served=str(snapshot))
    assert by_path
    assert by_path.lora_path == served(vllm, "ada/sql").lora_path


def test_an_alias_is_asked_of_the_remote_each_time(vllm, tmp_path, monkeypatch):
    hub = team(tmp_path, monkeypatch)
    first = served(vllm, "ada/sql@prod")
    hub.push(["ada/sql@2"], "team", aliases=["prod"])
    second = served(vllm, "ada/sql@prod")
    assert first.lora_int_id != second.lora_int_id
    assert second.lora_path == served(vllm, "ada/sql").lora_path
    assert served(vllm, "team:ada/sql@1").lora_path == first.lora_path


def test_an_alias_of_a_server_is_served_to_those_with_a_token(vllm, tmp_path, monkeypatch, caplog):
    with running(tmp_path) as server:
        server.hub.add(tiny_adapter(tmp_path / "run"), "ada/sql")
        server.hub.alias("ada/sql@1", "prod")
        monkeypatch.setenv("ADAPTERHUB_REMOTE", f"hub+{server.url}")
        register()
        assert ask(vllm, "ada/sql@prod") is None
        monkeypatch.setenv("ADAPTERHUB_TOKEN", server.new_token("serving", "read", "ada"))
        assert config(served(vllm, "ada/sql@prod"))["lora_alpha"] == 2
        assert server.token not in caplog.text


def test_without_a_remote_that_answers_the_store_is_served(vllm, tmp_path, monkeypatch, caplog):
    Hub.open().add(tiny_adapter(tmp_path / "run"), "ada/sql")
    monkeypatch.setenv("ADAPTERHUB_REMOTE", "http://127.0.0.1:9")
    register()
    assert served(vllm, "ada/sql@1")
    assert "what the store has of ada/sql@1 is served" in caplog.text


def test_what_does_not_fit_is_refused_before_it_is_fetched(vllm, tmp_path, monkeypatch, caplog):
    team(tmp_path, monkeypatch)
    monkeypatch.setenv("ADAPTERHUB_BASE", str(tiny_base(tmp_path / "wide", size=8)))
    register()
    assert ask(vllm, "ada/sql@prod") is None
    assert (
        "ada/sql@prod is not served: ada/sql@1 is a misfit on wide, 0 of its modules fit: layers.0.q_proj"
        in caplog.text
    )
    assert Hub.open().list() == []


def test_what_does_not_fit_is_refused_from_the_store_too(vllm, tmp_path, monkeypatch, caplog):
    Hub.open().add(tiny_adapter(tmp_path / "run"), "ada/sql")
    monkeypatch.setenv("ADAPTERHUB_REQUIRE", "exact")
    register()
    assert ask(vllm, "ada/sql") is None
    assert "unpinned on base" in caplog.text


def test_what_is_refused_otherwise_is_in_the_log_too(vllm, tmp_path, monkeypatch, caplog):
    Hub.open().add(tiny_adapter(tmp_path / "run"), "ada/sql")
    monkeypatch.setenv("ADAPTERHUB_BASE", str(tmp_path / "nothing"))
    register()
    assert ask(vllm, "ada/sql") is None
    assert "no such file or folder" in caplog.text


@pytest.mark.parametrize(
    "name", ["gpt-4", "ada/unknown", "/etc", "../store", "ada/sql@../1", "hf:ada/sql", "other:ada/sql"]
)
def test_what_a_client_may_not_name_or_nobody_knows_is_nothing(vllm, tmp_path, name):
    Hub.open().add(tiny_adapter(tmp_path / "run"), "ada/sql")
    assert ask(vllm, name) is None


def test_a_folder_that_was_damaged_is_written_again_and_a_whole_one_is_left_alone(vllm, tmp_path):
    Hub.open().add(tiny_adapter(tmp_path / "run"), "ada/sql")
    weights = Path(served(vllm, "ada/sql").lora_path) / "adapter_model.safetensors"
    before, inode = weights.read_bytes(), weights.stat().st_ino
    served(vllm, "ada/sql")
    assert weights.stat().st_ino == inode
    weights.write_bytes(b"")
    served(vllm, "ada/sql")
    assert weights.read_bytes() == before


def test_processes_that_ask_at_once_get_one_folder(vllm, tmp_path):
    Hub.open().add(tiny_adapter(tmp_path / "run"), "ada/sql")
    script = (
        "from adapterhub.integrations.vllm import Resolver, folder_for\nfrom adapterhub import Hub\n"
        "from adapterhub.reference import parse\nhub = Hub.open()\nfound = hub.desk.find('ada/sql@1')[0]\n"
        f"print(folder_for(hub, found.reference, found.digest, {NAME!r}))"
    )
    words = [sys.executable, "-c", script]
    running = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = {one.communicate(timeout=120)[0].strip() for one in running}
    assert [one.returncode for one in running] == [0, 0, 0]
    assert told == {served(vllm, "ada/sql").lora_path}
    assert [path.name for path in (tmp_path / "store/cache/vllm").iterdir() if path.is_dir()] == [Path(told.pop()).name]


def test_what_this_vllm_still_reads_otherwise_is_in_the_log(vllm, tmp_path, caplog):
    tiny_base(tmp_path / "base", size=64)
    Hub.open().add(write_files(tmp_path / "wide", adapter_files(rank=32, size=64)), "ada/sql")
    with caplog.at_level(logging.WARNING):
        served(vllm, "ada/sql")
    assert "vLLM refuses a rank above 16" in caplog.text
    assert "--max-lora-rank" in caplog.text


def test_a_verdict_that_does_not_exist_stops_vllm_when_it_starts(vllm, monkeypatch):
    monkeypatch.setenv("ADAPTERHUB_REQUIRE", "perfect")
    with pytest.raises(WrongUsage, match="ADAPTERHUB_REQUIRE is 'perfect'"):
        Resolver.of_environment()
