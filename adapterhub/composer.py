"""The part of the front door that puts adapters together; `Hub` is it too."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from adapterhub.reference import home_path
from adapterhub.verbs.desk import Desk, PathLike, as_word

if TYPE_CHECKING:
    from torch import nn

    from adapterhub.compose.live.stack import Stack
    from adapterhub.verbs.extract import ExtractPlan
    from adapterhub.verbs.fuse import Fused, FusePlan
    from adapterhub.verbs.merge_plan import MergePlan
    from adapterhub.verbs.merge_worth import Merged
    from adapterhub.verbs.shown import Shown

__all__ = ["Composer"]

Steps = Callable[[int, int], None]
"""Told how much is done, and of how much."""


class Composer:
    """Several adapters onto a live model, into a new entry, or into the weights of their base."""

    desk: Desk

    def stack(
        self, model: "nn.Module", expression: str, *, partial: bool = False, choose: str | None = None
    ) -> "Stack":
        """The adapters of an expression, attached to a live model by `with`, and taken off again bit for bit.

        What does not fit is refused; `partial` takes what fits. `choose` names the adapter whose heads and other whole
        tensors are used, where several carry some.
        """
        from adapterhub.verbs.live import stack

        return stack(self.desk, model, expression, partial=partial, choose=choose)

    def load(
        self, base: PathLike, expression: str, *, partial: bool = False, choose: str | None = None, **how: Any
    ) -> Any:
        """A base as a transformers model with adapters on; `model.adapters` is their stack.

        What does not fit is refused; `partial` takes what fits. `how` goes to `from_pretrained`.
        """
        from adapterhub.verbs.live import load

        return load(self.desk, as_word(base), expression, partial=partial, choose=choose, **how)

    def merge(
        self,
        expression: str,
        name: str,
        method: str | None = None,
        *,
        misfit: bool = False,
        data: PathLike | None = None,
        progress: Steps | None = None,
        **how: Any,
    ) -> "Merged":
        """A new entry out of several, with its parents and the error of its arithmetic.

        One that has no place in the base of another is refused, unless `misfit` allows it. On the rows of `data` both
        are measured: what was there before, as a plain sum on a live model, and the entry, with a note on it.

        `expression` may be the path of a recipe file. `how`: rank or energy, set (parameters of the method), seed,
        choose (`mean` blends heads, for workers of one task); see `compose.recipe.Recipe`.
        """
        from adapterhub.verbs.merge_plan import prepare
        from adapterhub.verbs.merge_worth import merge_and_measure
        from adapterhub.verbs.recipes import recipe_of

        recipe = recipe_of(expression, lambda one, whole: prepare(self.desk, one, whole=whole), method=method, **how)
        rows = home_path(data) if data is not None else None
        return merge_and_measure(self.desk, expression, recipe, name, rows, misfit=misfit, progress=progress)

    def merge_plan(
        self, expression: str, method: str | None = None, name: str | None = None, *, misfit: bool = False, **how: Any
    ) -> "MergePlan":
        """What a merge would do, and whether it could be called `name`; nothing is computed."""
        from adapterhub.verbs.merge_plan import merge_plan, prepare
        from adapterhub.verbs.recipes import recipe_of

        recipe = recipe_of(expression, lambda one, whole: prepare(self.desk, one, whole=whole), method=method, **how)
        return merge_plan(self.desk, recipe, name, misfit=misfit)

    def fuse(
        self,
        expression: str,
        base: PathLike,
        folder: PathLike,
        *,
        name: str | None = None,
        choose: str | None = None,
        progress: Steps | None = None,
        **allow: bool,
    ) -> "Fused":
        """A plain checkpoint with the adapters in its weights, written to a folder; with a name, an entry too.

        `allow`: tied=True changes an embedding although the output layer shares its weight, new_tensors=True writes
        whole tensors the base has no place for, partial=True leaves out the modules the base has no weight for.
        """
        from adapterhub.verbs.fuse import fuse

        target = home_path(as_word(folder))
        return fuse(
            self.desk, expression, as_word(base), target, name=name, choose=choose, allow=allow, progress=progress
        )

    def fuse_plan(
        self, expression: str, base: PathLike, *, name: str | None = None, choose: str | None = None, **allow: bool
    ) -> "FusePlan":
        """What a fuse would do, and whether it could be kept as `name`; nothing is written."""
        from adapterhub.verbs.fuse import fuse_plan

        return fuse_plan(self.desk, expression, as_word(base), name=name, choose=choose, allow=allow)

    def extract(
        self, base: PathLike, tuned: PathLike, name: str, *, progress: Steps | None = None, **how: Any
    ) -> "Shown":
        """What a fine-tuning changed, as a new entry. `how`: rank or energy, targets (a pattern)."""
        from adapterhub.verbs.extract import extract

        return extract(self.desk, as_word(base), as_word(tuned), name, how, progress)

    def extract_plan(self, base: PathLike, tuned: PathLike, name: str | None = None, **how: Any) -> "ExtractPlan":
        """What an extraction would compare and could write; nothing is computed."""
        from adapterhub.verbs.extract import extract_plan

        return extract_plan(self.desk, as_word(base), as_word(tuned), how, name)
