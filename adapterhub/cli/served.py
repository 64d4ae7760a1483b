"""A server on a terminal, and tokens for people."""

import sys
from collections.abc import Sequence
from shlex import quote
from typing import TYPE_CHECKING

from adapterhub.cli.options import Run
from adapterhub.cli.output import say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean

if TYPE_CHECKING:
    from adapterhub.server.settings import Serving
    from adapterhub.verbs.tokens import TokenMade, TokenShown

__all__ = ["print_made", "print_token", "print_tokens", "serve"]

TOKENS = (
    Column("ID"), Column("NAME", keep=12), Column("ROLE"), Column("NAMESPACES", keep=12), Column("EXPIRES"),
    Column("STATE"),
)  # fmt: skip


def serve(run: Run, serving: "Serving") -> None:
    """Serve until it is ended; the first line says where."""
    from adapterhub.server.run import serve as begin

    hub = run.hub()
    fresh = not hub.desk.store.exists()

    def started(url: str) -> None:
        run.answer(
            {"url": url, "store": str(hub.store)}, lambda said: print(f"serving {said['store']} at {said['url']}")
        )
        if fresh:
            say(f"the store is new: nothing was at {clean(str(hub.store))} before")
        if not any(token.state == "good" for token in hub.token_list()):
            create = f"adapterhub token create NAME --role write --namespace NAME --store {quote(str(hub.store))}"
            say(f"nobody can write yet: `{create}` makes a token")

    begin(hub.desk, serving, started)


def print_made(token: "TokenMade") -> None:
    """The token alone on standard output, so that a program can take it."""
    where = f" in {', '.join(token.namespaces)}" if token.namespaces else " in all namespaces"
    say(f"{token.name}: {token.role}{where}, {_ends(token)}; it is shown this once, and kept nowhere:")
    sys.stderr.flush()
    print(token.token)


def print_token(token: "TokenShown") -> None:
    """One token that has ended."""
    print(f"{token.name} ({token.id}) is {token.state}")


def print_tokens(tokens: "Sequence[TokenShown]") -> None:
    """All tokens that were ever made."""
    if tokens:
        print_table(TOKENS, [_row(token) for token in tokens])
    else:
        say("there is no token; `adapterhub token create NAME --role read` makes one")


def _row(token: "TokenShown") -> list[str]:
    names = ", ".join(token.namespaces) or "all"
    return [token.id, clean(token.name), token.role, clean(names), token.expires[:16] or "never", token.state]


def _ends(token: "TokenShown") -> str:
    return f"until {token.expires[:16]}Z" if token.expires else "until it is revoked"
