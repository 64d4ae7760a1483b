"""What a search found and how arms compare, as people see it."""

import pytest

from adapterhub.cli.training_search import print_arms, print_search
from adapterhub.train.watch.arms import Arm, Arms
from adapterhub.train.watch.bootstrap import Difference
from adapterhub.train.watch.ladder import Rung, SearchReport

BIG = {"best_step": 12_345, "seconds": 123_456, "trainable": 1_234_567_890, "peak_memory": 999_900_000_000}


def told(capsys):
    return capsys.readouterr().out.splitlines()


def test_a_search_is_a_line_a_run_and_the_best_is_marked(capsys):
    rungs = [
        Rung(lr=lr, rank=8, value=value, best_step=40, seconds=75, trainable=79_503, peak_memory=10**9)
        for lr, value in ((1e-3, 0.6), (3e-3, 0.65), (1e-2, 0.5))
    ]
    print_search(SearchReport.of("accuracy", rungs))
    heading, first, best, last = told(capsys)
    assert heading.split() == ["RANK", "LR", "ACCURACY", "AT", "STEP", "TIME", "TRAINED", "MEMORY"]
    assert first.split() == ["8", "0.001", "0.6000", "40", "1:15", "79,503", "1.0", "GB"]
    assert best.endswith("← best")
    assert "best" not in last


def test_a_search_over_several_seeds_names_them_and_fits_80_columns(capsys):
    sizes = {"best_step": 12_000, "seconds": 40_000, "trainable": 134_515_000, "peak_memory": 139 * 10**9}
    rungs = [Rung(lr=0.00025, rank=256, seed=seed, value=0.5, **sizes) for seed in (0, 1)]
    print_search(SearchReport.of("accuracy", rungs))
    heading, *lines = told(capsys)
    assert "SEED" in heading
    assert max(map(len, lines)) <= 80


def test_a_best_rate_at_the_end_is_said(capsys):
    print_search(SearchReport.of("accuracy", [Rung(lr=lr, value=lr, seed=1) for lr in (1e-3, 1e-2)]))
    assert told(capsys)[-1] == "→ lr 0.01 is at the end of what was tried: try some beyond it"


def test_a_run_that_failed_says_why(capsys):
    runs = [Rung(lr=1e-3, rank=8, value=0.5), Rung(lr=1.0, rank=8, fault="the loss of step 3 is nan\x1b[2J")]
    print_search(SearchReport.of("accuracy", runs))
    lines = told(capsys)
    assert "failed" in lines[2]
    assert lines[3] == "failed: lr 1, rank 8: the loss of step 3 is nan\\x1b[2J"


FULL = Arm.of("full", (0.69, 0.70), trainable=22_700_000, seconds=107, peak_memory=9 * 10**8, file_bytes=91_000_000)
LORA = Arm.of("lora r8", (0.67, 0.68), trainable=343_695, seconds=103, file_bytes=1_400_000, lr=0.003)


def test_arms_are_told_with_mean_spread_and_costs(capsys):
    found = Difference(mean=-0.02, low=-0.03, high=-0.01, confidence=0.95, rows=5000, draws=10_000, seed=0)
    print_arms(Arms(arms=(FULL, LORA), differences={"lora r8": found}))
    heading, full, lora, between = told(capsys)
    assert heading.split() == ["ARM", "ACCURACY", "LR", "TRAINED", "SHARE", "TIME", "MEMORY", "FILE"]
    assert full.split() == ["full", "0.6950", "±", "0.0071", "22,700,000", "1:47", "900.0", "MB", "91.0", "MB"]
    assert "1.51%" in lora
    assert between == "lora r8 minus full: -0.0200 (95%: -0.0300 to -0.0100, 5,000 rows)"
    assert max(map(len, (heading, full, lora, between))) <= 80


@pytest.mark.parametrize("columns", [60, 80])
def test_on_a_terminal_nothing_wraps(capsys, monkeypatch, columns):
    monkeypatch.setattr("adapterhub.cli.table.screen", lambda _: columns)
    wide = [Rung(lr=0.00012345, rank=1024, seed=seed, value=0.123456, **BIG) for seed in (123_456, 1)]
    print_search(SearchReport.of("balanced_accuracy", wide))
    print_arms(Arms(arms=(FULL.model_copy(update={"name": "everything there is, all of it"}), LORA)))
    lines = told(capsys)
    assert max(map(len, lines)) <= columns
    assert any(line.endswith("← best") for line in lines)
