"""LyCORIS: each algorithm is told by its tensors, and its rank by the factors it has."""

import pytest

from adapterhub.facts import Facts
from adapterhub.formats import kohya, lycoris
from tests.formats.foreign_files import Folder, Tensor, checks, safetensors, scalar, zeros

Q, K = "lora_unet_mid_block_attn1_to_q", "lora_unet_mid_block_attn1_to_k"

LOHA = {
    "hada_w1_a": Tensor(6, 4),
    "hada_w1_b": Tensor(4, 8),
    "hada_w2_a": Tensor(6, 4),
    "hada_w2_b": Tensor(4, 8),
}
TUCKER = {
    **LOHA,
    "hada_w1_a": Tensor(4, 6),
    "hada_w2_a": Tensor(4, 6),
    "hada_t1": Tensor(4, 4, 3, 3),
    "hada_t2": Tensor(4, 4, 3, 3),
}
LOKR = {
    "lokr_w1_a": Tensor(6, 4),
    "lokr_w1_b": Tensor(4, 8),
    "lokr_w2_a": Tensor(6, 4),
    "lokr_w2_b": Tensor(4, 8),
}
HALF_WHOLE = {"lokr_w1": Tensor(2, 2), "lokr_w2_a": Tensor(6, 4), "lokr_w2_b": Tensor(4, 8)}
WHOLE = {"lokr_w1": Tensor(2, 2), "lokr_w2": Tensor(6, 8)}
GLORA = {f"{name}.weight": Tensor(*s) for name, s in {"a1": (8, 4), "a2": (4, 8), "b1": (6, 4), "b2": (4, 8)}.items()}
KINDS = {
    "LOHA": ("LOHA", LOHA, 4),
    "LOHA with a core": ("LOHA", TUCKER, 4),
    "LOKR": ("LOKR", LOKR, 4),
    "LOKR with a whole factor": ("LOKR", HALF_WHOLE, 4),
    "LOKR of whole factors": ("LOKR", WHOLE, None),
    "GLORA": ("GLORA", GLORA, 4),
    "OFT": ("OFT", {"oft_blocks": Tensor(3, 2, 2)}, None),
    "BOFT": ("BOFT", {"oft_blocks": Tensor(2, 3, 2, 2)}, None),
    "IA3": ("IA3", {"weight": Tensor(6), "on_input": Tensor(dtype="U8", data=b"\0")}, None),
    "FULL": ("FULL", {"diff": Tensor(6, 8), "diff_b": Tensor(6)}, None),
    "NORM": ("NORM", {"w_norm": Tensor(6), "b_norm": Tensor(6)}, None),
}


def folder(parts: dict[str, Tensor], module: str = Q, **more: Tensor) -> Folder:
    tensors = {f"{module}.{part}": tensor for part, tensor in parts.items()}
    return Folder({"a.safetensors": safetensors({**tensors, **more}, {"ss_network_module": "lycoris.kohya"})})


def facts(parts: dict[str, Tensor], **more: Tensor) -> Facts:
    return lycoris.facts(folder(parts, **more))


@pytest.mark.parametrize("kind", KINDS)
def test_an_algorithm_is_told_by_its_tensors(kind):
    name, parts, rank = KINDS[kind]
    assert lycoris.claims(folder(parts))
    found = facts(parts)
    assert (found.format, found.type, found.rank) == ("lycoris", name, rank)
    assert (found.targets, found.modules, found.findings) == (("to_q",), 1, ())
    assert found.details["network_module"] == "lycoris.kohya"


def test_the_alpha_of_a_product_is_a_scale():
    assert facts({**LOKR, "alpha": scalar(4, "F16")}).alpha == 4.0


def test_the_alpha_of_a_rotation_is_none():
    found = facts({"oft_blocks": Tensor(3, 2, 2), "alpha": scalar(0.001)})
    assert (found.alpha, found.details["block_sizes"]) == (None, [2])


def test_a_file_of_several_algorithms_has_the_type_of_most():
    other = {f"{K}{number}.{part}": tensor for number in (1, 2) for part, tensor in LOHA.items()}
    found = facts(LOKR, **other)
    assert (found.type, found.details["algorithms"]) == ("LOHA", {"LOHA": 2, "LOKR": 1})


def test_pairs_of_plain_lora_are_kohyas_and_may_stand_among_others():
    pair = {f"{K}.lora_down.weight": Tensor(2, 8), f"{K}.lora_up.weight": Tensor(6, 2)}
    assert not lycoris.claims(Folder({"a.safetensors": safetensors(pair)}))
    assert kohya.claims(Folder({"a.safetensors": safetensors(pair)}))
    assert facts(LOKR, **pair).ranks == {"2": 1, "4": 1}


@pytest.mark.parametrize("kind", ["LOHA", "LOKR", "LOKR with a whole factor", "GLORA"])
def test_every_missing_factor_is_found(kind):
    _, parts, _ = KINDS[kind]
    for lost in list(parts)[1:]:
        found = checks(facts({part: tensor for part, tensor in parts.items() if part != lost}))
        assert found == ["missing-half"], lost


def test_a_module_of_no_known_algorithm_is_found():
    assert checks(facts(LOKR, **{f"{K}.mystery": Tensor(1)})) == ["missing-half"]


@pytest.mark.parametrize("part", ["hada_w1_a", "hada_w2_b"])
def test_factors_that_do_not_meet_are_found(part):
    assert checks(facts({**LOHA, part: Tensor(5, 5)})) == ["factor-shapes"]


@pytest.mark.parametrize(
    "parts",
    [
        {**LOHA, "hada_w2_a": zeros(6, 4)},
        {**LOKR, "lokr_w2_b": zeros(4, 8)},
        {"lokr_w1": Tensor(2, 2), "lokr_w2": zeros(6, 8)},
        {"oft_blocks": zeros(3, 2, 2)},
        {"diff": zeros(6, 8)},
    ],
)
def test_a_factor_of_zeros_is_untrained(parts):
    assert checks(facts(parts)) == ["untrained"]


def test_zeros_in_one_of_two_products_that_are_added_are_no_finding():
    assert checks(facts({**GLORA, "a1.weight": zeros(8, 4)})) == []
