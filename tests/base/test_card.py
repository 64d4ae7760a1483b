"""Who a base is: digests that depend on the tensors and on nothing else."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.base.card import Card, card_of
from adapterhub.base.config import canonical_config
from adapterhub.errors import Corrupt, NotFound, Refused
from adapterhub.formats import json_file
from tests.base.builders import checkpoint, members, tensors

NAMES = ("model.a.weight", "model.b.weight", "lm_head.weight")


def card(folder, **options):
    return card_of(members(folder), **options)


def test_the_digests_are_those_the_docstring_defines(tmp_path):
    arrays = {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.array(1.5, dtype=np.float64)}
    made = card(checkpoint(tmp_path, arrays))
    sums = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}
    assert made.layout_digest == "sha256:" + hashlib.sha256(b"a \nb 2,3\n").hexdigest()
    lines = f"a F64  {sums['a']}\nb F32 2,3 {sums['b']}\n"
    assert made.weights_digest == "sha256:" + hashlib.sha256(lines.encode()).hexdigest()
    assert [row.name for row in made.tensors] == ["a", "b"]
    assert made.by_name["b"].sha256 == sums["b"]


@given(st.permutations(NAMES), st.integers(1, 2))
def test_sharding_and_order_change_nothing(tmp_path_factory, order, cut):
    folder, arrays = tmp_path_factory.mktemp("base"), tensors(*NAMES)
    whole = card(checkpoint(folder / "whole", arrays), name="x")
    shards = card(checkpoint(folder / "shards", arrays, shards=(order[:cut], order[cut:])), name="x")
    assert whole == shards


def test_another_value_changes_only_the_weights_digest(tmp_path):
    one, other = tensors(*NAMES), tensors(*NAMES)
    other[NAMES[0]][0, 0] += 1
    first, second = card(checkpoint(tmp_path / "1", one)), card(checkpoint(tmp_path / "2", other))
    assert first.layout_digest == second.layout_digest
    assert first.weights_digest != second.weights_digest
    assert [a.sha256 == b.sha256 for a, b in zip(first.tensors, second.tensors, strict=True)] == [True, False, True]


def test_another_precision_keeps_the_layout(tmp_path):
    arrays = tensors(*NAMES)
    halves = {name: array.astype(np.float16) for name, array in arrays.items()}
    first, second = card(checkpoint(tmp_path / "1", arrays)), card(checkpoint(tmp_path / "2", halves))
    assert first.layout_digest == second.layout_digest
    assert first.weights_digest != second.weights_digest


def test_a_tensor_larger_than_the_buffer_is_hashed_whole(tmp_path):
    arrays = {"big": np.arange(700_001, dtype=np.float32), "none": np.zeros((0, 4), dtype=np.float32)}
    made = card(checkpoint(tmp_path, arrays))
    assert made.by_name["big"].sha256 == hashlib.sha256(arrays["big"].tobytes()).hexdigest()
    assert made.by_name["none"].sha256 == hashlib.sha256(b"").hexdigest()


def test_without_hashes_only_headers_are_read(tmp_path):
    folder = checkpoint(tmp_path, tensors(*NAMES))
    whole, headers = card(folder), card(folder, hashes=False)
    assert headers.header_only
    assert not whole.header_only
    assert headers.layout_digest == whole.layout_digest
    assert {row.sha256 for row in headers.tensors} == {None}


def test_a_card_survives_its_bytes(tmp_path):
    arrays = {**tensors(*NAMES), "scalar": np.array(1.5)}
    made = card(checkpoint(tmp_path, arrays, time_step_limit=[0.0, float("inf")]), name="tiny", source="./x")
    assert made.weights
    again = Card.from_bytes(made.to_bytes(), "the card")
    assert again == made
    assert again.to_bytes() == made.to_bytes()
    assert b'"time_step_limit":[0.0,"Infinity"]' in made.to_bytes()


def test_what_changes_from_save_to_save_is_not_in_the_config(tmp_path):
    old = card(checkpoint(tmp_path / "1", tensors("a"), torch_dtype="float32", transformers_version="4.40", n=1))
    new = card(checkpoint(tmp_path / "2", tensors("a"), dtype="float32", transformers_version="5.23", n=1))
    assert old.config == new.config == {"model_type": "llama", "n": 1}
    assert canonical_config({"vision": {"_name_or_path": "/x"}}) == {"vision": {}}


def test_the_files_that_the_index_does_not_name_are_not_the_base(tmp_path):
    arrays = tensors(*NAMES)
    folder = checkpoint(tmp_path, arrays, shards=(NAMES[:1], NAMES[1:]))
    before = card(folder)
    checkpoint(tmp_path / "other", tensors("model.c.weight"))
    (tmp_path / "other" / "model.safetensors").rename(folder / "consolidated.safetensors")
    (tmp_path / "other" / "config.json").unlink()
    (tmp_path / "other").rmdir()
    assert card(folder) == before


def test_pickles_alone_are_refused_with_advice(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK")
    with pytest.raises(Refused, match=r"pytorch_model.bin: the weights are a pickle") as refusal:
        card(tmp_path)
    assert "save_pretrained" in refusal.value.hint


def test_a_missing_shard_is_named(tmp_path):
    folder = checkpoint(tmp_path, tensors(*NAMES), shards=(NAMES[:1], NAMES[1:]))
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(NotFound, match=r"names 2 files, but model-00002-of-00002.safetensors is missing"):
        card(folder)


def test_an_index_that_names_an_absent_tensor_is_corrupt(tmp_path):
    folder = checkpoint(tmp_path, tensors(*NAMES), shards=(NAMES[:1], NAMES[1:]))
    index = folder / "model.safetensors.index.json"
    weights = json.loads(index.read_text())["weight_map"]
    index.write_text(json.dumps({"weight_map": {**weights, "ghost": "model-00001-of-00002.safetensors"}}))
    with pytest.raises(Corrupt, match=r"says that ghost lies in model-00001-of-00002.safetensors, but it does not"):
        card(folder)


@pytest.mark.parametrize("weight_map", [None, [], {"a": 1}, {"a": "../../etc/passwd"}])
def test_an_index_that_makes_no_sense_is_refused(tmp_path, weight_map):
    folder = checkpoint(tmp_path, tensors(*NAMES), shards=(NAMES,))
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises((Corrupt, NotFound), match=r"model.safetensors.index.json"):
        card(folder)


def test_weights_without_a_tensor_are_corrupt(tmp_path):
    with pytest.raises(Corrupt, match=r"model\.safetensors: no tensors in it"):
        card(checkpoint(tmp_path, {}))


def test_an_index_may_be_larger_than_a_config(tmp_path, monkeypatch):
    folder = checkpoint(tmp_path, tensors(*NAMES), shards=(NAMES[:1], NAMES[1:]))
    monkeypatch.setattr(json_file, "LARGEST", 64)
    assert len(card(folder, hashes=False).tensors) == len(NAMES)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_without_config_or_weights_there_is_no_base(tmp_path, file):
    folder = checkpoint(tmp_path, tensors(*NAMES))
    (folder / file).unlink()
    with pytest.raises(NotFound, match=file.replace("model.", "model[.]")):
        card(folder)


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, '"\\ud800"'])
def test_a_config_that_is_none_is_corrupt(tmp_path, text):
    folder = checkpoint(tmp_path, tensors(*NAMES))
    (folder / "config.json").write_text(text)
    with pytest.raises(Corrupt, match=r"config.json"):
        card(folder)


def test_a_name_that_could_forge_a_line_is_corrupt(tmp_path):
    with pytest.raises(Corrupt, match="printable"):
        card(checkpoint(tmp_path, tensors("a 6,5\nb")))


def test_a_file_that_ends_early_is_corrupt(tmp_path):
    folder = checkpoint(tmp_path, tensors(*NAMES))

    class Shrinking:
        names, size = members(folder).names, members(folder).size
        opened = 0

        def open(self, name):
            self.opened += name == "model.safetensors"
            if self.opened == 2:
                path = folder / name
                path.write_bytes(path.read_bytes()[:-40])
            return members(folder).open(name)

    with pytest.raises(Corrupt, match="bytes are missing"):
        card_of(Shrinking())


@pytest.mark.parametrize("text", ["[1]", '{"a":' * 300 + "1" + "}" * 300, "9" * 100])
def test_a_config_that_no_card_could_hold_is_corrupt_and_says_what_to_do(tmp_path, text, monkeypatch):
    monkeypatch.setattr("adapterhub.formats.json_file.LARGEST", 90 if text[0] == "9" else 1 << 20)
    folder = checkpoint(tmp_path, tensors("a"))
    (folder / "config.json").write_text(text)
    with pytest.raises(Corrupt, match=r"config\.json: ") as refusal:
        card(folder)
    assert refusal.value.hint
