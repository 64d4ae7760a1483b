"""Comfort: small screens, the dark, the keyboard, names for those who do not see."""

import re

import pytest

from tests.server.web.seeing import ENTER, TAB

PAGES = (
    "/", "/ada/poet", "/ada/poet/tree/1", "/ada/trap", "/ada/poet/blob/3/adapter_config.json",
    "/ada/poet/blob/3/adapter_model.safetensors", "/ada/poet/commits/main", "/bases", "/no/such",
)  # fmt: skip


def luminance(colour):
    """How light a colour is: 0 is black. Source: WCAG 2.2, relative luminance."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_a_phone(admin, path):
    admin.size(360)
    admin.open(path)
    assert admin.ask("return document.documentElement.scrollWidth") == 360
    wide = "return [...document.querySelectorAll('h1, h2, p, dl, form, nav, .list td, .list th')].filter(\
        (one) => one.getBoundingClientRect().right > 360).map((one) => one.outerHTML)"
    assert admin.ask(wide) == []


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_light_and_dark(admin, dark):
    admin.dark(dark)
    admin.open("/ada/poet")
    paper = admin.one("body").value_of_css_property("background-color")
    assert (luminance(paper) < 0.05) is dark
    for selector in ("p", ".faint", "dt", "h1", ".card a", "thead th", ".version", ".mark", ".ends"):
        colour = admin.one(selector).value_of_css_property("color")
        assert contrast(colour, paper) >= 4.5, selector
    for badge in admin.all(".verdict"):
        colours = [badge.value_of_css_property(name) for name in ("color", "background-color")]
        assert contrast(*colours) >= 4.5, badge.text


def test_the_first_tab_skips_to_the_content_and_then_comes_the_search(admin):
    admin.open("/")
    assert admin.press(TAB) == "Skip to the content"
    assert admin.one(".skip").rect["x"] >= 0
    assert admin.press(ENTER) == "main"
    assert admin.press(TAB) == "q"
    outline = admin.one("#q").value_of_css_property("outline-style")
    assert outline == "solid"


def test_the_tab_goes_through_the_header_to_the_search(admin):
    admin.open("/")
    order = [admin.press(TAB) for _ in range(11)]
    header = ["Skip to the content", "adapterhub", "Adapters", "Bases", "Log out"]
    assert order == [*header, "q", "base", "target", "namespace", "tag", "Search"]


def test_a_slash_goes_to_the_search(admin):
    admin.open("/")
    assert admin.press("/") == "q"
    admin.one("#q").send_keys("a/b")
    assert admin.one("#q").get_attribute("value") == "a/b"


NAMELESS = """
const named = (one) => (one.ariaLabel || one.textContent.trim() || one.labels?.length || one.title);
return [...document.querySelectorAll('a[href], button, input, svg, nav, [role=region]')].filter((one) => !named(one))
  .map((one) => one.outerHTML);
"""
SKIPPED = """
const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map((one) => Number(one.tagName[1]));
return levels[0] !== 1 || levels.filter((one) => one === 1).length !== 1
  || levels.some((one, at) => at && one > levels[at - 1] + 1);
"""


@pytest.mark.parametrize("path", PAGES)
def test_everything_has_a_name_and_headings_have_an_order(admin, path):
    admin.open(path)
    assert admin.ask(NAMELESS) == []
    assert admin.ask(SKIPPED) is False
    assert admin.ask("return document.documentElement.lang") == "en"
    ids = admin.ask("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len({*ids})
    inside = admin.ask("return [...document.querySelectorAll('a[href^=\"#\"]')].map((one) => one.hash.slice(1))")
    assert {*inside} <= {*ids}
