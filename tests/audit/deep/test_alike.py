"""An update is known again in whatever factors it comes, and nothing else is taken for it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.audit.deep.alike import factor
from adapterhub.audit.deep.sketch import sketches
from adapterhub.audit.deep.values import Values
from adapterhub.lora.adapter import Adapter, Gain, Rows
from adapterhub.lora.delta import Delta
from tests.audit.comparing.judge import adapter, mapped

SHAPES = {"h.0.q": (12, 9), "h.0.v": (7, 9), "h.1.q": (12, 9)}
ONE = adapter(SHAPES, 3, seed=1)


def times(one: Adapter, other: Adapter, precision: float = 0.0) -> float | None:
    a, b = (Values(sketches=sketches(each), precision=precision) for each in (one, other))
    return factor(a, b)


def in_gauge(seed: int, scale: float = 0.5, more: int = 0):
    """Other factors of the same product: G random, the scale taken into A, `more` directions of nothing."""
    random = torch.Generator().manual_seed(seed)

    def change(delta: Delta) -> Delta:
        rank = delta.rank
        G = torch.randn(rank, rank, generator=random, dtype=torch.float64) + 3 * torch.eye(rank)
        B = torch.cat([delta.B @ torch.linalg.inv(G), torch.randn(delta.shape[0], more, generator=random)], 1)
        A = torch.cat([G @ delta.A * (delta.scale / scale), torch.zeros(more, delta.shape[1])])
        return Delta(A, B, scale)

    return change


@given(seed=st.integers(0, 999), scale=st.floats(0.01, 100), more=st.integers(0, 4))
def test_other_factors_scales_and_ranks_make_no_difference(seed: int, scale: float, more: int) -> None:
    assert times(ONE, mapped(ONE, in_gauge(seed, scale, more))) == 1


@given(st.integers(0, 99))
def test_strangers_are_not_alike(seed: int) -> None:
    assert times(ONE, adapter(SHAPES, 3, seed=seed + 2)) is None


@pytest.mark.parametrize("c", [-1.0, 2.0, -0.25])
def test_what_was_multiplied_is_known_with_its_factor(c: float) -> None:
    other = mapped(ONE, lambda delta: in_gauge(5)(replace(delta, scale=delta.scale / c)))
    assert times(ONE, other) == pytest.approx(c)


def test_one_other_module_makes_another_adapter_however_small_it_is() -> None:
    small = mapped(ONE, lambda delta: delta)
    small.deltas["h.0.v"] = replace(small.deltas["h.0.v"], scale=1e-6)
    other = mapped(small, in_gauge(3))
    assert times(small, other) == 1
    other.deltas["h.0.v"] = replace(adapter(SHAPES, 3, seed=9).deltas["h.0.v"], scale=1e-6)
    assert times(small, other) is None


def test_a_copy_in_bf16_is_the_same_and_a_fiftieth_more_is_not() -> None:
    large = adapter({f"h.{n}.q": (64, 48) for n in range(4)}, 8, seed=1)
    precision = torch.finfo(torch.bfloat16).eps
    rounded = mapped(large, lambda delta: replace(delta, A=delta.A.bfloat16(), B=delta.B.bfloat16()))
    assert times(large, rounded, precision) == 1
    assert times(large, rounded, torch.finfo(torch.float32).eps) is None
    strangers = adapter({f"h.{n}.q": (64, 48) for n in range(4)}, 8, seed=2)
    beside = Adapter(
        {
            name: Delta(torch.cat([delta.A, 0.02 * strangers.deltas[name].A]), torch.cat([delta.B, delta.B], 1), 0.5)
            for name, delta in large.deltas.items()
        }
    )
    assert times(large, beside, precision) is None


def test_what_stands_beside_the_updates_must_be_the_same() -> None:
    for more in (
        {"tensors": {"head.weight": torch.ones(3, 4)}},
        {"magnitudes": {"h.0.q": torch.ones(12)}},
        {"rows": {"wte": Rows((1, 2), torch.ones(2, 4))}},
        {"gains": {"h.0.k": Gain(torch.ones(4), "in")}},
    ):
        assert times(replace(ONE, **more), replace(mapped(ONE, in_gauge(3)), **more)) == 1
        assert times(replace(ONE, **more), ONE) is None
    head = {"tensors": {"head.weight": torch.full((3, 4), 2.0)}}
    assert times(replace(ONE, **head), replace(ONE, tensors={"head.weight": torch.ones(3, 4)})) is None
    rows = (replace(ONE, rows={"wte": Rows(tokens, torch.ones(2, 4))}) for tokens in ((1, 2), (1, 3)))
    assert times(*rows) is None


def test_those_that_change_nothing_or_hold_no_numbers_are_nobodys_twins() -> None:
    nothing = mapped(ONE, lambda delta: replace(delta, scale=0.0))
    assert times(nothing, nothing) is None
    assert times(ONE, nothing) is None
    broken = mapped(ONE, lambda delta: replace(delta, scale=float("nan")))
    assert sketches(broken) == {}
    assert times(broken, broken) is None


def test_a_sketch_tells_a_size_on_average() -> None:
    rows = [sketches(adapter({f"h.{n}.q": (30, 20)}, 4, seed=n))[f"deltas h.{n}.q"] for n in range(40)]
    sizes = [next(iter(adapter({f"h.{n}.q": (30, 20)}, 4, seed=n).deltas.values())).norm() ** 2 for n in range(40)]
    assert np.mean(np.square(rows)) == pytest.approx(np.mean(sizes), rel=0.35)


def test_vectors_alone_are_compared_as_they_are() -> None:
    gains = {"h.0.k": Gain(torch.arange(5.0), "out")}
    assert times(Adapter(gains=gains), Adapter(gains=dict(gains))) == 1
    assert times(Adapter(gains=gains), Adapter(gains={"h.0.k": Gain(torch.arange(5.0), "in")})) is None
    assert times(Adapter(gains=gains), Adapter(gains={"h.0.k": Gain(2 * torch.arange(5.0), "out")})) is None
