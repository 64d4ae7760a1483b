"""Bases in GGUF: a card from headers."""

import hashlib

import gguf
import numpy as np
import pytest

from adapterhub.base.card import card_of
from adapterhub.errors import BadReference, Corrupt, DoesNotFit, NotFound
from tests.base.builders import members
from tests.formats import foreign_files
from tests.formats.foreign_files import Tensor

WORDS = {"general.architecture": "llama", "llama.block_count": 2}


def model(folder, name="model.gguf", values=WORDS, tensors=None):
    folder.mkdir(exist_ok=True)
    tensors = tensors or {"blk.0.attn_q.weight": Tensor(6, 5), "output_norm.weight": Tensor(5)}
    (folder / name).write_bytes(foreign_files.gguf(values, tensors))
    return folder


def test_a_model_the_gguf_package_wrote_has_a_card(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "tiny.gguf", "llama")
    writer.add_block_count(2)
    writer.add_rope_freq_base(float("inf"))
    writer.add_token_list([f"word{n}" for n in range(300)])
    writer.add_chat_template("{{ messages }}" * 50)
    writer.add_tensor("token_embd.weight", np.ones((300, 64), np.float16))
    quantised = gguf.quants.quantize(np.ones((32, 64), np.float32), gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("blk.0.attn_q.weight", quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    made = card_of(members(tmp_path))
    assert (made.model_type, made.header_only, made.hashable) == ("llama", True, False)
    assert [(row.name, row.dtype, row.shape) for row in made.tensors] == [
        ("blk.0.attn_q.weight", "Q8_0", (32, 64)),
        ("token_embd.weight", "F16", (300, 64)),
    ]
    assert made.files == {"tiny.gguf": hashlib.sha256((tmp_path / "tiny.gguf").read_bytes()).hexdigest()}
    assert made.config["llama.block_count"] == 2
    assert made.config["llama.rope.freq_base"] == "inf"
    assert made.config["tokenizer.ggml.tokens"] == 300
    assert "tokenizer.chat_template" not in made.config
    assert type(made).from_bytes(made.to_bytes(), "card") == made


def test_headers_alone_take_no_digest(tmp_path):
    assert card_of(members(model(tmp_path)), hashes=False).files == {}


def test_a_model_in_parts_is_one(tmp_path):
    for number in (1, 2):
        model(tmp_path, f"m-0000{number}-of-00002.gguf", tensors={f"blk.{number}.w": Tensor(2, 4)})
    made = card_of(members(tmp_path))
    assert sorted(made.by_name) == ["blk.1.w", "blk.2.w"]
    assert len(made.files) == 2
    (tmp_path / "m-00001-of-00002.gguf").unlink()
    with pytest.raises(NotFound, match="split into 2 files, of which 1 are there"):
        card_of(members(tmp_path))


def test_a_tensor_in_two_parts_is_corrupt(tmp_path):
    for number in (1, 2):
        model(tmp_path, f"m-0000{number}-of-00002.gguf")
    with pytest.raises(Corrupt, match="a tensor lies in two parts"):
        card_of(members(tmp_path))


def test_of_several_models_one_must_be_named(tmp_path):
    model(model(tmp_path, "a.gguf"), "b.gguf")
    with pytest.raises(BadReference, match="2 GGUF models lie there") as refusal:
        card_of(members(tmp_path))
    assert "name the file" in refusal.value.hint


def test_an_adapter_in_gguf_is_no_base(tmp_path):
    with pytest.raises(DoesNotFit, match="'adapter', and a base is a whole model"):
        card_of(members(model(tmp_path, values={**WORDS, "general.type": "adapter"})))
