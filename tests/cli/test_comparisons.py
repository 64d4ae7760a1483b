"""How alike adapters are, as people see it."""

import re

import pytest

from adapterhub.audit.comparison import Advice, Compared, Comparison, Pair, Together
from adapterhub.cli.comparisons import print_comparison
from tests.cli.builders import adapter


def comparison(count, **fields):
    names = [f"somebody/adapter-{place}@1" for place in range(count)]
    like = {"cosine": 0.1, "overlap": 0.2, "sign_conflict": 0.3, "sign_conflict_error": 0.0}
    plain = {"overlap_out": 0.2, "overlap_in": 0.2, "overlap_by_chance": 0.1, "ratio": 2.0, "common": 2}
    modules = {"l.0.q": like, "l.1.q": like | {"cosine": -0.5}}
    pairs = tuple(
        Pair.model_validate({"a": a, "b": b, **like, **plain, "svd_error": 0.25, "modules": modules, **fields})
        for place, a in enumerate(names)
        for b in names[place + 1 :]
    )
    advised = Advice(rule="apart", message="a sum keeps both", methods=("sum",), pairs=tuple((p.a, p.b) for p in pairs))
    return Comparison(
        adapters=tuple(Compared(reference=name, rank=8, modules=2, norm=1.0) for name in names),
        pairs=pairs,
        together=Together(sum_rank=16, rank=8, svd_error=0.25),
        advice=(advised,),
    )


def told(capsys):
    return capsys.readouterr().out.splitlines()


def test_two_are_told_in_one_line(capsys):
    print_comparison(comparison(2))
    heading, row, *rest = told(capsys)
    assert heading.split()[:3] == ["A", "B", "COSINE"]
    assert row.split() == ["somebody/adapter-0@1", "somebody/adapter-1@1", "+0.10", "0.20", "0.10", "0.30", "0.25"]
    assert rest == ["", "somebody/adapter-0@1 and somebody/adapter-1@1", "  → a sum keeps both [sum]"]


@pytest.mark.parametrize("count", [3, 8])
def test_a_few_are_told_in_matrices_that_fit_a_terminal(capsys, count):
    print_comparison(comparison(count))
    lines = told(capsys)
    matrices = lines[: 3 * (count + 1) + 2]
    assert [line.split()[0] for line in matrices[:: count + 2]] == ["cosine", "overlap", "sign"]
    assert matrices[1].split()[2:] == ["·", *["+0.10"] * (count - 1)]
    assert matrices[2].split()[2:4] == ["+0.10", "·"]
    assert max(map(len, matrices)) <= 80


def test_of_many_the_closest_pairs_are_told(capsys):
    print_comparison(comparison(9))
    shown = capsys.readouterr()
    assert len(re.findall(r"^somebody.*0\.25$", shown.out, re.M)) == 10
    assert "the 10 closest of 36 pairs; --json has them all" in shown.err
    assert "and 33 more\n" in shown.out


def test_modules_that_are_alike_are_folded_with_the_range_of_their_numbers(capsys):
    print_comparison(comparison(2), modules=True)
    assert "l.0-1.q  -0.50 … 0.10     0.20           0.30" in told(capsys)


def test_a_copy_is_told_with_its_factor(capsys):
    whole = comparison(2, cosine=-1.0)
    pairs = tuple((p.a, p.b) for p in whole.pairs)
    print_comparison(
        whole.model_copy(update={"advice": (Advice(rule="opposite", message="they cancel", pairs=pairs),)})
    )
    assert "somebody/adapter-1@1 is -2 × somebody/adapter-0@1" in told(capsys)


def test_advice_about_what_changes_nothing_names_it_and_nobody_else(capsys):
    whole = comparison(3)
    rows = (whole.adapters[0].model_copy(update={"norm": 0.0}), *whole.adapters[1:])
    said = Advice(rule="nothing", message="leave it out", pairs=whole.advice[0].pairs[:2])
    print_comparison(whole.model_copy(update={"adapters": rows, "advice": (said,)}))
    assert told(capsys)[-2:] == ["somebody/adapter-0@1", "  → leave it out"]


def test_what_has_no_number_is_a_dash(capsys):
    print_comparison(comparison(3, cosine=None, common=0))
    assert set(" ".join(line for line in told(capsys) if line.startswith("1 ")).split()[2:]) >= {"–"}


def test_colours_mark_what_is_close_and_what_disagrees(capsys, monkeypatch):
    monkeypatch.setattr("adapterhub.cli.text.screen", lambda _: 80)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    print_comparison(comparison(3, cosine=0.9))
    assert "\x1b[33m  +0.90\x1b[0m" in capsys.readouterr().out
    print_comparison(comparison(3, cosine=-0.9))
    assert "\x1b[31m  -0.90\x1b[0m" in capsys.readouterr().out


def test_compare_is_typed_and_read(call, tmp_path):
    for seed, name in enumerate("ab"):
        adapter(tmp_path / name, seed=seed)
        call("add", f"./{name}", f"ada/{name}")
    out = call("compare", "ada/a", "ada/b", "--modules").out
    assert re.search(r"^ada/a@1 +ada/b@1 +\+1\.00", out, re.M)
    assert "layers.0.q_proj" in out
    assert "keep one" in out
    (pair,) = call("compare", "ada/a", "./b", "--json").json["pairs"]
    assert (pair["a"], pair["b"]) == ("ada/a@1", "./b")
    assert "two adapters or more" in call("compare", "ada/a", code=2).err
