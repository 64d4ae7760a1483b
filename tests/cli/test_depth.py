"""What `--deep` measured, as a person sees it."""

import json

import pytest

from adapterhub.audit.report import Deep, Measured
from adapterhub.cli.depth import print_depth
from tests.cli.builders import CommandLine, adapter, base


def test_layers_are_folded_with_their_median_and_their_ends(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {0: 0.1, 1: 0.2, 2: 0.7}
    rows = [
        Measured(module=f"h.{n}.q", rank=8, effective_rank=3.0, norm=10 * size, relative_norm=size)
        for n, size in sizes.items()
    ]
    print_depth(Deep(modules=(*rows, Measured(module="h.0.v", rank=4))))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["UPDATES", "RANK", "EFFECTIVE", "‖ΔW‖", "‖ΔW‖/‖W‖"],
        ["h.0-2.q", "3", "8", "3", "2", "(1–7)", "0.2", "(0.1–0.7)"],
        ["h.0.v", "1", "4"],
    ]


def test_the_command_line_reads_values_only_when_it_is_asked_to(tmp_path) -> None:
    run = CommandLine(tmp_path / "store", tmp_path)
    adapter(tmp_path / "poet")
    base(tmp_path / "base")
    (plain,) = json.loads(run("audit", "./poet", "--base", "./base", "--json").out)
    assert plain["deep"] is None
    (deep,) = json.loads(run("audit", "./poet", "--base", "./base", "--deep", "--json").out)
    assert [one["module"] for one in deep["deep"]["modules"]] == ["layers.0.q_proj", "layers.0.v_proj"]
    assert {finding["check"] for finding in deep["findings"]} - {
        finding["check"] for finding in plain["findings"]
    } == set()
    assert "EFFECTIVE" not in run("audit", "./poet", "--base", "./base").out
    assert "EFFECTIVE" in run("audit", "./poet", "--base", "./base", "--deep").out
