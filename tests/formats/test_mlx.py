"""mlx-lm folders: what config and tensors say together, and what a missing or a lying config leaves."""

import json

import pytest

from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats import mlx
from tests.formats.foreign_files import Folder, Tensor, checks, npy, safetensors, zeros, zipped

CONFIG = {
    "fine_tune_type": "lora",
    "lora_parameters": {"rank": 2, "dropout": 0.0, "scale": 10.0},
    "model": "org/base",
    "num_layers": 16,
}
Q, V = "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj"
PAIR = {f"{Q}.lora_a": Tensor(8, 2), f"{Q}.lora_b": Tensor(2, 4)}


def folder(config: object = CONFIG, tensors: dict[str, Tensor] = PAIR) -> Folder:
    return Folder({"adapter_config.json": json.dumps(config).encode(), "adapters.safetensors": safetensors(tensors)})


def settings(**changes: object) -> dict[str, object]:
    return {**CONFIG, "lora_parameters": {"rank": 2, "scale": 10.0, **changes}}


def test_a_folder_is_described():
    facts = mlx.facts(folder())
    assert (facts.format, facts.type, facts.rank, facts.alpha) == ("mlx", "LORA", 2, 20.0)
    assert (facts.targets, facts.modules, facts.dtype, facts.parameters) == (("q_proj",), 1, "F32", 24)
    assert (facts.base_name, facts.ranks, facts.health) == ("org/base", {"2": 1}, "ok")
    assert facts.details["scale"] == 10.0
    assert facts.details["num_layers"] == 16


def test_ranks_are_counted_by_module():
    tensors = {**PAIR, f"{V}.lora_a": Tensor(8, 4), f"{V}.lora_b": Tensor(4, 4)}
    facts = mlx.facts(folder(tensors=tensors))
    assert (facts.rank, facts.ranks, facts.targets) == (4, {"2": 1, "4": 1}, ("q_proj", "v_proj"))


def test_the_alpha_of_the_config_counts_and_a_scale_that_differs_is_told():
    facts = mlx.facts(folder(settings(alpha=16)))
    assert (facts.alpha, checks(facts), facts.health) == (16.0, ["alpha-ignored"], "ok")
    assert "20" in facts.findings[0].message


def test_an_alpha_that_agrees_with_the_scale_is_no_finding():
    assert mlx.facts(folder(settings(alpha=20))).findings == ()


def test_keys_of_the_config_are_the_targets():
    assert mlx.facts(folder(settings(keys=["mlp.up_proj", "self_attn.q_proj"]))).targets == ("q_proj", "up_proj")


def test_experts_have_the_rank_in_the_middle():
    tensors = {"mlp.switch.lora_a": Tensor(3, 2, 8), "mlp.switch.lora_b": Tensor(3, 4, 2)}
    facts = mlx.facts(folder(tensors=tensors))
    assert (facts.rank, facts.findings) == (2, ())


def test_magnitudes_of_dora_belong_to_their_module():
    facts = mlx.facts(folder({**CONFIG, "fine_tune_type": "dora"}, {**PAIR, f"{Q}.m": Tensor(4)}))
    assert (facts.type, facts.modules, facts.details["use_dora"]) == ("LORA", 1, True)


def test_a_full_fine_tuning_is_called_full():
    weights = {f"{Q}.weight": Tensor(4, 8), f"{Q}.bias": Tensor(4)}
    for config in ({**CONFIG, "fine_tune_type": "full"}, {"lora_layers": 4}):
        facts = mlx.facts(folder(config, weights))
        assert (facts.type, facts.rank, facts.modules, facts.targets) == ("FULL", None, 1, ("q_proj",))


def test_the_old_npz_without_a_config_has_no_scale():
    arrays = {f"{Q}.lora_a.npy": npy("<f4", (8, 2), b"\1" * 64), f"{Q}.lora_b.npy": npy("<f4", (2, 4), b"\1" * 32)}
    members = Folder({"adapters.npz": zipped(arrays)})
    facts = mlx.facts(members)
    assert mlx.claims(members)
    assert (facts.rank, facts.alpha, facts.base_name, checks(facts)) == (2, None, None, ["no-config"])


@pytest.mark.parametrize("deflate", [False, True])
def test_an_npz_of_zeros_is_untrained_where_that_can_be_seen(deflate):
    arrays = {f"{Q}.lora_a.npy": npy("<f4", (8, 2), b"\1" * 64), f"{Q}.lora_b.npy": npy("<f4", (2, 4), bytes(32))}
    facts = mlx.facts(Folder({"adapters.npz": zipped(arrays, deflate=deflate)}))
    assert ("untrained" in checks(facts)) is not deflate


def test_a_second_factor_of_zeros_is_untrained():
    facts = mlx.facts(folder(tensors={**PAIR, f"{Q}.lora_b": zeros(2, 4)}))
    assert (checks(facts), facts.health) == (["untrained"], "untrained")


def test_another_rank_in_the_config_is_told_and_the_tensors_count():
    facts = mlx.facts(folder(settings(rank=16)))
    assert (facts.rank, checks(facts)) == (2, ["rank-differs"])


@pytest.mark.parametrize(
    ("tensors", "check"),
    [
        ({f"{Q}.lora_a": Tensor(8, 2)}, "missing-half"),
        ({f"{Q}.lora_a": Tensor(8, 2), f"{Q}.lora_b": Tensor(3, 4)}, "factor-shapes"),
        ({f"{Q}.lora_a": Tensor(8), f"{Q}.lora_b": Tensor(2, 4)}, "factor-shapes"),
        ({**PAIR, "odd": Tensor(1)}, "unexplained-tensors"),
        ({}, "no-factors"),
    ],
)
def test_what_is_wrong_with_the_tensors_is_found(tensors, check):
    assert checks(mlx.facts(folder(tensors=tensors))) == [check]


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({"lora_parameters": 3}, "lora_parameters"),
        (settings(alpha="16"), "alpha"),
        (settings(scale=True), "scale"),
        (settings(scale=10**400), "finite number"),
        (settings(keys="q_proj"), "keys"),
        ({**CONFIG, "model": ["a"]}, "model"),
        ({**CONFIG, "num_layers": "all"}, "num_layers"),
        ({**CONFIG, "fine_tune_type": 1}, "fine_tune_type"),
        ([], "object"),
    ],
)
def test_a_config_of_the_wrong_kind_is_refused_by_field(config, word):
    with pytest.raises(Corrupt, match=rf"adapter_config\.json: .*{word}"):
        mlx.facts(folder(config))


def test_a_config_alone_is_claimed_and_misses_its_weights():
    members = Folder({"adapter_config.json": json.dumps(CONFIG).encode()})
    assert mlx.claims(members)
    with pytest.raises(NotFound, match="no weights"):
        mlx.facts(members)


@pytest.mark.parametrize("config", [b'{"peft_type": "LORA"}', b"{", b"[]", b"\xff"])
def test_the_config_of_somebody_else_is_not_claimed(config):
    assert not mlx.claims(Folder({"adapter_config.json": config}))


def test_weights_that_lie_are_refused():
    members = Folder({"adapters.safetensors": safetensors(PAIR)[:-1]})
    assert mlx.claims(members)
    with pytest.raises(Corrupt, match=r"adapters\.safetensors"):
        mlx.facts(members)
