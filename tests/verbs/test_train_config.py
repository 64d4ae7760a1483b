"""What is told of a config that cannot be read: the field, its line, and what was meant."""

import json

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.verbs.train_config import config_of, read_config

LEAST = {"base": "./b", "name": "a/b", "task": "text-classification", "data": {"train": "rows.csv"}}

ODD = """\
base: ./tiny
name: ada/x
task: text-classification
num_train_epochs: 3
data:
  train: a.csv
optim: {zeal: 3,
        epochs: -1}
adapter:
  target_modules: [q]
  rnk: 3
"""


def told(fields):
    with pytest.raises(WrongUsage) as refusal:
        config_of({**LEAST, **fields})
    return str(refusal.value), refusal.value.hint


def test_every_fault_has_its_line_and_every_strange_field_a_word(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(ODD)
    with pytest.raises(WrongUsage) as refusal:
        read_config(path)
    said, hint = str(refusal.value), refusal.value.hint
    assert said.startswith(f"{path}, line ")
    assert set(said.removeprefix(f"{path}, ").split("; ")) == {
        "line 4: num_train_epochs: no such field",
        "line 7: optim.zeal: no such field",
        "line 8: optim.epochs: Input should be greater than 0, got -1",
        "line 10: adapter.target_modules: no such field",
        "line 11: adapter.rnk: no such field",
    }
    assert "num_train_epochs is optim.epochs here" in hint
    assert "adapter.target_modules is adapter.targets here" in hint
    assert "adapter.rnk: did you mean rank?" in hint
    assert "optim has lr, batch, " in hint


def test_a_field_that_is_missing_has_the_line_of_what_lacks_it(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("base: ./tiny\nname: ada/x\ntask: t:t\ndata:\n  validation: 0.1\n")
    with pytest.raises(WrongUsage, match=r"run\.yaml, line 4: data\.train: Field required"):
        read_config(path)


@pytest.mark.parametrize("indent", [None, "\t"])
def test_json_and_plain_data_are_told_without_a_line(tmp_path, indent):
    path = tmp_path / "run.json"
    path.write_text(json.dumps({**LEAST, "lora_alpha": 3}, indent=indent))
    with pytest.raises(WrongUsage, match=r"run\.json: lora_alpha: no such field"):
        read_config(path)
    assert told({"lora_alpha": 3})[0] == "the config: lora_alpha: no such field"


def test_a_column_is_not_learned_from_itself():
    said, hint = told({"data": {"train": "a.csv", "text": "body", "label": "body"}})
    assert said == "data.text and data.label are both the column 'body'"
    assert "the one it is learned from" in hint
    assert told({"data": {"train": "a.csv", "text": "label"}})[0].startswith("data.text and data.label are both")
    own = {"task": "own:task", "data": {"train": "a.csv", "text": "body", "label": "body"}}
    assert config_of({**LEAST, **own}).data.label == "body"
