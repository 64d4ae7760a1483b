"""`compress` as a person types it, and what it prints."""

import json

import pytest

from tests.cli.builders import base


@pytest.fixture
def ran(call, tmp_path):
    base(tmp_path / "base", size=32)
    return call


def test_it_tells_sizes_and_losses(ran):
    lines = ran("compress", "./base", "ada/small", "--prune", "0.5", "--quantize", "int8").out.splitlines()
    assert lines[0].startswith("ada/small@1  ")
    assert lines[1].startswith("  12.3 kB before, 3.5 kB now; 50.00% of its weights are zero")
    assert lines[2].startswith("  relative error ")
    assert sum("layers.0." in line for line in lines) == 3


def test_programs_get_every_number(ran):
    made = json.loads(ran("compress", "./base", "ada/small", "--prune", "0.25", "--per", "layer", "--json").out)
    assert made["zeros"] == 0.25
    assert set(made["errors"]) == {f"layers.0.{name}.weight" for name in ("q_proj", "k_proj", "v_proj")}
    assert made["manifest"]["kind"] == "model"
    assert made["manifest"]["recipe"] == {"method": "compress", "per": "layer", "prune": 0.25}


def test_mistakes_say_what_to_do(ran):
    assert "--prune" in ran("compress", "./base", "ada/small", code=2).err
    assert "int8" in ran("compress", "./base", "ada/small", "--prune", "0.5", "--calibration", "minmax", code=2).err
    assert "q_proj" in ran("compress", "./base", "ada/x", "--prune", "0.5", "--keep", "*", code=3).err
