import math
import sys

import pytest
from PIL import Image

from adapterhub.errors import Refused
from adapterhub.train.watch.curves import draw
from adapterhub.train.watch.record import Stepped, Validated
from tests.train.watch.builders import begun, run, stepped

BLUE, ORANGE, GREEN, RED = (0, 114, 178), (230, 159, 0), (0, 158, 115), (213, 94, 0)


def colours(path):
    """How often each colour is in a picture."""
    with Image.open(path) as image:
        return {colour[:3]: count for count, colour in image.convert("RGBA").getcolors(1 << 24)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "curves.png"


@pytest.mark.parametrize("steps", [1, 2, 40, 20_000])
def test_a_run_of_any_length_is_drawn(path, steps):
    seen = colours(draw(run(steps, every=max(1, steps // 8)), path))
    assert all(seen.get(colour, 0) > 20 for colour in (BLUE, ORANGE, GREEN, RED))
    assert path.stat().st_size < 300_000


def test_the_same_log_gives_the_same_bytes(path, tmp_path):
    draw(run(30), path)
    draw(run(30), tmp_path / "again.png")
    assert path.read_bytes() == (tmp_path / "again.png").read_bytes()


def test_a_log_without_validation_has_no_empty_panel(path):
    assert ORANGE not in colours(draw([begun(40), *(stepped(step, 40) for step in range(1, 41))], path))


def test_a_log_that_has_just_begun_is_drawn(path):
    assert draw([begun(10)], path).is_file()
    assert draw([], path).is_file()


def test_the_best_validation_is_marked(path, tmp_path):
    unmarked = [
        event.model_copy(update={"best": False}) if isinstance(event, Validated) else event for event in run(30)
    ]
    draw(run(30), path)
    draw(unmarked, tmp_path / "unmarked.png")
    assert colours(path)[(0, 0, 0)] > colours(tmp_path / "unmarked.png").get((0, 0, 0), 0)


def test_another_metric_can_be_marked(path, tmp_path):
    draw(run(30), path)
    draw(run(30), tmp_path / "loss.png", metric="loss")
    assert path.read_bytes() != (tmp_path / "loss.png").read_bytes()


def test_what_was_no_number_leaves_a_gap(path):
    odd = Stepped(step=3, of=4, epoch=1, loss=math.nan, lr=1e-3, grad_norm=math.inf, examples=1, seconds=1)
    measured = Validated(step=4, metrics={"auc": math.nan, "accuracy": 0.5}, best=True)
    assert draw([begun(4), stepped(1, 4), stepped(2, 4), odd, measured], path).is_file()


def test_a_metric_whose_name_looks_like_a_formula_is_drawn_as_it_stands(path):
    assert draw([begun(4), Validated(step=1, metrics={"a$_$b": 0.5, "c$\\frac": 0.7}, best=True)], path).is_file()


def test_drawing_leaves_the_settings_of_matplotlib_alone(path):
    from matplotlib import rcParams

    def settings():
        return {name: rcParams[name] for name in rcParams if name != "backend"}  # which is looked for when it is read

    before, loaded = settings(), "matplotlib.pyplot" in sys.modules
    draw(run(10), path)
    assert settings() == before
    assert ("matplotlib.pyplot" in sys.modules) == loaded


def test_without_matplotlib_it_says_what_to_install(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(Refused, match="matplotlib") as refusal:
        draw(run(4), path)
    assert "adapterhub[train]" in refusal.value.hint


def test_metrics_of_which_less_is_better_do_not_lie_among_the_others(path, tmp_path):
    def measured(**more):
        return [begun(8), *(Validated(step=step, metrics={"accuracy": 0.5, **more}, best=True) for step in (4, 8))]

    draw(measured(), path)
    draw(measured(brier=0.4, ece=0.1), tmp_path / "more.png")
    assert (tmp_path / "more.png").read_bytes() == path.read_bytes()
    draw(measured(f1_macro=0.4), tmp_path / "more.png")
    assert (tmp_path / "more.png").read_bytes() != path.read_bytes()
