"""What each pruning keeps, on numbers worked by hand, and what a vote elects."""

import pytest
import torch
from torch import Tensor

from adapterhub.compose.merging import elements, elementwise
from adapterhub.compose.merging.elements import Setting, combine, of_tensor
from adapterhub.compose.methods import METHODS
from adapterhub.compose.rows import BLOCK, kth_largest
from tests.compose.merging.builders import dense, distance, exact, matrix, one
from tests.lora.builders import delta

ROWS = torch.tensor([[1.0, -2.0, 3.0, -4.0], [0.5, 0.0, -0.25, 8.0]])


def test_trim_keeps_what_is_at_least_the_limit():
    assert elementwise.trim(ROWS, 3.0).tolist() == [[0, 0, 3, -4], [0, 0, 0, 8]]


def test_a_band_leaves_out_the_small_and_the_largest():
    assert elementwise.band(ROWS, 0.25, 4.0).tolist() == [[1, -2, 3, -4], [0.5, 0, 0, 0]]


def test_what_is_dropped_by_chance_is_made_up_for():
    chance = torch.tensor([[0.1, 0.6, 0.4, 0.9]] * 2)
    assert elementwise.drop(ROWS, chance, 0.5).tolist() == [[2, 0, 6, 0], [1, 0, -0.5, 0]]


def test_larger_elements_of_a_row_are_likelier_kept():
    keep = torch.tensor([0.4, 0.4 + 0.2 / 3, 0.4 + 0.4 / 3, 0.6])
    kept = elementwise.rank_drop(ROWS[:1], torch.zeros(1, 4), 0.5, 0.2)
    assert torch.allclose(kept, ROWS[:1] / keep)
    assert elementwise.rank_drop(ROWS[:1], torch.full((1, 4), 0.5), 0.5, 0.2).count_nonzero() == 2


def test_a_vote_takes_the_mean_of_those_that_agree():
    weighted = torch.tensor([[[1.0, -1.0, 2.0, 0.0]], [[3.0, -2.0, -5.0, 0.0]], [[-1.0, 5.0, 0.0, 0.0]]])
    assert elementwise.elect(weighted, torch.ones(3)).tolist() == [[2.0, 5.0, -5.0, 0.0]]


def test_a_vote_is_weighed():
    weights = torch.tensor([2.0, 1.0])
    weighted = torch.tensor([[[1.0]], [[4.0]]]) * weights[:, None, None]
    assert elementwise.elect(weighted, weights).item() == pytest.approx((2 * 1 + 1 * 4) / 3)


@pytest.mark.parametrize("size", [(3, 5), (BLOCK + 7, 11), (2 * BLOCK, 300)])
def test_the_kth_largest_is_that_of_sorting(size):
    rows = torch.randn(size)
    ordered = rows.abs().flatten().sort(descending=True).values
    counts = [1, 2, rows.numel() // 5, rows.numel() // 2, rows.numel() - 1, rows.numel()]
    assert kth_largest(lambda: iter(rows.split(BLOCK)), rows.numel(), counts) == [float(ordered[k - 1]) for k in counts]


def test_the_kth_largest_of_mostly_zeros_and_past_the_end_is_zero():
    rows = torch.zeros(1000, 100)
    rows[7, 3] = -2.0
    assert kth_largest(lambda: iter(rows.split(BLOCK)), rows.numel(), [1, 2, 90_000, 100_001]) == [2.0, 0.0, 0.0, 0.0]


def test_a_sample_that_misleads_costs_time_but_no_truth():
    rows = torch.zeros(BLOCK, 61 * 4)
    rows[:, 1::61] = torch.arange(1.0, BLOCK * 4 + 1).view(BLOCK, 4)  # never where the sample looks
    assert kth_largest(lambda: iter([rows]), rows.numel(), [3]) == [BLOCK * 4 - 2.0]


def dense_ties(updates: Tensor, weights: Tensor, density: float) -> Tensor:
    """The paper's three steps on whole matrices."""
    kept = torch.zeros_like(updates)
    for number, update in enumerate(updates):
        count = round(density * update.numel())
        limit = update.abs().flatten().sort(descending=True).values[count - 1]
        kept[number] = update * (update.abs() >= limit)
    weighted = kept * weights[:, None, None]
    sign = weighted.sum(0).sign()
    agree = (weighted.sign() == sign) & (sign != 0)
    return (weighted * agree).sum(0) / (weights.abs()[:, None, None] * agree).sum(0).clamp_min(1e-30)


def test_ties_is_the_papers_in_blocks_of_rows():
    updates, weights = torch.randn(3, 2 * BLOCK + 5, 12), torch.tensor([1.0, 0.5, -0.7])
    got = combine(of_tensor(updates), weights, Setting(elements.trim, True, {"density": 0.3}))
    assert torch.allclose(got, dense_ties(updates, weights, 0.3), atol=1e-6)


@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if row.vote])
def test_a_vote_is_a_mean_however_large_the_weights_are(method):
    first, second = delta(24, 16, 3, seed=1), delta(24, 16, 3, seed=2)
    wanted = dense(one([(first, 1.0), (second, 0.5)], method))
    assert distance(dense(one([(first, 0.25), (second, 0.125)], method)), wanted) < 1e-6


def test_ties_of_a_merge_is_that_of_its_dense_updates():
    parts = [(delta(24, 16, 3, seed=n, scale=1.5), weight) for n, weight in enumerate((1.0, 0.5))]
    updates = torch.stack([exact([(part, 1.0)]) for part, _ in parts]).float()
    wanted = dense_ties(updates, torch.tensor([1.0, 0.5]), 0.4)
    got = dense(one(parts, "ties", rank=16, set={"density": 0.4, "scale": 2.0}))
    assert torch.allclose(got.float(), 2 * wanted, atol=1e-5)


def test_dropping_keeps_the_expected_value_and_the_density():
    rows = torch.ones(1, 2000, 50)
    got = combine(of_tensor(rows), torch.ones(1), Setting(elements.drop, False, {"density": 0.25}, seed=1))
    assert float((got != 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(got.mean()) == pytest.approx(1.0, abs=0.04)


def test_operands_are_dropped_independently_and_the_same_in_every_company():
    rows = torch.ones(2, 40, 30)
    setting = Setting(elements.drop, False, {"density": 0.5}, seed=1, module="m")
    both = combine(of_tensor(rows), torch.tensor([1.0, 10.0]), setting)
    first = combine(of_tensor(rows[:1]), torch.ones(1), setting)
    assert set(both.unique().tolist()) == {0.0, 2.0, 20.0, 22.0}
    assert torch.equal((both % 20 == 2), first == 2)


def test_breadcrumbs_keeps_the_middle():
    ramp = [[float(n) for n in range(1, 11)]]
    got = dense(one([(matrix(ramp), 1.0)], "breadcrumbs", rank=10, set={"density": 0.5, "outliers": 0.2}))
    assert got.round().tolist() == [[0, 0, 0, 4, 5, 6, 7, 8, 0, 0]]


def test_magnitude_prune_keeps_the_largest_and_adds():
    got = dense(
        one(
            [(matrix([[1.0, -3.0], [2.0, 0.5]]), 1.0), (matrix([[4.0, 1.0], [0.0, 3.0]]), 0.5)],
            "magnitude_prune",
            rank=2,
        )
    )
    assert torch.allclose(got, torch.tensor([[2.0, -3.0], [2.0, 1.5]]).double(), atol=1e-6)
