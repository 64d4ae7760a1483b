"""A card as HTML: its Markdown, and nothing that could act or ask another server for something.

HTML in a card is dropped, its text stays. Images become links. Links lead to a page of the repository, to http, https
or mailto, and tell nothing about where they are followed from.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from adapterhub.server.web.words import visible

__all__ = ["LONGEST", "rendered"]

LONGEST = 60_000
"""Characters that are rendered."""

SCHEMES = ("http", "https", "mailto")
MARK = re.compile(r"(<!--|-->)")
TAG = re.compile(r"<[^<>]*>")
DEEPER = 2
"""A card's first heading is below the page's own two."""


class _Quiet(RendererHTML):
    """The renderer with its own way for what a stranger may not decide."""

    def html_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<p>{said}</p>\n" if (said := _said(tokens[idx].content).strip()) else ""

    def html_inline(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _said(tokens[idx].content)

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        token = tokens[idx]
        words = escape(self.renderInlineAsText(token.children or [], options, env) or "image")
        address = "" if env["open"] else _led(str(token.attrGet("src") or ""), env["below"])
        return f"{_link(address)}{words}</a>" if address else str(words)

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        env["open"] += 1
        return _link(_led(str(tokens[idx].attrGet("href") or ""), env["below"]))

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        env["open"] -= 1
        return "</a>"

    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"<{_deeper(tokens[idx].tag)}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f"</{_deeper(tokens[idx].tag)}>\n"

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="scroll" role="region" aria-label="Table of the card" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _cell(tokens[idx])

    def td_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return _cell(tokens[idx])

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f'<pre tabindex="0"><code>{escape(tokens[idx].content)}</code></pre>\n'

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return self.fence(tokens, idx, options, env)


READER = MarkdownIt("commonmark", {"html": True, "maxNesting": 20}, renderer_cls=_Quiet).enable("table")


def rendered(text: str, below: str) -> Markup:
    """A card as HTML; links without a scheme lead below a page of the repository, `below`."""
    return Markup(_rendered(visible(text[:LONGEST]), below))


@lru_cache(32)
def _rendered(text: str, below: str) -> str:
    return str(READER.render(text, {"below": below, "open": 0}))


def _link(address: str) -> str:
    return f'<a href="{escape(address)}" rel="nofollow noopener noreferrer">' if address else "<a>"


def _cell(token: Token) -> str:
    """A cell of a table, without the style that says how it is aligned: pages allow none."""
    return f'<{token.tag} class="amount">' if "right" in str(token.attrGet("style") or "") else f"<{token.tag}>"


def _deeper(tag: str) -> str:
    return f"h{min(6, int(tag[1]) + DEEPER)}"


def _said(html: str) -> str:
    """What a reader would see of HTML: neither comments nor tags. Whatever is left is text."""
    words, inside = [], False
    for part in MARK.split(html):
        if part in ("<!--", "-->"):
            inside = part == "<!--"
        elif not inside:
            words.append(part)
    return str(escape(TAG.sub("", "".join(words))))


def _led(address: str, below: str) -> str:
    """Where a link leads; empty where it may lead nowhere."""
    try:
        found = urlsplit(address)
    except ValueError:
        return ""
    if found.scheme:
        return address if found.scheme.lower() in SCHEMES else ""
    if address.startswith(("/", "#", "?")) or not found.path:
        return address if not address.startswith("/\\") else ""
    inside = quote(found.path.removeprefix("./"), safe="/%")
    return f"{below}/{inside}" + (f"#{found.fragment}" if found.fragment else "")
