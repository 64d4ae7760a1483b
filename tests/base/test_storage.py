"""The ways of quantised weights, by the tensors that real tools write."""

import pytest

from adapterhub.base.row import TensorRow
from adapterhub.base.storage import STORAGES, bits_of, count_of, storage_of


def leaves(**tensors):
    rows = {leaf.replace("__", "."): value for leaf, value in tensors.items()}
    return {leaf: TensorRow(name=f"q.{leaf}", dtype=dtype, shape=shape) for leaf, (dtype, *shape) in rows.items()}


WAYS = {
    # a linear layer of 64 inputs and 48 outputs, groups of 32
    "gptq": leaves(qweight=("I32", 8, 48), qzeros=("I32", 2, 6), scales=("F16", 2, 48), g_idx=("I32", 64)),
    "awq": leaves(qweight=("I32", 64, 6), qzeros=("I32", 2, 6), scales=("F16", 2, 48)),
    "bnb-8bit": leaves(weight=("I8", 48, 64), SCB=("F32", 48), weight_format=("U8",)),
    "compressed-tensors": leaves(weight_packed=("I32", 48, 8), weight_scale=("BF16", 48, 2), weight_shape=("I64", 2)),
    "nvfp4": leaves(weight=("U8", 48, 32), weight_scale=("F8_E4M3", 48, 4), weight_scale_2=("F32",)),
    "fp8": leaves(weight=("F8_E4M3", 48, 64), weight_scale_inv=("F32", 1, 1)),
    "int8": leaves(weight=("I8", 48, 64), weight_scale=("BF16", 48, 1)),
    "torchao-int8": leaves(_weight_qdata=("I8", 48, 64), _weight_scale=("F32", 48, 1)),
    "eetq": leaves(weight=("I8", 64, 48), weight_scales=("F16", 48)),
}
SILENT = {
    "bnb-4bit": leaves(
        weight=("U8", 1536, 1),
        weight__absmax=("F32", 48),
        weight__quant_map=("F32", 16),
        weight__quant_state__bitsandbytes__nf4=("U8", 80),
    ),
    "hqq": leaves(W_q=("U8", 24, 64), scale=("F16", 48, 1)),
    "aqlm": leaves(codes=("I16", 48, 8, 1), codebooks=("F16", 1, 65536, 1, 8), scales=("F16", 48, 1, 1, 1)),
}


@pytest.mark.parametrize("kind", WAYS)
def test_the_shape_of_the_weight_is_told(kind):
    assert storage_of(WAYS[kind], 4) == (kind, (48, 64))


@pytest.mark.parametrize("kind", SILENT)
def test_where_the_header_does_not_say_it_nothing_is_guessed(kind):
    assert storage_of(SILENT[kind], 4) == (kind, None)


def test_every_way_is_tried():
    assert WAYS.keys() | SILENT.keys() == STORAGES.keys()


def test_gptq_needs_no_bits_from_the_config():
    eight = leaves(qweight=("I32", 16, 48), qzeros=("I32", 2, 12), scales=("F16", 2, 48))
    assert storage_of(eight, None) == storage_of(eight, 4) == ("gptq", (48, 64))


def test_packed_tensors_without_bits_have_no_shape():
    assert storage_of(WAYS["compressed-tensors"], None) == ("compressed-tensors", None)


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0)])
def test_damaged_headers_are_no_storage(shape):
    odd = leaves(qweight=("I32", *shape), qzeros=("I32", *shape), scales=("F16", *shape))
    assert storage_of(odd, 4) in (None, ("awq", (0, 2)))


@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_packed_weight_that_is_no_matrix_is_no_storage(shape):
    assert storage_of(leaves(weight_packed=("I32", *shape), weight_scale=("F16",)), 3) is None
    assert storage_of(leaves(weight=("U8", *shape), weight_scale_2=("F32",)), None) is None


def test_plain_weights_are_not_quantised():
    assert storage_of(leaves(weight=("BF16", 48, 64)), 4) is None
    assert storage_of(leaves(weight=("U8", 48, 64)), 4) is None


def test_four_bits_tell_how_many_numbers_there_are():
    assert count_of("bnb-4bit", SILENT["bnb-4bit"]) == 48 * 64
    assert count_of("hqq", SILENT["hqq"]) is None


@pytest.mark.parametrize("config", [{}, {"quantization_config": None}, {"quantization_config": {"bits": "4"}}])
def test_a_config_may_say_nothing_of_bits(config):
    assert bits_of(config) is None
