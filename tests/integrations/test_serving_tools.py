"""The recipes of docs/serving.md that a processor can run: PEFT and transformers, from each place they may ask."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from peft import get_peft_model

from tests.house.sources import ROOT
from tests.integrations.builders import language_base, language_model, lora
from tests.server.running import Running, running

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

SCRIPT = """
import json, sys
import torch
from huggingface_hub import snapshot_download
from peft import PeftModel
from transformers import AutoModelForCausalLM

base, folder, normal = sys.argv[1:]

def said(model):
    with torch.no_grad():
        return model.eval()(torch.tensor([[2, 3, 4, 5]])).logits.flatten().tolist()

def fresh():
    return AutoModelForCausalLM.from_pretrained(base)

def loaded(place, **revision):
    model = fresh()
    model.load_adapter(place, adapter_kwargs=revision)
    return said(model)

print(json.dumps({
    "base": said(fresh()),
    "peft, a tag": said(PeftModel.from_pretrained(fresh(), "ada/poet", revision="1")),
    "peft, an alias": said(PeftModel.from_pretrained(fresh(), "ada/poet", revision="alias/prod")),
    "peft, the newest": said(PeftModel.from_pretrained(fresh(), "ada/poet")),
    "peft, path": said(PeftModel.from_pretrained(fresh(), folder)),
    "peft, normal form": said(PeftModel.from_pretrained(fresh(), normal)),
    "transformers, a tag": loaded("ada/poet", revision="1"),
    "transformers, the newest": loaded("ada/poet"),
    "transformers, path": loaded(folder),
    "transformers, normal form": loaded(normal),
    "a snapshot, the newest": said(PeftModel.from_pretrained(fresh(), snapshot_download("ada/poet"))),
}))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    """What tools said when they had loaded one of the two versions of ada/poet that a server has."""
    folder = tmp_path_factory.mktemp("tools")
    base = language_base(folder / "base")
    with running(folder) as server:
        for number, alpha in ((1, 16), (2, 4)):
            run = folder / f"run{number}"
            fields = {"use_rslora": True, "lora_alpha": alpha, "init_lora_weights": False}
            get_peft_model(language_model(base), lora(**fields)).save_pretrained(run)
            server.hub.add(run, "ada/poet", base=base)
        server.hub.alias("ada/poet@1", "prod")
        normal = server.hub.export("ada/poet@1", folder / "normal", normal_form=True, base_name="org/base").folder
        return asked(server, folder, base, server.hub.path("ada/poet@1"), normal)


def asked(server: Running, folder: Path, *words: object) -> dict[str, list[float]]:
    """What the script says in a process whose Hub is the server."""
    hub = {"HF_ENDPOINT": server.url, "HF_TOKEN": server.token, "HF_HOME": str(folder / "cache")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    command = [sys.executable, "-c", SCRIPT, *map(str, words)]
    done = subprocess.run(command, env=kept | hub, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


FIRST = ["peft, an alias", "peft, path", "peft, normal form"]
FIRST += ["transformers, a tag", "transformers, path", "transformers, normal form"]


@pytest.mark.parametrize("how", FIRST)
def test_a_version_is_the_same_wherever_a_tool_takes_it_from(said, how):
    assert said[how] == pytest.approx(said["peft, a tag"], abs=1e-5)


@pytest.mark.parametrize("how", ["transformers, the newest", "a snapshot, the newest"])
def test_a_tool_that_asks_for_no_revision_gets_the_newest(said, how):
    assert said[how] == pytest.approx(said["peft, the newest"], abs=1e-5)


def test_the_two_versions_and_the_base_are_three_models(said):
    one, two, bare = (said[how] for how in ("peft, a tag", "peft, the newest", "base"))
    assert one != pytest.approx(two, abs=1e-3)
    assert bare != pytest.approx(two, abs=1e-3)
