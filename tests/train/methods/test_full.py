"""Everything trained: a whole model, as its own library saves it."""

import json

import torch
from safetensors.torch import load_file
from transformers import BertForSequenceClassification

from adapterhub.train.resources.count import count
from tests.train.methods.builders import KINDS, attached, config, train

FULL = config(method="full")


def test_a_model_of_transformers_loads_as_any_other(tmp_path):
    kind = KINDS["bert"]
    made = attached(kind, kind.model(), FULL)
    assert count(made.model)[0] == count(made.model)[1]
    train(kind, made)
    for name in ("one", "two"):
        made.save(tmp_path / name, "me/base")
    again = BertForSequenceClassification.from_pretrained(tmp_path / "one").eval()
    assert torch.equal(kind.logits(again), kind.logits(made.model))
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in tmp_path.iterdir()]
    assert contents[0] == contents[1]
    assert "_name_or_path" not in json.loads(contents[0]["config.json"])
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "one").iterdir()} == {0o644}


def test_nothing_is_printed_while_it_is_saved(tmp_path, capfd):
    kind = KINDS["gpt2"]
    attached(kind, kind.model(), FULL).save(tmp_path, "me/base")
    assert capfd.readouterr() == ("", "")


def test_a_plain_module_has_its_tensors_and_a_config(tmp_path):
    kind = KINDS["cnn"]
    made = attached(kind, kind.model(), FULL)
    train(kind, made)
    made.save(tmp_path, "me/base")
    model = kind.model()
    model.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert torch.equal(kind.logits(model), kind.logits(made.model))
    assert json.loads((tmp_path / "config.json").read_text()) == {"architectures": ["Cnn"]}
