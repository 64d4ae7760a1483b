"""The page: it stands alone, says everything, and believes no name."""

import os
import re
from html.parser import HTMLParser

import pytest

from adapterhub.audit.fit import fit
from adapterhub.audit.report import Deep, Measured
from adapterhub.cli import page as module
from adapterhub.cli.page import page, write_page
from adapterhub.errors import Conflict
from adapterhub.finding import Finding
from tests.audit.builders import LAYERS, adapter, card, pinned

THIN = {name: shape for name, shape in LAYERS.items() if "layers.2" not in name} | {"model.layers.0.q_proj": (8, 5)}
VOID = {"meta", "br"}


class Checked(HTMLParser):
    """What a page holds; every tag that is opened must be closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.seen if name == tag]


def pairs():
    thin = card(THIN).model_copy(update={"name": "thin"})
    drifted = fit(adapter(**pinned(card())), card(changed=("model.layers.1.v_proj",)))
    return [fit(adapter(), card()), fit(adapter(), thin), drifted.model_copy(update={"adapter": "ada/other"})]


def test_nothing_comes_from_elsewhere_and_nothing_runs():
    text = page(pairs())
    read = Checked(text)
    assert {tag for tag, _ in read.seen} & {"script", "link", "img", "iframe", "object"} == set()
    assert not re.search(r"https?://|url\(|@import|\bon[a-z]+=", text)
    assert [attrs["charset"] for attrs in read.all("meta") if "charset" in attrs] == ["utf-8"]
    assert "prefers-color-scheme: dark" in text


def test_a_cell_of_the_matrix_leads_to_its_pair():
    read = Checked(page(pairs()))
    targets = [str(attrs["href"]).removeprefix("#") for attrs in read.all("a")]
    assert targets == [attrs["id"] for attrs in read.all("section")] == ["pair-0", "pair-1", "pair-2"]
    assert "ada/poet on thin: 3 of 6 modules fit" in [attrs.get("title") for attrs in read.all("td")]


def test_every_module_is_a_cell_with_its_state_in_a_class_a_sign_and_words():
    cells = Checked(page(pairs()[1:2])).all("td")
    told = {str(cell["title"]): cell["class"] for cell in cells if "title" in cell}
    assert len(told) == 6
    assert told["model.layers.1.v_proj is there with the right shape"] == "fits"
    assert told["model.layers.0.q_proj is there with another shape: 6×5, the base has 8×5"] == "shape"
    assert told["model.layers.2.q_proj is not there"] == "missing"
    assert "drifted" in [cell.get("class") for cell in Checked(page(pairs()[2:])).all("td")]


def test_tables_have_captions_and_headings_with_a_scope():
    read = Checked(page(pairs()))
    assert len(read.all("caption")) == len(read.all("table"))
    assert {attrs.get("scope") for attrs in read.all("th")} == {"row", "col"}


def test_numbers_are_a_heat_map_that_can_be_read_without_colours():
    measured = [
        Measured(module=f"model.layers.{n}.q_proj", rank=8, effective_rank=2.5, norm=3.0, relative_norm=0.01 * n)
        for n in range(3)
    ]
    (report,) = pairs()[:1]
    read = Checked(page([report.model_copy(update={"deep": Deep(modules=tuple(measured))})]))
    assert "‖ΔW‖ / ‖W‖, stronger is larger" in read.texts
    heat = [cell for cell in read.all("td") if "style" in cell]
    assert [re.findall(r"(\d+)%", str(cell["style"])) for cell in heat] == [["0"], ["45"], ["90"]]
    assert heat[1]["title"] == "model.layers.1.q_proj: ‖ΔW‖ / ‖W‖ 0.01, ‖ΔW‖ 3, rank 8, effective rank 2.5"
    assert "0.02" in read.texts


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_number_that_is_none_has_no_colour(value):
    measured = (Measured(module="h.0.q", norm=value), Measured(module="h.1.q", norm=2.0))
    (report,) = pairs()[:1]
    heat = [
        c for c in Checked(page([report.model_copy(update={"deep": Deep(modules=measured)})])).all("td") if "style" in c
    ]
    assert [re.findall(r"(\d+)%", str(cell["style"])) for cell in heat] == [["0"], ["90"]]


def test_a_name_from_a_stranger_is_text_and_nothing_more():
    evil = "<script>alert('x')</script>\"&\x1b[2J\udcff"
    found = Finding(check=evil, severity="error", place=evil, message=evil, remedy=evil)
    report = fit(adapter({f"h.0.{evil}": (6, 5)}, saved={f"{evil}.weight": (1,)}), card())
    base = report.base.model_copy(update={"name": evil})
    text = page([report.model_copy(update={"adapter": evil, "base": base, "findings": (found,)})] * 2)
    assert "<script" not in text
    assert "\x1b" not in text
    assert "script" not in {tag for tag, _ in Checked(text).seen}


def test_of_very_many_pairs_the_best_are_told_in_full(monkeypatch):
    monkeypatch.setattr(module, "MOST", 1)
    text = page([pairs()[1], pairs()[0]])
    assert [attrs["id"] for attrs in Checked(text).all("section")] == ["pair-1"]
    assert "the 1 best pairs are told in full below, 1 are not" in text


def test_the_page_replaces_what_was_there_in_one_step(tmp_path):
    target = tmp_path / "page.html"
    target.write_text("old")
    write_page(target, pairs())
    assert target.read_text().startswith("<!DOCTYPE html>")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_what_is_no_file_is_never_replaced(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "page.html")
    for target in (pipe, tmp_path):
        with pytest.raises(Conflict, match="is no file"):
            write_page(target, pairs())
    write_page(link, pairs())
    assert (pipe.is_fifo(), link.is_symlink(), (tmp_path / "page.html").is_file()) == (True, True, True)


def test_where_nothing_was_found_that_is_said():
    assert "Nothing was found." in Checked(page(pairs()[:1])).texts
