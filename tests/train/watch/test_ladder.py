import pytest
from PIL import Image

from adapterhub.train.watch.ladder import Rung, SearchReport, draw


def rung(lr, rank, value, seed=0):
    return Rung(lr=lr, rank=rank, seed=seed, value=value, best_step=40, seconds=12, trainable=100, peak_memory=10**8)


LADDER = [
    rung(lr, rank, value) for rank in (2, 8) for lr, value in ((1e-4, 0.5), (1e-3, 0.6 + rank / 100), (1e-2, 0.4))
]


def test_the_best_run_is_that_with_the_best_metric():
    assert SearchReport.of("accuracy", LADDER).best == max(LADDER, key=lambda rung: rung.value)


def test_of_a_loss_the_least_is_best():
    assert SearchReport.of("loss", LADDER).best == rung(1e-2, 2, 0.4)


def test_over_several_seeds_the_mean_counts():
    lucky = [rung(1e-3, 8, 0.9, seed=0), rung(1e-3, 8, 0.1, seed=1)]
    steady = [rung(1e-2, 8, 0.6, seed=0), rung(1e-2, 8, 0.6, seed=1)]
    assert SearchReport.of("accuracy", [*lucky, *steady]).best == steady[0]


def test_where_two_are_equal_the_lower_rank_is_chosen():
    assert SearchReport.of("accuracy", [rung(1e-3, 16, 0.6), rung(1e-3, 4, 0.6)]).best == rung(1e-3, 4, 0.6)


def test_a_rate_at_which_a_seed_failed_is_not_chosen():
    failed = Rung(lr=1e-2, rank=8, seed=1, fault="the loss of step 3 is nan")
    known = [rung(1e-3, 8, 0.5), rung(1e-3, 8, 0.5, seed=1), rung(1e-2, 8, 0.9), failed]
    assert SearchReport.of("accuracy", known).best == rung(1e-3, 8, 0.5)
    assert SearchReport.of("accuracy", [failed]).best is None


@pytest.mark.parametrize(("rates", "edge"), [((1e-4, 1e-3), True), ((1e-4, 1e-3, 1e-2), False), ((1e-3,), False)])
def test_a_best_rate_at_the_end_of_the_ladder_is_noticed(rates, edge):
    report = SearchReport.of("accuracy", [rung(lr, 8, 0.9 if lr == 1e-3 else 0.5) for lr in rates])
    assert report.at_the_edge is edge


@pytest.mark.parametrize(("inner", "edge"), [(0.9, False), (0.8, True)])
def test_a_rate_in_between_that_does_as_well_is_no_end(inner, edge):
    tried = [rung(lr, 8, value) for lr, value in ((1e-4, 0.9), (1e-3, inner), (1e-2, 0.5))]
    assert SearchReport.of("accuracy", tried).at_the_edge is edge


def test_a_report_is_the_same_in_whatever_order_runs_were_made_and_can_be_read_back():
    report = SearchReport.of("accuracy", LADDER, name="ada/poet", method="lora")
    assert SearchReport.of("accuracy", LADDER[::-1], name="ada/poet", method="lora").to_bytes() == report.to_bytes()
    assert SearchReport.from_bytes(report.to_bytes(), "report") == report


@pytest.mark.parametrize(
    "rungs",
    [
        LADDER,
        [rung(1e-3, None, 0.7)],
        [Rung(lr=1e-3, fault="nan")],
        [rung(lr, rank, 0.5, seed) for lr in (0.1, 1) for rank in range(1, 10) for seed in (0, 1)],
    ],
)
def test_any_search_can_be_drawn_and_the_same_search_gives_the_same_picture(tmp_path, rungs):
    first = draw(SearchReport.of("accuracy", rungs), tmp_path / "first.png").read_bytes()
    assert draw(SearchReport.of("accuracy", rungs), tmp_path / "second.png").read_bytes() == first


def test_every_rank_has_a_colour_of_its_own(tmp_path):
    path = draw(SearchReport.of("accuracy", LADDER), tmp_path / "search.png")
    with Image.open(path) as image:
        seen = {colour[:3] for _, colour in image.convert("RGBA").getcolors(1 << 24)}
    assert {(0, 114, 178), (230, 159, 0), (0, 0, 0)} <= seen
