"""PEFT and transformers of the generation before load adapters by their names; `test_diffusers` has those of today."""

import pytest
from peft import get_peft_model

from tests.clients.driving import Client
from tests.integrations.builders import language_base, language_model, lora

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


def test_peft_loads_an_adapter_at_a_version_an_alias_and_a_commit(served, namespace, tmp_path):
    repo, base = f"{namespace}/poet", language_base(tmp_path / "base")
    for number in (1, 2):
        folder = tmp_path / f"run{number}"
        get_peft_model(language_model(base), lora(init_lora_weights=False)).save_pretrained(folder)
        served.hub.add(folder, repo)
    served.hub.alias(f"{repo}@1", "prod")
    commit = served.ask("GET", f"/api/models/{repo}/revision/1").json()["sha"]
    client = Client("peft-0.18", tmp_path / "home", served.url, served.token)
    found = client("loaded.py", base, repo, *(f"{repo}@{revision}" for revision in ("1", "alias/prod", commit)))
    first, second = found[f"{repo}@1"], found[repo]
    assert found[f"{repo}@alias/prod"] == found[f"{repo}@{commit}"] == pytest.approx(first)
    assert found["transformers"] == pytest.approx(second)
    for one, other in ((first, second), (first, found["base"]), (second, found["base"])):
        assert one != pytest.approx(other, abs=1e-3)
