"""`stack` and `load`: adapters onto a live model, or a model with its adapters on."""

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.protocols.hf_hub.address import is_address, parse_address
from adapterhub.reference import is_folder
from adapterhub.verbs.base_places import fetched
from adapterhub.verbs.bases import card_for
from adapterhub.verbs.desk import Desk
from adapterhub.verbs.fits import audit
from adapterhub.verbs.gate import gate
from adapterhub.verbs.keep import path as path_of
from adapterhub.verbs.operands import operands, place_of
from adapterhub.verbs.recipes import plain, recipe_of
from adapterhub.verbs.subject import Subject

if TYPE_CHECKING:
    from torch import nn

    from adapterhub.compose.live.stack import Part, Stack

__all__ = ["Asked", "asked", "folder_of_base", "load", "stack"]

CLASSES = {
    "CAUSAL_LM": "AutoModelForCausalLM",
    "FEATURE_EXTRACTION": "AutoModel",
    "QUESTION_ANS": "AutoModelForQuestionAnswering",
    "SEQ_2_SEQ_LM": "AutoModelForSeq2SeqLM",
    "SEQ_CLS": "AutoModelForSequenceClassification",
    "TOKEN_CLS": "AutoModelForTokenClassification",
}
"""PEFT's task -> the class of transformers that has its head."""


@final
@dataclass(frozen=True)
class Asked:
    """A weighted sum of whole adapters, found and not yet read. `choose` is the place of the one whose heads count."""

    found: tuple[Subject, ...]
    weights: tuple[float, ...]
    choose: int | None = None

    @property
    def names(self) -> list[str]:
        """What a weight is changed under: the name without its pin, unless two versions must be told apart."""
        names = [one.name for one in self.found]
        return [one.name if names.count(one.name) == 1 else one.label for one in self.found]

    @property
    def chosen(self) -> str | None:
        return None if self.choose is None else self.names[self.choose]

    def parts(self) -> "list[Part]":
        """The adapters, read and verified."""
        from adapterhub.lora.load import load_all

        adapters = load_all([(one.entry, one.label) for one in self.found])
        return list(zip(self.names, adapters, self.weights, strict=True))


def asked(desk: Desk, text: str, choose: str | None = None) -> Asked:
    """What an expression names; a recipe that asks for more than a sum is refused."""
    recipe = plain(recipe_of(text), text)
    found = operands(desk, recipe)
    weights = tuple(one.weight for one in recipe.adapters)
    return Asked(tuple(found), weights, place_of(choose, recipe, found))


def stack(desk: Desk, model: "nn.Module", text: str, *, partial: bool = False, choose: str | None = None) -> "Stack":
    """The adapters of an expression, ready to be attached to a live model by `with`; `partial` takes what fits."""
    return _onto(model, desk, asked(desk, text, choose), partial=partial)


def load(desk: Desk, base: str, text: str, *, partial: bool = False, choose: str | None = None, **how: Any) -> Any:
    """The base as a transformers model with the adapters of an expression on; `how` goes to `from_pretrained`.

    The fit is asked first: a misfit is refused, a partial fit too unless `partial`. The stack is the model's attribute
    `adapters`: its weights and routes can be changed, and its end (`model.adapters.close()`) leaves the plain base.
    """
    wanted = asked(desk, text, choose)
    insist_on_fit(desk, wanted, base, partial=partial)
    folder = folder_of_base(desk, base)
    tasks = {one.facts.task for one in wanted.found}
    kind = _model_class(folder, tasks.pop() if len(tasks) == 1 else None)
    try:
        model = kind.from_pretrained(str(folder), **how)
    except (TypeError, ValueError, OSError, AttributeError) as error:
        raise WrongUsage(
            f"{base}: {kind.__name__}.from_pretrained: {error}", hint="what is given besides goes to from_pretrained"
        ) from error
    model.adapters = _onto(model, desk, wanted, partial=partial).__enter__()
    return model


def _onto(model: "nn.Module", desk: Desk, wanted: Asked, *, partial: bool) -> "Stack":
    from adapterhub.compose.live.stack import stack as attach

    read = lambda more: asked(desk, more).parts()  # noqa: E731
    return attach(model, wanted.parts(), choose=wanted.chosen, partial=partial, read=read)


def insist_on_fit(desk: Desk, wanted: Asked, base: str, *, partial: bool | None = None) -> None:
    """`DoesNotFit` with every adapter that has no place in the base, or only some of it; headers tell.

    `partial` takes those that fit in part; None where nobody can ask for that.
    """
    card = card_for(desk, base, hashes=False)
    gate(audit(desk, [one.label for one in wanted.found], [card]), partial=partial)


def folder_of_base(desk: Desk, word: str) -> Path:
    """The folder of a base: itself, what is downloaded of a Hub, or that of the files of an entry of kind model."""
    if is_address(word):
        return fetched(desk, parse_address(word))
    if is_folder(word):
        return desk.folder(word)
    listed, entry = desk.find(word)
    if entry.manifest.kind != "model":
        raise DoesNotFit(
            f"{listed.reference} is of kind {entry.manifest.kind}, and a base is of kind model",
            hint="`adapterhub search --where kind=model` lists the models",
        )
    return path_of(desk, str(listed.reference))


def _model_class(folder: Path, task: str | None) -> Any:
    """The class of the task's head, else the one the checkpoint was saved as."""
    try:
        import transformers
    except ImportError:
        raise Refused(
            "hub.load needs transformers, which is not installed",
            hint="pip install 'adapterhub[train]', or load the model yourself and use hub.stack",
        ) from None

    names = [CLASSES[task]] if task in CLASSES else _architectures(folder)
    models = [getattr(transformers, name, None) for name in names]
    known = (one for one in models if isinstance(one, type) and hasattr(one, "from_pretrained"))
    return next(known, transformers.AutoModel)


def _architectures(folder: Path) -> list[str]:
    """The classes a checkpoint says it was saved as; only names of models."""
    with suppress(OSError, ValueError, AttributeError):
        said = json.loads((folder / "config.json").read_bytes()).get("architectures")
        named = [said] if isinstance(said, str) else said if isinstance(said, list) else []
        return [name for name in named if isinstance(name, str) and ("For" in name or name.endswith("Model"))]
    return []
