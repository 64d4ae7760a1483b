"""Plots: where the points lie, and what has none."""

import math

from hypothesis import given
from hypothesis import strategies as st

from adapterhub.server.web.plot import HEIGHT, WIDTH, plots, table

RUNS = [
    ("1", {"accuracy": 0.5, "loss": 2.0}),
    ("2", {}),
    ("3", {"accuracy": 0.75}),
    ("4", {"accuracy": 0.625, "f1": 1}),
]


def test_a_metric_of_one_version_has_no_plot():
    assert [plot.name for plot in plots(RUNS)] == ["accuracy"]


def test_versions_keep_their_distance_and_the_best_is_highest():
    (plot,) = plots(RUNS)
    assert [point.x for point in plot.points] == [6, 158, 234]
    assert [point.y for point in plot.points] == [64, 8, 36]
    assert (plot.low, plot.high, plot.last.version) == (0.5, 0.75, "4")
    assert plot.line == "6,64 158,8 234,36"


def test_what_never_changes_lies_in_the_middle():
    (plot,) = plots([("1", {"a": 3.0}), ("2", {"a": 3.0})])
    assert [point.y for point in plot.points] == [36, 36]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=5))
def test_any_numbers_lie_within_the_plot(values):
    (plot,) = plots([(str(at), {"a": value}) for at, value in enumerate(values)])
    for point in plot.points:
        assert math.isfinite(point.y)
        assert 0 <= point.x <= WIDTH
        assert 0 <= point.y <= HEIGHT


def test_the_table_has_the_newest_version_first_and_holes():
    assert table(RUNS) == {
        "names": ["accuracy", "f1", "loss"],
        "rows": [("4", [0.625, 1, None]), ("3", [0.75, None, None]), ("1", [0.5, None, 2.0])],
    }
