import numpy
import pytest

from adapterhub.train.watch.arms import Arm, Arms, draw
from adapterhub.train.watch.bootstrap import difference

FULL = Arm.of(
    "full", (0.69, 0.70, 0.68), trainable=22_700_000, seconds=107, peak_memory=9 * 10**8, file_bytes=91 * 10**6
)
LORA = Arm.of("lora", (0.67,), trainable=343_695, seconds=103, file_bytes=1_400_000)


def test_an_arm_has_the_mean_and_the_spread_of_its_seeds():
    assert FULL.mean == pytest.approx(numpy.mean(FULL.values))
    assert FULL.spread == pytest.approx(numpy.std(FULL.values, ddof=1))
    assert LORA.spread is None


def test_a_comparison_can_be_read_back():
    report = Arms(task="topics", arms=(FULL, LORA), differences={"lora": difference([1, 0, 1], [1, 1, 1], draws=100)})
    assert Arms.from_bytes(report.to_bytes(), "report") == report


@pytest.mark.parametrize("arms", [(FULL, LORA), (LORA,), (FULL,) * 9])
def test_any_comparison_can_be_drawn_and_has_the_same_bytes_again(tmp_path, arms):
    first = draw(Arms(task="topics", arms=arms), tmp_path / "first.png").read_bytes()
    assert draw(Arms(task="topics", arms=arms), tmp_path / "second.png").read_bytes() == first
