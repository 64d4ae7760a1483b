"""What a fine-tuning changed comes out as the best factors of a rank, with its error."""

import pytest
import torch

from adapterhub.compose.checkpoints.extract import extract
from adapterhub.compose.checkpoints.extract_plan import plan_extract
from adapterhub.errors import DoesNotFit, NotFound, Refused, WrongUsage
from adapterhub.lora.adapter import Adapter
from tests.compose.builders import TARGETS, adapter
from tests.compose.checkpoints.builders import base_of, checkpoint, delta, far, fused, normal, one, part, reloaded

PLAIN = {"q.weight": normal(30, 20), "q.bias": normal(30), "norm.weight": normal(20)}


def two(tmp_path, tuned, base=PLAIN, **config):
    return checkpoint(tmp_path / "base", base, **config), checkpoint(tmp_path / "tuned", tuned, **config)


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.filterwarnings("ignore")
def test_what_was_fused_comes_out_again(tmp_path, kind):
    base, folder = base_of(tmp_path / "base", kind), adapter(tmp_path / "a", kind, target_modules=TARGETS[kind][:2])
    fused([part(folder)], base, tmp_path / "tuned")
    found = extract(base, tmp_path / "tuned", rank=4)
    assert found.relative_error < 1e-5
    assert all(one.delta.rank <= 4 for one in found.modules.values())
    again = Adapter({module: one.delta for module, one in found.modules.items()})
    fused([one(again)], base, tmp_path / "again")
    assert far(reloaded(tmp_path / "again", kind), reloaded(tmp_path / "tuned", kind)) < 1e-5
    assert {one.turned for one in found.modules.values()} == {kind == "gpt2"}


def test_the_error_is_that_of_the_best_factors(tmp_path):
    change = normal(30, 20, seed=3)
    base, tuned = two(tmp_path, PLAIN | {"q.weight": PLAIN["q.weight"] + change})
    found = extract(base, tuned, rank=5).modules["q"]
    actual = (PLAIN["q.weight"] + change) - PLAIN["q.weight"]
    values = torch.linalg.svdvals(actual.double())
    assert found.missed == pytest.approx(float(values[5:].norm()), rel=1e-5)
    assert found.wanted == pytest.approx(float(values.norm()), rel=1e-5)
    assert found.relative_error == pytest.approx(found.missed / found.wanted)
    assert found.delta.A.dtype == found.delta.B.dtype == torch.float32
    assert float(torch.linalg.norm(actual - found.delta.dense())) == pytest.approx(found.missed, rel=1e-5)


def test_an_energy_keeps_that_part_of_the_change(tmp_path):
    base, tuned = two(tmp_path, PLAIN | {"q.weight": PLAIN["q.weight"] + normal(30, 20, seed=3)})
    found = extract(base, tuned, energy=0.8).modules["q"]
    smaller = extract(base, tuned, rank=found.delta.rank - 1).modules["q"]
    assert found.relative_error**2 <= 0.2 < smaller.relative_error**2


def test_a_large_matrix_is_sketched_the_same_every_time(tmp_path):
    W = normal(500, 400)
    base, tuned = two(tmp_path, {"q.weight": W + delta(500, 400, 6).dense()}, {"q.weight": W})
    first, second = (extract(base, tuned, rank=6) for _ in range(2))
    assert first.relative_error < 1e-4
    assert torch.equal(first.modules["q"].delta.A, second.modules["q"].delta.A)


def test_an_embedding_comes_out_in_its_own_form(tmp_path):
    W, change = normal(12, 5), delta(5, 12, kind="embedding")
    base, tuned = two(tmp_path, {"embed_tokens.weight": W + change.dense().T}, {"embed_tokens.weight": W})
    found = extract(base, tuned, rank=2).modules["embed_tokens"].delta
    assert (found.form.kind, found.shape) == ("embedding", (5, 12))
    assert torch.allclose(found.dense(), change.dense(), atol=1e-5)


@pytest.mark.parametrize(
    ("module", "config", "kind"),
    [
        ("bert.embeddings.word_embeddings", {}, "embedding"),
        ("transformer.wte", {}, "embedding"),
        ("encoder.relative_attention_bias", {}, "embedding"),
        ("shared", {"vocab_size": 12}, "embedding"),
        ("shared", {"vocab_size": 9}, "linear"),
        ("vision.patch_embedding", {"vocab_size": 32}, "linear"),
        ("time_embedding", {}, "linear"),
        ("speech.unit_embedding", {"t2u_config": {"unit_vocab_size": 12}}, "embedding"),
        ("embedding", {"text_config": {"vocab_size": 12}}, "embedding"),
    ],
)
def test_an_embedding_is_known_by_more_than_the_end_of_its_name(tmp_path, module, config, kind):
    W = normal(12, 5)
    base, tuned = two(tmp_path, {f"{module}.weight": W + normal(12, 5, seed=3)}, {f"{module}.weight": W}, **config)
    found = extract(base, tuned, rank=2).modules[module].delta
    assert (found.form.kind, found.shape) == (kind, (5, 12) if kind == "embedding" else (12, 5))


def test_a_plan_says_what_is_compared_and_reads_no_values(tmp_path):
    tensors = {"q.weight": normal(30, 20), "embed_tokens.weight": normal(12, 5), "norm.weight": normal(20)}
    base, tuned = two(tmp_path, tensors | {"score.weight": normal(2, 3)}, tensors)
    plan = plan_extract(base, tuned, rank=8)
    assert [(one.module, one.shape, plan.rank(one)) for one in plan.places] == [
        ("embed_tokens", (5, 12), 5),
        ("q", (30, 20), 8),
    ]
    assert {pair.name: why for pair, why in plan.others.items()} == {"norm.weight": "it is no matrix of a module: 20"}
    assert plan.alone == {"score.weight": "it is not in the base"}
    assert plan_extract(base, tuned, energy=0.5).rank(plan.places[0]) is None


def test_what_is_known_to_be_the_same_is_not_read(tmp_path):
    base, tuned = two(tmp_path, PLAIN | {"q.weight": PLAIN["q.weight"] + 1, "r.weight": normal(3, 2)}, PLAIN)
    heard = []
    with pytest.raises(Refused, match="no module differs"):
        extract(base, tuned, rank=1, same={"q.weight"}, progress=lambda *n: heard.append(n))
    assert heard[-1][0] == heard[-1][1]


def test_what_changed_and_is_no_matrix_is_told(tmp_path):
    changed = {name: tensor + 1 for name, tensor in PLAIN.items()}
    base, tuned = two(tmp_path, changed | {"score.weight": normal(2, 3)})
    found = extract(base, tuned, rank=2)
    assert list(found.modules) == ["q"]
    assert found.left_out == {
        "score.weight": "it is not in the base",
        "norm.weight": "it is no matrix of a module: 20",
        "q.bias": "it is no matrix of a module: 30",
    }


def test_only_the_modules_asked_for_are_taken(tmp_path):
    base, tuned = two(
        tmp_path,
        {"a.weight": normal(4, 3), "b.weight": normal(4, 3)},
        {"a.weight": normal(4, 3, seed=1), "b.weight": normal(4, 3, seed=2)},
    )
    found = extract(base, tuned, rank=1, targets="a*")
    assert list(found.modules) == ["a"]
    assert found.left_out == {"b.weight": "it does not match 'a*'"}
    with pytest.raises(NotFound, match="matches no module"):
        extract(base, tuned, rank=1, targets="z*")


def test_a_tied_embedding_is_not_half_taken(tmp_path):
    W = normal(6, 3)
    base, tuned = two(
        tmp_path,
        {"embed_tokens.weight": W + 1, "q.weight": W + delta(6, 3).dense()},
        {"embed_tokens.weight": W, "q.weight": W},
        tie_word_embeddings=True,
        vocab_size=6,
    )
    found = extract(base, tuned, rank=2)
    assert list(found.modules) == ["q"]
    assert "the output layer shares it" in found.left_out["embed_tokens.weight"]


def test_checkpoints_of_two_precisions_and_prefixes_are_compared(tmp_path):
    W = normal(8, 6, dtype=torch.bfloat16)
    tuned = {"model.q.weight": W.float() + delta(8, 6).dense(), "model.same.weight": W.float()}
    base, other = two(tmp_path, tuned, {"q.weight": W, "same.weight": W})
    found = extract(base, other, rank=2)
    assert list(found.modules) == ["q"]
    assert found.relative_error < 1e-5


def test_progress_ends_at_the_whole(tmp_path):
    base, tuned = two(tmp_path, {name: tensor + 1 for name, tensor in PLAIN.items()})
    heard = []
    extract(base, tuned, rank=1, progress=lambda *n: heard.append(n))
    assert heard[-1] == (4 * (600 + 30 + 20),) * 2


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"rank": 1, "energy": 0.5},
        {"rank": 0},
        {"energy": 1.5},
        {"energy": 0.0},
        {"energy": -1.0},
        {"energy": float("nan")},
    ],
)
def test_a_rank_or_an_energy_is_asked_for(tmp_path, asked):
    base, tuned = two(tmp_path, PLAIN)
    with pytest.raises(WrongUsage, match=r"rank|energy") as caught:
        extract(base, tuned, **asked)
    assert "--rank 16" in caught.value.hint


def test_no_difference_is_no_adapter(tmp_path):
    base, tuned = two(tmp_path, PLAIN)
    with pytest.raises(Refused, match="no module differs"):
        extract(base, tuned, rank=2)
    (tmp_path / "b").mkdir()
    base, tuned = two(tmp_path / "b", PLAIN | {"norm.weight": PLAIN["norm.weight"] + 1})
    with pytest.raises(Refused, match=r"norm.weight: it is no matrix"):
        extract(base, tuned, rank=2)


def test_other_shapes_are_told_and_other_models_refused(tmp_path):
    base, tuned = two(
        tmp_path,
        {"q.weight": normal(4, 3), "e.weight": normal(7, 3)},
        {"q.weight": normal(4, 3, seed=1), "e.weight": normal(6, 3)},
    )
    assert extract(base, tuned, rank=1).left_out == {"e.weight": "it is [6, 3] in the base and [7, 3] in the other"}
    with pytest.raises(DoesNotFit, match="has no tensor of"):
        extract(base, checkpoint(tmp_path / "other", {"z.weight": normal(2, 2)}), rank=1)


def test_a_broken_or_quantised_checkpoint_is_refused(tmp_path):
    base, tuned = two(tmp_path, PLAIN | {"q.weight": PLAIN["q.weight"] * torch.nan})
    with pytest.raises(Refused, match="NaN or infinity"):
        extract(base, tuned, rank=1)
    quantised = checkpoint(tmp_path / "small", PLAIN, quantization_config={"quant_method": "awq"})
    with pytest.raises(Refused, match="quantised"):
        extract(base, quantised, rank=1)
