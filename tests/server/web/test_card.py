"""A card as HTML: what is Markdown, and what is left of the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.server.web.card import LONGEST, rendered

REL = 'rel="nofollow noopener noreferrer"'


def test_markdown_is_rendered_below_the_headings_of_the_page():
    html = rendered("# A *card*\n\n###### deep\n\n1. one\n", "/ada/poet/blob/1")
    assert html == "<h3>A <em>card</em></h3>\n<h6>deep</h6>\n<ol>\n<li>one</li>\n</ol>\n"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("[a](https://example.org/?x=1&y=2)", f'<a href="https://example.org/?x=1&amp;y=2" {REL}>a</a>'),
        ("<mailto:ada@example.org>", f'<a href="mailto:ada@example.org" {REL}>mailto:ada@example.org</a>'),
        ("[a](plots/loss.png)", f'<a href="/p/plots/loss.png" {REL}>a</a>'),
        ("[a](./b.md#part)", f'<a href="/p/b.md#part" {REL}>a</a>'),
        ("[a](#part)", f'<a href="#part" {REL}>a</a>'),
        ("[a](ftp://example.org)", "<a>a</a>"),
        ("![a b](x.png)", f'<a href="/p/x.png" {REL}>a b</a>'),
        ("![](x.png)", f'<a href="/p/x.png" {REL}>image</a>'),
        ("[![a](b.svg)](https://example.org)", f'<a href="https://example.org" {REL}>a</a>'),
        ("![a](data:image/png;base64,AAAA)", "a"),
        ("[a](javascript:alert)", "[a](javascript:alert)"),
        ('[a](x "onclick=1")', f'<a href="/p/x" {REL}>a</a>'),
        ("a <b onclick=x>bold</b> <!-- gone --> word<br>", "a bold  word"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
    ],
)
def test_links_images_and_html_in_a_line(text, html):
    assert rendered(text, "/p").strip() == f"<p>{html}</p>"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<!-- a\n\ncomment -->", ""),
        ("<script>\nalert(1)\n</script>", "<p>alert(1)</p>\n"),
        ("<div\nonclick=x>\nwords\n</div>", "<p>words</p>\n"),
        ("<!-- never closed <script>", ""),
        ("```html\n<b>\n```", '<pre tabindex="0"><code>&lt;b&gt;\n</code></pre>\n'),
        ("    <b>\n", '<pre tabindex="0"><code>&lt;b&gt;\n</code></pre>\n'),
    ],
)
def test_blocks_of_html_and_code(text, html):
    assert rendered(text, "/p") == html


def test_cells_that_are_aligned_have_a_class_and_no_style():
    html = rendered("|a|b|\n|-|-:|\n|1|2|\n", "/p")
    assert '<th>a</th>\n<th class="amount">b</th>' in html
    assert "style" not in html


def test_a_card_without_end_is_cut():
    assert len(rendered("word " * LONGEST, "/p")) < LONGEST + 10


MARKS = st.lists(
    st.sampled_from([*"<>[]()!'\"&`*_#|-\n a", "<script>", "<!--", "-->", "javascript:", "](", "data:", "onx="])
)


@given(MARKS)
def test_no_card_makes_a_tag_that_markdown_has_not(marks):
    from html.parser import HTMLParser

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert tag in KNOWN, tag
            assert {name for name, _ in attrs} <= {"href", "rel", "class", "tabindex", "start", "role", "aria-label"}
            href = dict(attrs).get("href", "")
            assert not href.lower().startswith(("javascript:", "data:", "vbscript:"))

    Tags().feed(rendered("".join(marks), "/p"))


KNOWN = {
    "p", "a", "em", "strong", "code", "pre", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "hr", "br", "div",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
