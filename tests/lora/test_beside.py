"""What stands in place of the base's tensors: PEFT puts the same in the same places."""

import pytest
import torch
from peft import LNTuningConfig, LoraConfig, TrainableTokensConfig

from adapterhub.errors import Corrupt, Refused
from adapterhub.lora.load import load
from tests.lora.builders import entry_of, factors, peft_folder
from tests.lora.judge import assert_as_peft, edit_config, trained

PREFIX = "base_model.model."
HEAD = ("head.0.weight", "head.0.bias", "head.1.weight", "head.1.bias")
COUNTERS = ("head.1.num_batches_tracked", "head.1.running_mean", "head.1.running_var")


def loaded(folder):
    return load(entry_of(folder), "ada/poet")


@pytest.mark.parametrize("bias", ["none", "all"])
def test_modules_to_save_are_whole_tensors_with_all_that_is_in_them(tmp_path, bias):
    trained(tmp_path, LoraConfig(r=2, target_modules=["lin"], modules_to_save=["head"], bias=bias))
    adapter = loaded(tmp_path)
    assert set(adapter.tensors) == {*HEAD, *COUNTERS}
    assert adapter.tensors["head.1.num_batches_tracked"].dtype == torch.int64
    assert not any("head" in module for module in adapter.biases)
    if bias == "none":
        assert_as_peft(tmp_path, "lin.weight", *HEAD)


def test_trained_tokens_are_rows_of_the_embedding(tmp_path):
    trained(tmp_path, LoraConfig(r=2, target_modules=["lin"], trainable_token_indices={"emb": [7, 1]}))
    assert loaded(tmp_path).rows["emb"].indices == (7, 1)
    assert_as_peft(tmp_path, "lin.weight", "emb.weight")


def test_a_bare_list_of_tokens_is_for_the_only_embedding(tmp_path):
    trained(tmp_path, LoraConfig(r=2, target_modules=["lin"], trainable_token_indices=[7, 1]))
    assert_as_peft(tmp_path, "lin.weight", "emb.weight")


def test_an_adapter_of_tokens_alone_is_read(tmp_path):
    trained(tmp_path, TrainableTokensConfig(target_modules=["emb"], token_indices=[3, 0]))
    assert loaded(tmp_path).deltas == {}
    assert_as_peft(tmp_path, "emb.weight")


def test_an_adapter_of_norms_alone_is_read(tmp_path):
    trained(tmp_path, LNTuningConfig(target_modules=["norm"]))
    assert_as_peft(tmp_path, "norm.weight", "norm.bias")


@pytest.mark.parametrize("tokens", [None, [1, 2]])
def test_an_embedding_saved_whole_has_the_name_the_base_has(tmp_path, tokens):
    targets = ["lin"] if tokens else ["lin", "emb"]
    config = LoraConfig(r=2, target_modules=targets, trainable_token_indices=tokens)
    trained(tmp_path, config, save_embedding_layers=True)
    adapter = loaded(tmp_path)
    assert list(adapter.tensors) == ["emb.weight"]
    assert_as_peft(tmp_path, "lin.weight", "emb.weight")


def test_tokens_the_config_does_not_number_are_corrupt(tmp_path):
    trained(tmp_path, LoraConfig(r=2, target_modules=["lin"], trainable_token_indices={"emb": [7, 1]}))
    for indices, count in (({"emb": [7]}, "1"), ({"other": [7, 1]}, "none"), ([7, -1], "none"), (None, "none")):
        edit_config(tmp_path, trainable_token_indices=indices)
        with pytest.raises(Corrupt, match=rf"emb: trained tokens of \[2, 6\], and .*_indices names {count}"):
            loaded(tmp_path)


def test_a_token_the_config_names_twice_is_corrupt(tmp_path):
    trained(tmp_path, LoraConfig(r=2, target_modules=["lin"], trainable_token_indices={"emb": [7, 1]}))
    edit_config(tmp_path, trainable_token_indices={"emb": [7, 7]})
    with pytest.raises(Corrupt, match="emb: trainable_token_indices names token 7 more than once"):
        loaded(tmp_path)


def test_the_copy_of_the_original_is_not_the_trained_module(tmp_path):
    extra = {
        f"{PREFIX}score.modules_to_save.weight": torch.full((2, 5), 1.0),
        f"{PREFIX}score.original_module.weight": torch.full((2, 5), 2.0),
    }
    adapter = loaded(peft_folder(tmp_path, factors(["q"]), extra=extra, modules_to_save=["score"]))
    assert {name: float(tensor.mean()) for name, tensor in adapter.tensors.items()} == {"score.weight": 1.0}


def test_a_tensor_without_the_prefix_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"ada/poet: .*: score.weight: neither a factor that is known"):
        loaded(peft_folder(tmp_path, factors(["q"]), extra={"score.weight": torch.ones(2, 5)}))


def test_what_an_adapter_carries_is_told_in_words(tmp_path):
    trained(tmp_path, LoraConfig(r=2, target_modules=["lin"], modules_to_save=["norm"], bias="lora_only"))
    adapter = loaded(tmp_path)
    assert list(adapter.beyond("tensors")) == ["a bias in place of the base's at lin"]
    assert "a whole tensor at norm.weight" in list(adapter.beyond())
