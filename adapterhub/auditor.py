"""The part of the front door that knows bases and says what fits them; `Hub` is it too."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from adapterhub.verbs.desk import Desk, PathLike, as_word, as_words

if TYPE_CHECKING:
    from adapterhub.audit.comparison import Comparison
    from adapterhub.audit.report import Report
    from adapterhub.verbs.base_diff import BaseDiff
    from adapterhub.verbs.base_shown import BaseShown

__all__ = ["Auditor"]


class Auditor:
    """Who a base is, which adapter fits it, and how alike adapters are."""

    desk: Desk

    def base_add(self, word: PathLike, *, watch: Callable[[int], None] | None = None) -> "BaseShown":
        """Read a base once, hash its tensors, keep its card. `watch` is told how many more bytes were read."""
        from adapterhub.verbs.base_shown import base_add

        return base_add(self.desk, as_word(word), watch)

    def base_list(self) -> "list[BaseShown]":
        """The bases this store knows."""
        from adapterhub.verbs.base_shown import base_list

        return base_list(self.desk)

    def base_show(self, word: PathLike, *, watch: Callable[[int], None] | None = None) -> "BaseShown":
        """What a base is, kept or not."""
        from adapterhub.verbs.base_shown import base_show

        return base_show(self.desk, as_word(word), watch)

    def base_diff(self, a: PathLike, b: PathLike) -> "BaseDiff":
        """Which tensors two bases do not share, and how far apart they are."""
        from adapterhub.verbs.base_diff import base_diff

        return base_diff(self.desk, as_word(a), as_word(b))

    def audit(
        self,
        words: Iterable[PathLike] = (),
        bases: Iterable[PathLike] = (),
        *,
        engines: Iterable[str] = (),
        deep: bool = False,
        tell: Callable[[str], None] = lambda _: None,
        progress: Callable[[int, int], None] | None = None,
    ) -> "list[Report]":
        """The fit of adapters on bases; without words, of all on all that are known.

        `engines` (`vllm`, `vllm@0.30.0`) are asked whether they would misread an adapter. What is `deep` reads the
        values too: broken, dead and outlying updates, and other entries that do the same. `tell` is told, in a
        sentence, what the matrix of all leaves out.
        """
        from adapterhub.verbs.fits import audit

        asked = (engines,) if isinstance(engines, str) else engines
        return audit(self.desk, as_words(words), as_words(bases), engines=asked, deep=deep, tell=tell, watch=progress)

    def compare(self, *words: PathLike, progress: Callable[[int, int], None] | None = None) -> "Comparison":
        """How alike adapters are, every pair of them, and what that means for merging them."""
        from adapterhub.verbs.compare import compare

        return compare(self.desk, as_words(words), progress)
