"""The table of methods and what a config may ask of each."""

import importlib
from typing import get_args

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.train.config import AdapterConfig
from adapterhub.train.methods.table import METHODS, attach, check
from tests.train.methods.builders import KINDS, config


def test_every_method_of_a_config_has_a_row_and_a_file():
    assert tuple(METHODS) == get_args(AdapterConfig.model_fields["method"].annotation)
    for row in METHODS.values():
        assert callable(importlib.import_module(f"adapterhub.train.methods.{row.module}").attach)
        assert set(row.takes) <= AdapterConfig.model_fields.keys()


@pytest.mark.parametrize("method", METHODS)
def test_what_a_config_has_unless_told_otherwise_suits_every_method(method):
    check(config(method=method))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"method": "full", "quantize": "int8"}, "full does not take adapter.quantize"),
        ({"method": "full", "dropout": 0.1}, "full does not take adapter.dropout"),
        ({"method": "vera", "alpha": 3}, "vera does not take adapter.alpha"),
        ({"method": "vera", "quantize": "int8"}, "vera does not take adapter.quantize"),
        ({"method": "vera", "rslora": True}, "vera does not take adapter.rslora"),
        ({"method": "adalora", "init": "pissa"}, "adalora does not take adapter.init: pissa"),
        ({"method": "frozen-a", "lora_plus": 4.0}, "frozen-a does not take optim.lora_plus"),
        ({"init": "olora", "quantize": "int8"}, "olora changes the frozen weights"),
    ],
)
def test_what_means_nothing_to_a_method_is_told(asked, words):
    with pytest.raises(WrongUsage, match=words):
        check(config(**asked))


def test_the_heads_are_those_that_are_given():
    made = attach(KINDS["bert"].model(), config(heads=("classifier",)), ("bert.pooler.dense",))
    whole = {
        name for name, weight in made.model.named_parameters() if weight.requires_grad and "modules_to_save" in name
    }
    assert whole
    assert all("bert.pooler.dense" in name for name in whole)
