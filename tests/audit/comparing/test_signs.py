"""What is drawn of a large update says what the whole says, and how sure that is."""

import numpy as np
import torch

from adapterhub.audit.comparing import signs as module
from adapterhub.audit.comparing.compare import compare
from adapterhub.audit.comparing.factor import directions
from adapterhub.audit.comparing.signs import signs
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta
from tests.audit.comparing import judge
from tests.audit.comparing.judge import adapter, dense

LARGE = {"q": (400, 300)}


def related() -> tuple[Adapter, Adapter]:
    one, other = adapter(LARGE, 8, seed=1), adapter(LARGE, 8, seed=2)
    mine, theirs = one.deltas["q"], other.deltas["q"]
    both = Delta(torch.cat([mine.A, theirs.A]), torch.cat([mine.B, theirs.B], 1), 0.5)
    return one, Adapter({"q": both})


def test_of_a_large_update_so_many_entries_are_drawn_that_the_share_is_known():
    one, other = related()
    found = compare({"a": one, "b": other}).pairs[0]
    exact = judge.sign_conflict(dense(one), dense(other))
    assert 0 < found.sign_conflict_error < 0.01
    assert abs(found.sign_conflict - exact) < 5 * found.sign_conflict_error


def test_the_standard_error_is_as_large_as_the_errors_are():
    one, other = related()
    found = directions([one.deltas["q"], other.deltas["q"]], LARGE["q"])
    exact = judge.sign_conflict(dense(one), dense(other))
    scores = []
    for number in range(60):
        said = signs(found, f"layers.{number}.q")
        share, error = said.differ / said.both, said.variance.sqrt() / said.both
        scores.append(float((share[0, 1] - exact) / error[0, 1]))
    assert 0.7 < np.std(scores) < 1.4
    assert abs(np.mean(scores)) < 0.6


def test_the_same_entries_are_drawn_every_time_and_others_for_another_module():
    one, other = related()
    found = directions([one.deltas["q"], other.deltas["q"]], LARGE["q"])
    first, again, elsewhere = (float(signs(found, name).differ[0, 1]) for name in ("q", "q", "v"))
    assert first == again != elsewhere


def test_a_small_update_is_looked_at_whole_and_counts_in_entries(monkeypatch):
    one = adapter({"q": (16, 16)}, seed=1)
    found = directions([one.deltas["q"], None], (16, 16))
    assert signs(found, "q").both.tolist() == [[256, 0], [0, 0]]
    monkeypatch.setattr(module, "ENTRIES", 128)
    monkeypatch.setattr(module, "SIDE", 8)
    assert signs(found, "q").both.tolist() == [[256, 0], [0, 0]]


def test_entries_that_are_zero_have_no_sign():
    A, B = torch.randn(2, 5), torch.randn(8, 2)
    B[:3] = 0
    found = directions([Delta(A, B), Delta(A, torch.randn(8, 2))], (8, 5))
    assert signs(found, "q").both.tolist() == [[25, 25], [25, 40]]


def test_rounding_makes_no_sign():
    """Two halves that cancel in some rows leave there what fp32 rounds, in any gauge."""
    A, B = torch.randn(2, 64), torch.randn(64, 2)
    A, B = torch.cat([A, A * 3]), torch.cat([B, -B / 3], 1)
    B[:32, 2:] = 0
    found = directions([Delta(A, B)], (64, 64))
    assert signs(found, "q").both.tolist() == [[32 * 64]]
