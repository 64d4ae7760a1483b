"""In which tensors two bases differ."""

import numpy as np

from adapterhub.base.card import card_of
from adapterhub.base.difference import difference
from tests.base.builders import checkpoint, members, tensors

NAMES = (
    "bert.encoder.layer.0.output.dense.weight",
    "bert.encoder.layer.0.output.dense.bias",
    "bert.pooler.dense.weight",
)


def card(folder, arrays, hashes=True):
    return card_of(members(checkpoint(folder, arrays, model_type="bert")), hashes=hashes)


def test_a_saved_prefix_is_no_difference(tmp_path):
    whole = tensors(*NAMES)
    bare = {name.removeprefix("bert."): array for name, array in whole.items()}
    whole["classifier.weight"] = np.ones((2, 2), np.float32)
    found = difference(card(tmp_path / "a", whole), card(tmp_path / "b", bare))
    assert (found.same, found.only_a, found.only_b) == (tuple(sorted(NAMES)), ("classifier.weight",), ())
    assert "bert." in found.rule
    back = difference(card(tmp_path / "b", bare), card(tmp_path / "a", whole))
    assert (len(back.same), back.only_a, back.only_b) == (3, (), ("classifier.weight",))


def test_every_tensor_is_of_one_kind(tmp_path):
    one = tensors("same", "other", "shape", "cast", "a")
    other = {**one, "other": one["other"] + 1, "shape": one["shape"].T.copy(), "b": one["a"]}
    del other["a"]
    other["cast"] = one["cast"].astype(np.float16)
    found = difference(card(tmp_path / "a", one), card(tmp_path / "b", other))
    assert found.same == ("same",)
    assert found.changed == ("cast", "other")  # a copy in fp16 is rounded otherwise
    assert (found.reshaped, found.only_a, found.only_b, found.cast) == (("shape",), ("a",), ("b",), ())


def test_a_bf16_copy_is_said_to_be_one(tmp_path):
    import torch
    from safetensors.torch import save_file

    one = card(tmp_path / "a", tensors("w"))
    folder = checkpoint(tmp_path / "b", tensors("w"))
    save_file({"w": torch.from_numpy(tensors("w")["w"]).bfloat16()}, folder / "model.safetensors")
    found = difference(one, card_of(members(folder)))
    assert (found.changed, found.cast) == (("w",), ("w",))


def test_without_digests_nothing_is_told_but_what_the_files_tell(tmp_path):
    arrays = tensors("w", "v")
    one, other = card(tmp_path / "a", arrays), card(tmp_path / "b", arrays, hashes=False)
    assert difference(one, other).untold == ("v", "w")
    files = {"model.safetensors": "0" * 64}
    one, other = (each.model_copy(update={"files": files}) for each in (one, other))
    assert difference(one, other).same == ("v", "w")
