"""Every number is the one of the dense matrices, however an update is factored, and nothing is left out in silence."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.audit.comparing.compare import compare
from adapterhub.audit.comparison import Pair
from adapterhub.errors import Refused
from adapterhub.lora.adapter import Adapter, Gain, Rows
from adapterhub.lora.delta import Delta
from tests.audit.comparing import judge
from tests.audit.comparing.judge import adapter, dense, mapped

SHAPES = {"l.0.q": (12, 9), "l.0.v": (7, 9), "l.1.q": (12, 9)}


def pair(one: Adapter, other: Adapter):
    return compare({"a": one, "b": other}).pairs[0]


def flat(found: Pair) -> dict[str, object]:
    """All its fields on one level."""
    fields = found.model_dump()
    inside = {(name, key): value for name, row in fields.pop("modules").items() for key, value in row.items()}
    return fields | inside


def delta(matrix: list[list[float]]) -> Delta:
    tensor = torch.tensor(matrix)
    return Delta(tensor, torch.eye(len(matrix)))


def assert_as_dense(one: Adapter, other: Adapter) -> None:
    found, (a, b) = pair(one, other), (dense(one), dense(other))
    assert found.cosine == pytest.approx(judge.cosine(a, b), abs=2e-6)
    assert found.overlap == pytest.approx(judge.overlap(a, b), abs=2e-6)
    assert found.sign_conflict == pytest.approx(judge.sign_conflict(a, b), abs=2e-6)
    assert found.svd_error == pytest.approx(judge.svd_error([one, other]), abs=2e-6)
    assert found.sign_conflict_error == 0
    for name in a.keys() & b.keys():
        said, mine = found.modules[name], ({name: a[name]}, {name: b[name]})
        assert said["cosine"] == pytest.approx(judge.cosine(*mine), abs=2e-6)
        assert said["overlap"] == pytest.approx(judge.overlap(*mine), abs=2e-6)
        assert said["sign_conflict"] == pytest.approx(judge.sign_conflict(*mine), abs=2e-6)


@pytest.mark.parametrize(("p", "q"), [(3, 3), (1, 4), (4, 2), (9, 9), (20, 3)])
def test_every_number_is_the_one_of_the_dense_matrices(p, q):
    assert_as_dense(adapter(SHAPES, p, seed=1), adapter(SHAPES, q, seed=2, scale=3.0))


def test_relatives_too_are_as_the_dense_matrices_say():
    one, other = adapter(SHAPES, 3, seed=1), adapter(SHAPES, 3, seed=2)
    between = mapped(one, lambda x: x)
    for name, mine in one.deltas.items():
        theirs = other.deltas[name]
        between.deltas[name] = Delta(torch.cat([mine.A, theirs.A]), torch.cat([mine.B, 0.3 * theirs.B], 1), 0.5)
    assert_as_dense(one, between)
    assert_as_dense(between, other)


def test_a_module_only_one_has_counts_as_zero_in_the_other():
    one, other = adapter(SHAPES, seed=1), adapter({"l.0.q": (12, 9), "l.2.q": (5, 5)}, seed=2)
    assert_as_dense(one, other)
    assert pair(one, other).modules.keys() == {"l.0.q"}
    assert pair(one, other).common == 1


def test_two_matrices_worked_by_hand():
    found = pair(Adapter({"q": delta([[1, 0], [0, 0]])}), Adapter({"q": delta([[1, 1], [0, 0]])}))
    assert found.cosine == pytest.approx(1 / 2**0.5, abs=1e-6)
    assert (found.overlap_out, found.overlap_in, found.overlap) == (1, 0.5, 0.75)
    assert (found.sign_conflict, found.svd_error) == (0, 0)
    assert found.ratio == pytest.approx(2**0.5)


def test_signs_worked_by_hand():
    found = pair(Adapter({"q": delta([[1, -2], [3, 0]])}), Adapter({"q": delta([[-1, -1], [1, 5]])}))
    assert found.sign_conflict == pytest.approx(1 / 3, abs=1e-6)
    assert found.cosine == pytest.approx((-1 + 2 + 3) / (14 * 28) ** 0.5, abs=1e-6)


@given(st.integers(0, 10**6))
def test_no_number_hangs_on_how_an_update_is_factored(seed):
    one, other = adapter(SHAPES, 3, seed=seed), adapter(SHAPES, 2, seed=seed + 1)
    random = torch.Generator().manual_seed(seed)

    def again(x: Delta) -> Delta:
        gauge = torch.randn(x.rank, x.rank, generator=random, dtype=torch.float64) + 3 * torch.eye(x.rank)
        return Delta(gauge @ x.A, x.B @ torch.linalg.inv(gauge) / 4, 4 * x.scale)

    before, after = pair(one, other).model_dump(), pair(mapped(one, again), other).model_dump()
    for name in ("cosine", "overlap", "sign_conflict", "svd_error", "ratio"):
        assert after[name] == pytest.approx(before[name], abs=3e-6), name


def test_factors_that_hold_more_rank_than_the_update_change_nothing():
    one, other = adapter(SHAPES, 2, seed=1), adapter(SHAPES, 2, seed=2)
    padded = mapped(one, lambda x: Delta(torch.cat([x.A, x.A]), torch.cat([x.B / 2, x.B / 2], 1), x.scale))
    before, after = pair(one, other), pair(padded, other)
    assert (after.cosine, after.overlap, after.sign_conflict) == (before.cosine, before.overlap, before.sign_conflict)


@pytest.mark.parametrize(("factor", "sign"), [(2.0, 1), (-2.0, -1), (1e-8, 1), (-1e8, -1)])
def test_a_scaled_copy_is_the_same_direction(factor, sign):
    one = adapter(SHAPES, seed=1)
    found = pair(one, mapped(one, lambda x: replace(x, A=x.A * factor)))
    assert (found.cosine, found.overlap, found.sign_conflict) == (sign, 1, 0 if sign > 0 else 1)
    assert found.ratio == pytest.approx(abs(factor))
    assert found.advice == ("copy" if sign > 0 else "opposite")


def test_a_copy_in_bf16_is_still_a_copy():
    one = adapter({"q": (64, 48)}, 8, seed=1)
    found = pair(one, mapped(one, lambda x: replace(x, A=x.A.bfloat16(), B=x.B.bfloat16())))
    assert found.advice == "copy"
    assert (found.cosine or 0) > 0.9999


def test_what_cancels_has_no_error():
    one = adapter(SHAPES, seed=1)
    found = compare({"a": one, "b": mapped(one, lambda x: replace(x, scale=-x.scale))})
    assert found.pairs[0].svd_error is None
    assert found.together.svd_error is None
    assert "nothing would be left" in found.advice[-1].message


def test_all_in_one_loses_what_the_dense_sum_does():
    some = [adapter(SHAPES, rank, seed=rank) for rank in (2, 3, 4)]
    found = compare(dict(zip("abc", some, strict=True)))
    assert found.together.svd_error == pytest.approx(judge.svd_error(some), abs=2e-6)
    assert (found.together.sum_rank, found.together.rank) == (9, 4)


def test_many_at_once_are_as_they_are_two_by_two():
    some = {name: adapter(SHAPES, 1 + seed % 3, seed=seed) for seed, name in enumerate("abcdef")}
    together = {(one.a, one.b): one for one in compare(some).pairs}
    assert len(together) == 15
    for (a, b), found in together.items():
        alone = compare({a: some[a], b: some[b]}).pairs[0]
        assert flat(found) == pytest.approx(flat(alone), abs=2e-6)


def test_more_directions_than_a_chunk_has_columns_are_all_counted(monkeypatch):
    from adapterhub.audit.comparing import factor, loss

    some = {name: adapter(SHAPES, 2, seed=seed) for seed, name in enumerate("abcde")}
    before = compare(some)
    monkeypatch.setattr(factor, "CHUNK", 3)
    monkeypatch.setattr(loss, "BATCH", 2)
    for one, other in zip(before.pairs, compare(some).pairs, strict=True):
        assert flat(one) == pytest.approx(flat(other), abs=2e-6)


def test_an_adapter_that_changes_nothing_has_no_direction():
    one = adapter(SHAPES, seed=1)
    found = pair(one, mapped(one, lambda x: replace(x, B=torch.zeros_like(x.B))))
    assert (found.cosine, found.overlap, found.common, found.ratio, found.advice) == (None, 0, 0, 0, "nothing")
    assert found.svd_error == 0


def test_other_shapes_are_other_modules_and_that_is_said():
    one, other = adapter({"q": (6, 5), "v": (6, 5)}, seed=1), adapter({"q": (6, 4), "v": (6, 5)}, seed=2)
    found = compare({"a": one, "b": other})
    assert (found.pairs[0].clashing, found.pairs[0].common) == (1, 1)
    assert (found.pairs[0].advice, found.pairs[0].svd_error) == ("foreign", None)
    assert [(said.check, said.place) for said in found.findings] == [("shapes-differ", "q")]
    assert "together" not in {said.rule for said in found.advice}
    norms = [np.sqrt(sum((part**2).sum() for part in dense(side).values())) for side in (one, other)]
    assert [row.norm for row in found.adapters] == pytest.approx(norms)


def test_wide_factors_of_vera_are_cut_to_the_weight_another_adapter_knows():
    plain = adapter({"q": (6, 5)}, seed=1)
    wide = mapped(plain, lambda x: replace(x, A=torch.cat([x.A, torch.ones(3, 2)], 1), loose=True))
    assert pair(plain, wide).cosine == 1


def test_what_is_no_update_in_factors_is_left_out_and_named():
    one = adapter({"l.0.q": (4, 4), "l.1.q": (4, 4)}, seed=1)
    carrying = replace(
        one, magnitudes={"l.0.q": torch.ones(4), "l.1.q": torch.ones(4)}, rows={"e": Rows((1,), torch.ones(1, 4))}
    )
    found = compare({"a": carrying, "b": one, "c": carrying})
    assert found.adapters[0].left_out == ("a DoRA magnitude at l.0-1.q", "trained tokens at e")
    assert [(said.check, said.place) for said in found.findings] == [("left-out", "a, c")]


def test_an_adapter_without_factors_is_refused():
    with pytest.raises(Refused, match=r"b: it has no update in factors, only an IA3 vector at q"):
        compare({"a": adapter({"q": (4, 4)}), "b": Adapter(gains={"q": Gain(torch.ones(4), "out")})})


@pytest.mark.parametrize("number", [torch.nan, torch.inf])
def test_a_diverged_adapter_is_refused_with_its_module(number):
    one = adapter({"q": (4, 4)})
    one.deltas["q"].B[0, 0] = number
    with pytest.raises(Refused, match="b: q: the factors hold NaN or infinity"):
        compare({"a": adapter({"q": (4, 4)}), "b": one})


def test_a_matrix_is_symmetric_and_an_adapter_is_like_itself():
    found = compare({name: adapter(SHAPES, seed=seed) for seed, name in enumerate("abc")})
    for measure, own in (("cosine", 1), ("overlap", 1), ("sign_conflict", 0)):
        matrix = np.array(found.matrix(measure))
        assert np.array_equal(matrix, matrix.T)
        assert set(matrix.diagonal()) == {own}
        assert matrix[0, 2] == getattr(found.pairs[1], measure)


def test_where_no_module_is_common_there_is_no_overlap_and_no_sign():
    found = compare({"a": adapter({"q": (4, 4)}), "b": adapter({"v": (4, 4)})})
    assert found.matrix("cosine") == [[1, 0], [0, 1]]
    assert found.matrix("overlap") == [[1, None], [None, 1]]
    assert found.pairs[0].advice == "separate"
    assert found.pairs[0].svd_error == 0


def test_progress_is_told_module_by_module():
    told: list[tuple[int, int]] = []
    compare({"a": adapter(SHAPES), "b": adapter(SHAPES)}, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_torch_has_as_many_threads_afterwards_as_before():
    before = torch.get_num_threads()
    compare({"a": adapter(SHAPES), "b": adapter(SHAPES)})
    with pytest.raises(ZeroDivisionError):
        compare({"a": adapter(SHAPES), "b": adapter(SHAPES)}, lambda done, total: 1 // 0)
    assert torch.get_num_threads() == before
