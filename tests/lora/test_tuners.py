"""LoHa, LoKr, VeRA and IA3: PEFT, which loads the same files, comes to the same weights."""

import pytest
import torch
from peft import IA3Config, LoHaConfig, LoKrConfig, VeraConfig
from safetensors.torch import load_file

from adapterhub.errors import Corrupt, Refused
from adapterhub.lora.load import load
from tests.lora.builders import entry_of
from tests.lora.judge import assert_as_peft, edit_config, trained
from tests.lora.test_factored import tampered

PREFIX, WEIGHTS_FILE = "base_model.model.", "adapter_model.safetensors"
LAYERS = ["lin", "wide", "conv1", "conv2", "point", "grouped"]
WEIGHTS = [f"{module}.weight" for module in LAYERS]
PATTERNS = {"rank_pattern": {"wide": 3}, "alpha_pattern": {"conv.": 5, "wide": 0.5}}


def loaded(folder):
    return load(entry_of(folder), "ada/poet")


@pytest.mark.parametrize("cores", [False, True])
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_loha_is_a_product_entry_by_entry(tmp_path, cores, rank):
    trained(tmp_path, LoHaConfig(r=rank, alpha=3, target_modules=LAYERS, use_effective_conv2d=cores, **PATTERNS))
    assert_as_peft(tmp_path, *WEIGHTS)
    delta = loaded(tmp_path).deltas["lin"]
    assert delta.rank == min(rank * rank, 6)


@pytest.mark.parametrize(
    ("config", "cores"),
    [
        ({"r": 1}, False),
        ({"r": 1, "decompose_both": True}, False),
        ({"r": 2, "decompose_factor": 2}, False),
        ({"r": 2, "decompose_factor": 2}, True),
        ({"r": 2, "decompose_factor": 1}, True),
        ({"r": 16}, False),
        ({"r": 16}, True),
    ],
)
def test_lokr_is_a_kronecker_product(tmp_path, config, cores):
    patterns = {"alpha_pattern": PATTERNS["alpha_pattern"]}
    trained(tmp_path, LoKrConfig(alpha=3, target_modules=LAYERS, use_effective_conv2d=cores, **config, **patterns))
    assert_as_peft(tmp_path, *WEIGHTS)
    for module, delta in loaded(tmp_path).deltas.items():
        assert delta.rank <= min(delta.shape), module


def test_lokr_of_rank_1_with_a_core_is_read(tmp_path):
    # PEFT 0.21 cannot: torch.kron fails on what it makes of it.
    trained(tmp_path, LoKrConfig(r=1, alpha=3, target_modules=["conv2"], use_effective_conv2d=True))
    t = {name.rpartition("lokr_")[2]: one for name, one in load_file(str(tmp_path / WEIGHTS_FILE)).items()}
    kernel = t["w2_a"][0, :, None, None, None] * t["w2_b"][0, :, None, None] * t["t2"][0, 0]
    change = 3 * torch.einsum("ab,cdkl->acbdkl", t["w1"], kernel)
    assert torch.allclose(loaded(tmp_path).deltas["conv2"].dense().flatten(), change.flatten())


def test_lokr_of_two_whole_matrices_takes_its_rank_from_the_config(tmp_path):
    trained(tmp_path, LoKrConfig(r=16, alpha=3, target_modules=["lin", "wide"], rank_pattern={"wide": 20}))
    deltas = loaded(tmp_path).deltas
    assert {module: delta.scale for module, delta in deltas.items()} == {"lin": 3 / 16, "wide": 3 / 20}
    edit_config(tmp_path, r=0)
    with pytest.raises(Corrupt, match="lin: wanted the rank from the config, a whole number above 0, got 0"):
        loaded(tmp_path)


@pytest.mark.parametrize("config", [LoHaConfig, LoKrConfig])
def test_without_an_alpha_pefts_own_counts(tmp_path, config):
    trained(tmp_path, config(r=2, alpha=8, target_modules=["wide"]))
    path = tmp_path / "adapter_config.json"
    path.write_text(path.read_text().replace('"alpha": 8', '"other": 8'))
    assert_as_peft(tmp_path, "wide.weight")


def test_the_kernel_is_known_where_it_was_saved_without_a_doubt(tmp_path):
    trained(tmp_path, LoHaConfig(r=1, target_modules=["conv1", "conv2", "point"], use_effective_conv2d=True))
    forms = {module: str(delta.form) for module, delta in loaded(tmp_path).deltas.items()}
    assert forms == {"conv1": "linear", "conv2": "conv 3×2", "point": "linear"}


def test_what_is_saved_beside_any_tuner_is_read_too(tmp_path):
    trained(tmp_path, LoHaConfig(r=1, target_modules=["lin"], modules_to_save=["norm"]))
    assert_as_peft(tmp_path, "lin.weight", "norm.weight", "norm.bias")


@pytest.mark.parametrize(
    ("part", "change", "says"),
    [
        ("w1_a", None, "w1_a is missing, there is w1_b, w2_a, w2_b"),
        ("w1_a", (10, 3), r"tensors that do not fit together: .*w1_a \[10, 3\]"),
        ("w2_a", (1, 2), "tensors that do not fit together"),
        ("w2_b", (2, 0), r"w2_b has the shape \[2, 0\]"),
        ("w2_b", (2, 6, 1), r"w2_b has the shape \[2, 6, 1\]"),
    ],
)
def test_factors_that_do_not_fit_are_corrupt(tmp_path, part, change, says):
    trained(tmp_path, LoHaConfig(r=2, target_modules=["lin"]))
    name = f"{PREFIX}lin.hada_{part}"
    tampered(tmp_path, lambda t: t.pop(name) if change is None else t.update({name: torch.ones(change)}))
    with pytest.raises(Corrupt, match=f"ada/poet: .*: lin: {says}"):
        loaded(tmp_path)


def test_parts_of_several_precisions_meet_in_the_widest(tmp_path):
    trained(tmp_path, LoHaConfig(r=2, target_modules=["lin"]))
    tampered(tmp_path, lambda t: t.update({f"{PREFIX}lin.hada_w1_a": torch.ones(10, 2).half()}))
    assert loaded(tmp_path).deltas["lin"].A.dtype == torch.float64
    tampered(tmp_path, lambda t: t.update({name: one.bfloat16() for name, one in t.items()}))
    assert loaded(tmp_path).deltas["lin"].A.dtype == torch.float32


@pytest.mark.parametrize("part", ["t1", "t2"])
def test_cores_that_do_not_fit_are_corrupt(tmp_path, part):
    trained(tmp_path, LoHaConfig(r=2, target_modules=["conv2"], use_effective_conv2d=True))
    tampered(tmp_path, lambda t: t.update({f"{PREFIX}conv2.hada_{part}": torch.ones(2, 3, 3, 2)}))
    with pytest.raises(Corrupt, match="conv2: tensors that do not fit together"):
        loaded(tmp_path)


def test_a_core_of_lokr_that_does_not_fit_is_corrupt(tmp_path):
    trained(tmp_path, LoKrConfig(r=1, target_modules=["conv2"], use_effective_conv2d=True))
    tampered(tmp_path, lambda t: t.update({f"{PREFIX}conv2.lokr_t2": torch.ones(1, 3, 3, 2)}))
    with pytest.raises(Corrupt, match="conv2: tensors that do not fit together"):
        loaded(tmp_path)


def test_vera_scales_what_all_modules_share(tmp_path):
    trained(tmp_path, VeraConfig(r=3, target_modules=["lin", "turned"], d_initial=0.3))
    assert_as_peft(tmp_path, "lin.weight", "turned.weight")


def test_vera_is_as_wide_as_the_widest_of_its_modules(tmp_path):
    trained(tmp_path, VeraConfig(r=3, target_modules=["lin", "wide"]))
    deltas = loaded(tmp_path).deltas
    assert {module: delta.shape for module, delta in deltas.items()} == {"lin": (10, 12), "wide": (8, 12)}
    tensors = load_file(str(tmp_path / WEIGHTS_FILE))
    left = deltas["lin"].dense()[:, :6]
    b, d = (tensors[f"{PREFIX}lin.vera_lambda_{part}"] for part in "bd")
    right = b[:, None] * tensors["base_model.vera_B"] @ (d[:, None] * tensors["base_model.vera_A"])[:, :6]
    assert torch.allclose(left.double(), right.double())


def test_vera_without_its_projections_is_refused(tmp_path):
    with pytest.warns(UserWarning, match="PRNG"):
        config = VeraConfig(r=3, target_modules=["lin"], save_projection=False)
    trained(tmp_path, config)
    with pytest.raises(Refused, match="save_projection false"):
        loaded(tmp_path)


@pytest.mark.parametrize("part", ["A", "B"])
def test_projections_of_another_rank_are_corrupt(tmp_path, part):
    trained(tmp_path, VeraConfig(r=3, target_modules=["lin"]))
    tampered(tmp_path, lambda t: t.update({f"base_model.vera_{part}": torch.ones(5, 5)}))
    with pytest.raises(Corrupt, match="do not fit together"):
        loaded(tmp_path)


@pytest.mark.parametrize("inner", [[], ["wide", "conv2"], "(wide|conv.)"])
def test_ia3_multiplies_outputs_or_inputs(tmp_path, inner):
    targets = ["lin", "wide", "turned", "conv2", "conv3"]
    trained(tmp_path, IA3Config(target_modules=targets, feedforward_modules=inner))
    inputs = {"wide", "conv2", "conv3"} if isinstance(inner, str) else set(inner)
    assert {module for module, gain in loaded(tmp_path).gains.items() if gain.side == "in"} == inputs
    biases = [f"{module}.bias" for module in targets if module not in inputs]
    assert_as_peft(tmp_path, *(f"{module}.weight" for module in targets), *biases)


@pytest.mark.parametrize(("inner", "says"), [(None, "does not say whether"), ("(?=conv)", "cannot be read")])
def test_ia3_of_a_convolution_needs_the_config(tmp_path, inner, says):
    trained(tmp_path, IA3Config(target_modules=["conv2"], feedforward_modules=[]))
    edit_config(tmp_path, feedforward_modules=inner)
    with pytest.raises(Corrupt, match=f"conv2: feedforward_modules {says}"):
        loaded(tmp_path)


def test_a_type_without_a_tensor_of_its_own_is_corrupt(tmp_path):
    trained(tmp_path, LoHaConfig(r=1, target_modules=["lin"], modules_to_save=["norm"]))
    edit_config(tmp_path, peft_type="LOKR")
    with pytest.raises(Corrupt, match="no tensor is one of LOKR"):
        loaded(tmp_path)
