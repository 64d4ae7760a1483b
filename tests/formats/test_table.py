"""The table of formats."""

import subprocess
import sys

import pytest

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.table import FORMATS, derive, reader, recognise
from tests.formats.foreign_files import Folder
from tests.formats.peft_folders import WEIGHTS, adapter, files


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_has_a_module_that_claims_and_tells(name):
    module = reader(name)
    assert callable(module.claims)
    assert callable(module.facts)


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_claims_nothing_or_rubbish(name):
    assert not reader(name).claims(Folder({}))
    assert not reader(name).claims(Folder({"x.bin": b"\x00", "y.safetensors": b"rubbish", "w.npz": b""}))


def test_an_adapter_is_recognised_and_derived():
    assert recognise(adapter()) == "peft"
    assert derive(adapter()).rank == 4


def test_an_unknown_thing_is_refused_with_the_formats_there_are():
    with pytest.raises(Refused, match=r"no known format: x\.doc") as told:
        derive(Folder({"x.doc": b""}))
    assert "peft" in told.value.hint


def test_a_broken_one_says_what_is_broken():
    with pytest.raises(Corrupt, match="is cut off"):
        derive(Folder({**files(), WEIGHTS: files()[WEIGHTS][:-1]}))


def test_reading_the_table_imports_no_format():
    script = (
        "import sys, adapterhub.formats.table; print(*(m for m in sys.modules if m.startswith('adapterhub.formats.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert loaded == [f"adapterhub.formats.{name}" for name in ("continued", "members", "table")]
