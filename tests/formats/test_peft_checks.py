"""The findings of PEFT adapters: each is made by its fault, and by nothing else."""

import pytest

from adapterhub.formats.peft import facts
from adapterhub.formats.peft_keys import build_key
from adapterhub.formats.peft_tensor_checks import CHECKS, FACTOR_CHECKS
from tests.formats.foreign_files import Tensor, checks, zeros
from tests.formats.peft_folders import TWO, adapter, pair, pairs

TOKENS = "base_model.model.model.emb.token_adapter.trainable_tokens_delta"
HEAD = {"base_model.model.classifier.weight": Tensor(2, 8)}
Q, V = TWO


def without(tensors, *roles):
    dropped = {build_key(module, role) for module in TWO for role in roles}
    return {name: tensor for name, tensor in tensors.items() if name not in dropped}


def zero_b(*modules):
    return {**pairs(), **{build_key(module, "B"): zeros(6, 4) for module in modules}}


FAULTS = {
    "no-type": ("info", {"peft_type": ...}, None),
    "unknown-type": ("info", {"peft_type": "FINEGATES", "target_modules": ["q_proj"]}, None),
    "unnamed-base": ("warning", {"base_model_name_or_path": ""}, None),
    "local-base": ("info", {"base_model_name_or_path": r"D:\models\llama"}, None),
    "remote-code": ("warning", {"auto_map": {"AutoModel": "x.py"}}, None),
    "parent-path": ("warning", {"corda_config": {"cache_file": "../../cache.pt"}}, None),
    "missing-magnitudes": ("error", {"use_dora": True}, {**pairs(), build_key(Q, "magnitude"): Tensor(6)}),
    "unused-magnitudes": ("warning", {}, {**pairs(), build_key(Q, "magnitude"): Tensor(6)}),
    "lora-bias-differs": ("warning", {"lora_bias": True}, None),
    "untargeted-modules": ("warning", {"target_modules": ["q_proj"]}, None),
    "idle-pattern": ("warning", {"alpha_pattern": {"qproj": 8}}, None),
    "missing-tokens": ("error", {"trainable_token_indices": [3]}, None),
    "tokens-differ": ("error", {"trainable_token_indices": [3]}, {**pairs(), TOKENS: Tensor(2, 8)}),
    "absolute-path": ("info", {"loftq_config": {"cache": ["/data/runs/7"]}}, None),
    "slow-pattern": ("warning", {"target_modules": "(.*a+)+q_proj"}, None),
    "unread-pattern": ("warning", {"rank_pattern": {r"(x)\1": 4}}, None),
    "no-targets": ("warning", {"target_modules": None}, None),
    "mutated-base": ("warning", {"init_lora_weights": "pissa_niter_4"}, None),
    "unsaved-modules": ("info", {"modules_to_save": ["score"]}, None),
    "rank-differs": ("warning", {"r": 5}, None),
    "missing-half": ("error", {}, without(pairs(), "B")),
    "no-factors": ("error", {"modules_to_save": ["classifier"]}, HEAD),
    "factor-shapes": ("error", {}, {**pairs(), build_key(Q, "B"): Tensor(6, 3)}),
    "output-sizes": ("error", {"lora_bias": True}, {**pairs(), build_key(Q, "bias"): Tensor(7)}),
    "rank-exceeds-layer": ("warning", {"r": 7}, {**pair(Q, 7), **pair(V, 7)}),
    "untrained": ("warning", {}, zero_b(Q, V)),
    "partly-untrained": ("info", {}, zero_b(Q)),
    "unexplained-tensors": ("warning", {}, {**pairs(), "base_model.model.x.w": Tensor(1)}),
    "doubled-prefix": ("warning", {}, pairs(tuple(f"base_model.model.{name}" for name in TWO))),
}


@pytest.mark.parametrize("check", FAULTS)
def test_a_fault_makes_its_finding_and_no_other(check):
    severity, fields, tensors = FAULTS[check]
    (found,) = facts(adapter(tensors, **fields)).findings
    assert (found.check, found.severity) == (check, severity)


@pytest.mark.parametrize(
    "fields",
    [
        {"target_modules": r".*\.q_proj"},
        {"exclude_modules": ["v_proj"]},
        {"exclude_modules": r".*v_proj"},
        {"layers_to_transform": [1], "target_modules": ["q_proj", "v_proj"]},
    ],
)
def test_modules_that_peft_would_leave_out_are_named(fields):
    (found,) = facts(adapter(None, **fields)).findings
    assert found.check == "untargeted-modules"
    assert V in found.message


def test_a_module_that_is_saved_whole_is_not_asked_for_a_target():
    assert checks(facts(adapter({**pairs(), **HEAD}, modules_to_save=["classifier"]))) == []


@pytest.mark.parametrize("field", ["auto_map", "trust_remote_code"])
def test_code_to_be_run_is_named_by_its_field(field):
    (found,) = facts(adapter(None, **{field: {"AutoModel": "x.py"}})).findings
    assert (found.check, found.message.split()[0]) == ("remote-code", field)


@pytest.mark.parametrize(
    "tensors",
    [
        {build_key("emb", "embedding_A"): Tensor(9, 5), build_key("emb", "embedding_B"): Tensor(8, 9)},
        {build_key("emb", "A"): Tensor(9, 2, 2, 2), build_key("emb", "B"): Tensor(20, 9, 1, 1)},
    ],
)
def test_a_rank_above_an_embedding_or_a_convolution_is_found(tensors):
    assert checks(facts(adapter(tensors, r=9, target_modules=["emb"]))) == ["rank-exceeds-layer"]


def test_a_layers_pattern_that_never_ends_is_slow():
    assert "slow-pattern" in checks(facts(adapter(None, layers_pattern="(a+)+", layers_to_transform=[0])))


def test_every_check_of_tensors_has_a_fault_here():
    names = {check.__name__.strip("_").replace("_", "-") for check in (*CHECKS, *FACTOR_CHECKS)}
    assert names - {"unexplained"} <= FAULTS.keys()


HARMLESS = {
    "magnitudes of DoRA": (
        {"use_dora": True},
        {**pairs(), **{build_key(module, "magnitude"): Tensor(6) for module in TWO}},
    ),
    "biases of B": ({"lora_bias": True}, {**pairs(), build_key(Q, "bias"): Tensor(6)}),
    "all linear modules": ({"target_modules": "all-linear"}, None),
    "a target that is a whole path": ({"target_modules": list(TWO)}, None),
    "some layers": ({"layers_to_transform": [0]}, None),
    "one layer as a number": ({"layers_to_transform": 0, "layers_pattern": None}, None),
    "layers under a name of their own": ({"layers_to_transform": [7], "layers_pattern": "blocks"}, None),
    "an exclusion of others": ({"exclude_modules": ["o_proj"]}, None),
    "a pattern of a whole path": ({"alpha_pattern": {f"^{Q.replace('.', chr(92) + '.')}": 8}}, None),
    "tokens of two embeddings": (
        {"trainable_token_indices": {"emb": [3, 5], "other": [1]}},
        {**pairs(), TOKENS: Tensor(2, 8)},
    ),
    "an address as a name": ({"base_model_name_or_path": "https://hub.example/org/base"}, None),
    "a name without an organisation": ({"base_model_name_or_path": "gpt2"}, None),
    "a trained head that is named": ({"modules_to_save": ["classifier"]}, {**pairs(), **HEAD}),
    "a head that comes with the task": ({"task_type": "SEQ_CLS"}, {**pairs(), **HEAD}),
    "one head of two": ({"task_type": "SEQ_CLS", "modules_to_save": ["classifier", "score"]}, {**pairs(), **HEAD}),
    "a head whose name ends alike": (
        {"modules_to_save": ["classifier"]},
        {**pairs(), **HEAD, "base_model.model.pre_classifier.weight": Tensor(8, 8)},
    ),
    "all biases": ({"bias": "all"}, {**pairs(), "base_model.model.norm.bias": Tensor(8)}),
    "biases of the targets": ({"bias": "lora_only"}, {**pairs(), f"base_model.model.{Q}.base_layer.bias": Tensor(6)}),
    "a resized vocabulary": ({}, {**pairs(), "base_model.model.model.embed_tokens.weight": Tensor(50, 8)}),
    "trained tokens": (
        {"trainable_token_indices": [3]},
        {**pairs(), "base_model.model.model.emb.token_adapter.trainable_tokens_delta": Tensor(1, 8)},
    ),
    "ranks by pattern": ({"rank_pattern": {"v_proj": 2}}, {**pair(Q, 4), **pair(V, 2)}),
    "another random start": ({"init_lora_weights": "gaussian"}, None),
    "a pattern that is no danger": ({"target_modules": r".*\.(q|v)_proj"}, None),
    "no version of peft": ({"peft_version": ...}, None),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_no_fault_is_no_finding(what):
    fields, tensors = HARMLESS[what]
    assert checks(facts(adapter(tensors, **fields))) == []


def test_biases_nobody_announced_are_unexplained():
    assert checks(facts(adapter({**pairs(), "base_model.model.norm.bias": Tensor(8)}))) == ["unexplained-tensors"]


def test_an_embedding_that_was_never_trained_has_a_zero_a():
    tensors = {build_key("emb", "embedding_A"): zeros(4, 9), build_key("emb", "embedding_B"): Tensor(8, 4)}
    assert checks(facts(adapter(tensors, target_modules=["emb"]))) == ["untrained"]


def test_adalora_that_was_never_trained_has_a_zero_e():
    tensors = {"base_model.model.q.lora_A": Tensor(2, 8), "base_model.model.q.lora_B": Tensor(6, 2)}
    trained = {**tensors, "base_model.model.q.lora_E": Tensor(2, 1)}
    fresh = {**tensors, "base_model.model.q.lora_E": zeros(2, 1)}
    assert checks(facts(adapter(trained, peft_type="ADALORA", target_modules=["q"]))) == []
    assert checks(facts(adapter(fresh, peft_type="ADALORA", target_modules=["q"]))) == ["untrained"]


def test_a_finding_names_numbers_and_modules():
    (found,) = facts(adapter(None, r=5)).findings
    assert found.place == "adapter_config.json"
    assert "r is 5 by the config and 4 by the tensors of 2 modules: model.layers.0" in found.message


def test_a_hostile_pattern_does_not_keep_us():
    told = facts(adapter(None, rank_pattern={"(a+)+$": 4, "((.*)*)*x": 4}, target_modules="(([a-z.0-9_]+)+)+!"))
    assert checks(told) == ["slow-pattern"]
