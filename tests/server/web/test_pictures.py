"""Pictures of a team's registry can be taken, and what they have shown to be wrong stays right.

`ADAPTERHUB_PICTURES=FOLDER` keeps a picture of every page there, down to its end.
"""

import os
import struct
from pathlib import Path

import pytest

from tests.house.sources import ROOT
from tests.server.running import running
from tests.server.web.pictures import NAMES, PAGES, SIZES, path_of, take
from tests.server.web.seeing import browser
from tests.server.web.team import fill

KEPT = os.environ.get("ADAPTERHUB_PICTURES", "")
SHOWN = sorted((ROOT / "docs/pictures").glob("*.png"))


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    folder = tmp_path_factory.mktemp("team")
    with running(folder) as server:
        fill(server.hub, folder)
        with browser(server, folder / "profile") as reader:
            reader.log_in(server.new_token("lea", "read"))
            yield reader


def look(reader, page, size="desk"):
    reader.size(*SIZES[size])
    reader.dark(False)
    return reader.open(path_of(reader.server, page))


def extent(picture):
    """Width and height of a PNG. Source: PNG specification, 11.2.1."""
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", data[16:24])


def test_pictures_of_every_page_can_be_taken(team, tmp_path):
    for name in NAMES if KEPT else ("list-phone-dark", "list-desk-light", "adapter-desk-dark", "base-phone-light"):
        picture = take(team, Path(KEPT or tmp_path), name)
        width, height = SIZES[name.split("-")[1]]
        assert extent(picture)[0] == width
        assert extent(picture)[1] >= height


def test_night_is_not_day(team, tmp_path):
    taken = {take(team, tmp_path, f"nothing-phone-{light}").read_bytes() for light in ("light", "dark")}
    assert len(taken) == 2


@pytest.mark.parametrize("picture", SHOWN, ids=lambda one: one.name)
def test_a_picture_of_the_page_is_small_and_is_shown(picture):
    assert picture.stat().st_size < 150_000
    assert picture.stem in NAMES
    assert f"pictures/{picture.name}" in (ROOT / "docs/server.md").read_text()
    assert picture.stem in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_the_team_is_wider_than_a_phone(team, page):
    assert look(team, page, "phone").ask("return document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("page", ["base", "adapter", "long"])
def test_every_verdict_is_seen_on_a_phone(team, page):
    badges = look(team, page, "phone").all("td .verdict")
    assert badges
    assert all(badge.rect["x"] + badge.rect["width"] <= 390 for badge in badges)
    assert team.ask(WORD) == '"modules "'


WORD = "return getComputedStyle(document.querySelector('[data-word]'), '::before').content"


def test_a_short_base_stands_on_one_line_of_the_list(team):
    links = look(team, "list").all(".list .base a")
    assert {link.text for link in links} == {"minilm-l6", "bert-small"}
    assert all(link.rect["height"] < 25 for link in links)


def test_the_versions_need_no_sideways_scrolling(team):
    for size in SIZES:
        assert look(team, "adapter", size).ask(FITS, "#versions ~ .scroll"), size


FITS = "const one = document.querySelector(arguments[0]); return one.scrollWidth <= one.clientWidth"


def test_forty_versions_leave_room_for_the_rest(team):
    tall = look(team, "many").all(".scroll.long")
    assert len(tall) == 2
    assert all(one.rect["height"] < 450 for one in tall)


def test_a_plot_tells_of_the_version_that_is_read_and_of_its_ends(team):
    assert look(team, "old").texts("figcaption b")[0] == "0.8891"
    assert look(team, "many").texts("figcaption") == ["accuracy\nin 30 0.8853"]
    assert team.texts(".ends span")[::2] == ["1", "40"]


def test_one_measured_version_has_a_table_and_no_plot(team):
    assert look(team, "one").texts("#metrics") == ["Metrics"]
    assert team.all("svg.curve, figure") == []


def test_an_empty_answer_leads_on(team):
    assert look(team, "nothing").follow("All adapters").path == "/"
