"""The matrix of adapters and bases, on screens of several widths."""

import re

import pytest

from adapterhub.audit.report import BaseName, Report
from adapterhub.cli import matrix
from adapterhub.cli.matrix import print_matrix
from adapterhub.cli.reports import COLOURS
from adapterhub.cli.text import wide

VERDICTS = ("exact", "cast", "unpinned", "drifted", "partial", "misfit")


def reports(adapters: int, bases: int, long: str = "") -> list[Report]:
    return [
        Report(
            adapter=f"{long}ada/poet@{a + 1}",
            base=BaseName(name=f"{long}base{b}", layout_digest=f"sha256:{b:064}"),
            verdict=VERDICTS[(a + b) % len(VERDICTS)],
            evidence="name",
            matched=2,
        )
        for a in range(adapters)
        for b in range(bases)
    ]


@pytest.fixture
def shown(capsys, monkeypatch):
    """Print a matrix on a terminal of so many columns, without colours; the lines."""

    def show(found, columns=None):
        monkeypatch.setenv("NO_COLOR", "1")
        monkeypatch.setattr(matrix, "screen", lambda stream: columns)
        print_matrix(found, COLOURS)
        return capsys.readouterr().out.splitlines()

    return show


def test_few_bases_have_their_names_and_the_verdicts_in_words(shown):
    assert shown(reports(2, 3))[:3] == [
        "               base0     base1     base2",
        "ada/poet@1     exact      cast  unpinned",
        "ada/poet@2      cast  unpinned   drifted",
    ]


def test_many_bases_are_numbered_with_a_legend(shown):
    lines = shown(reports(2, 7))
    assert lines[0].split() == list("1234567")
    assert lines[1].split()[1:] == ["E", "C", "U", "D", "P", "·", "E"]
    assert "6  base5" in lines
    assert "3  E  exact     the targeted tensors are byte for byte those it was trained on" in lines


@pytest.mark.parametrize("columns", [40, 80, 132])
@pytest.mark.parametrize("bases", [3, 5, 40])
def test_no_line_is_wider_than_the_screen_and_no_verdict_is_lost(shown, columns, bases):
    found = reports(3, bases, long="a-rather-long-organisation/")
    lines = shown(found, columns)
    assert max(map(wide, lines)) <= columns
    rows = [line for line in lines if re.match(r"\S*poet@", line)]
    assert sum(len(line.split()) - 1 for line in rows) == len(found)


def test_how_often_each_verdict_is_there_is_counted(shown):
    assert [line.split()[:2] for line in shown(reports(6, 2))[8:]] == [["2", verdict] for verdict in VERDICTS]


def test_what_fits_nowhere_is_named(shown, capsys):
    found = [one.model_copy(update={"verdict": "misfit"}) for one in reports(7, 2)]
    print_matrix(found, COLOURS)
    told = "fits none of these bases: ada/poet@1, ada/poet@2, ada/poet@3, ada/poet@4, ada/poet@5 and 2 more\n"
    assert capsys.readouterr().err == told


def test_bases_of_one_name_have_a_column_each(shown):
    found = [one.model_copy(update={"base": one.base.model_copy(update={"name": "final"})}) for one in reports(2, 3)]
    assert shown(found)[0].split() == ["final"] * 3
