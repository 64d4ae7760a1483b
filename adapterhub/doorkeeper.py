"""The part of the front door that says who may use the store's server; `Hub` is it too."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from adapterhub.verbs.desk import Desk

if TYPE_CHECKING:
    from adapterhub.verbs.tokens import TokenMade, TokenShown

__all__ = ["Doorkeeper"]


class Doorkeeper:
    """Tokens of the server."""

    desk: Desk

    def token_create(
        self, name: str, role: str = "read", *, namespaces: Iterable[str] = (), expires: str | None = None
    ) -> "TokenMade":
        """A token for read, write or admin, in some namespaces or all; it is told this once and kept nowhere."""
        from adapterhub.verbs.tokens import create

        return create(self.desk, name, role, (namespaces,) if isinstance(namespaces, str) else namespaces, expires)

    def token_list(self) -> "list[TokenShown]":
        """All tokens that were ever made, without what is secret."""
        from adapterhub.verbs.tokens import living

        return living(self.desk)

    def token_revoke(self, word: str) -> "TokenShown":
        """End a token, by its name or id."""
        from adapterhub.verbs.tokens import revoke

        return revoke(self.desk, word)
