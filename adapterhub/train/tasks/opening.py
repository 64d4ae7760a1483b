"""Bases from their folders: quietly, in fp32, with the head a task needs, and which modules that left untrained."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from safetensors import SafetensorError
from torch import nn

from adapterhub.errors import DoesNotFit
from adapterhub.train.quiet import hushed, quiet, quietly
from adapterhub.train.resources.micro import is_out_of_memory

__all__ = [
    "drawn",
    "head_modules",
    "open_config",
    "open_extractor",
    "open_labelled",
    "open_model",
    "open_tokenizer",
    "same_labels",
    "undrawn",
]

NEW = "_adapterhub_new"
"""The attribute of a model under which the modules stand whose weights its base had not."""

THEIRS = "_adapterhub_theirs"
"""That under which the labels stand its base has a head for, where they are others, or in another order."""

RESIZED = "_adapterhub_resized"
"""That which says whether its base has a head of another size."""

HERE = {"local_files_only": True, "trust_remote_code": False}
"""Nothing is fetched, and code beside weights is not run; were it not said, transformers would ask on the terminal."""

FAULTS = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, SafetensorError)
"""What transformers raises for a folder it cannot read."""

Read = TypeVar("Read")


def open_config(folder: Path) -> Any:
    """The config of a base, as transformers reads it."""
    return _read("config", folder, partial(_auto("AutoConfig"), folder, **HERE))


def open_tokenizer(folder: Path, **options: Any) -> Any:
    """The tokenizer of a base; one without a padding token pads with its end, which no loss ever looks at."""
    read = partial(_auto("AutoTokenizer"), folder, **HERE, **options)
    tokenizer = _read("tokenizer", folder, read)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if tokenizer.pad_token_id is None:
        raise DoesNotFit(
            f"{folder}: the tokenizer has no token to pad with, none for an end and none for unknown words",
            hint="give its tokenizer_config.json a pad_token",
        )
    return tokenizer


def open_extractor(folder: Path) -> Any:
    """What makes features of sounds for a base."""
    read = partial(_auto("AutoFeatureExtractor"), folder, **HERE)
    return _read("feature extractor", folder, read)


def open_model(kind: str, folder: Path, **options: Any) -> nn.Module:
    """A model of one of transformers' auto classes, in fp32; what the base has no weights for is drawn anew."""
    read = partial(
        _auto(kind),
        folder,
        dtype=torch.float32,
        **HERE,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **options,
    )
    model: nn.Module
    model, info = _read("model", folder, read)
    resized = [key[0] for key in info["mismatched_keys"]]
    missing = {*info["missing_keys"], *resized}
    setattr(model, NEW, sorted({name.rpartition(".")[0] for name, _ in model.named_parameters() if name in missing}))
    setattr(model, RESIZED, bool(resized))
    return model


def open_labelled(kind: str, folder: Path, labels: Sequence[str], **options: Any) -> nn.Module:
    """A model with an output for each label, in their order; a head for other labels is drawn anew."""
    known = open_config(folder).id2label
    numbered = dict(enumerate(labels))
    names = {"id2label": numbered, "label2id": {label: i for i, label in numbered.items()}}
    model = open_model(kind, folder, num_labels=len(labels), **names, **options)
    others = len(known) == len(labels) and not same_labels(known, labels)
    if getattr(model, RESIZED) or (others and not {*drawn(model)} & {*_heads(model)}):
        setattr(model, THEIRS, tuple(known[i] for i in sorted(known)))
    if others:
        # It has the right size, so it was read; but its outputs mean something else.
        for path in _heads(model):
            model.get_submodule(path).apply(_draw)
        setattr(model, NEW, sorted({*drawn(model), *_heads(model)}))
    return model


def same_labels(known: dict[int, str], labels: Sequence[str]) -> bool:
    """Whether the outputs of a base mean these labels; a base that names none calls them LABEL_0, LABEL_1, …"""
    named = [known[i] for i in sorted(known)]
    return list(labels) in (named, [name.removeprefix("LABEL_") for name in named])


def undrawn(model: nn.Module, folder: Path | str) -> nn.Module:
    """The model, if the base has brought all its weights; `DoesNotFit` for one that would have to learn them."""
    if theirs := getattr(model, THEIRS, ()):
        named: dict[int, str] = cast("Any", model).config.id2label
        labels = [named[i] for i in sorted(named)]
        raise DoesNotFit(
            f"{folder}: its head is for the labels {_listing(theirs)}, and asked for are {_listing(labels)}",
            hint=f"data.labels: [{_listing(theirs)}], in this order, or take a base that was trained for these",
        )
    if new := drawn(model):
        raise DoesNotFit(
            f"{folder} has no weights for {', '.join(new[:5])}, which a {type(model).__name__} needs",
            hint="take a base that was trained for this task",
        )
    return model


def drawn(model: nn.Module) -> tuple[str, ...]:
    """The modules whose weights are not those of the base; of a model that was not opened here nobody knows."""
    return tuple(getattr(model, NEW, ()))


def head_modules(model: nn.Module) -> tuple[str, ...]:
    """The modules to be trained and saved whole: what stands beside the base model, and what the base has not brought.

    A pooler whose weights are in the base is none of them; one that was drawn anew is.
    """
    beside = _heads(model)
    inside = [path for path in drawn(model) if not any(f"{path}.".startswith(f"{head}.") for head in beside)]
    return (*inside, *beside)


def _heads(model: nn.Module) -> list[str]:
    """The model's children with parameters, but for the base model itself."""
    base = getattr(model, "base_model_prefix", "")
    return [name for name, child in model.named_children() if name != base and any(True for _ in child.parameters())]


def _draw(module: nn.Module) -> None:
    """Draw the weights of a layer anew from torch's generator, as torch does for a new one."""
    draw = getattr(module, "reset_parameters", None)
    if draw is not None:
        draw()


def _auto(kind: str) -> Callable[..., Any]:
    """How a class of transformers reads a folder; the classes are imported when they are asked for."""
    with hushed():
        read: Callable[..., Any] = getattr(quietly("transformers"), kind).from_pretrained
        return read


def _read(what: str, folder: Path, read: Callable[[], Read]) -> Read:
    try:
        with quiet():
            return read()
    except FAULTS as error:
        if is_out_of_memory(error):
            raise  # the folder is not at fault
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DoesNotFit(
            f"{folder}: transformers reads no {what} here: {first}",
            hint=f"a base is a folder with config.json and weights, for text also a tokenizer; here {_listed(folder)}",
        ) from error


def _listing(labels: Sequence[str]) -> str:
    return f"{', '.join(labels[:12])}{', …' if len(labels) > 12 else ''}"


def _listed(folder: Path) -> str:
    """What is in a folder, for a hint."""
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    return f"are {', '.join(names[:8])}{' …' if len(names) > 8 else ''}" if names else "is nothing"
