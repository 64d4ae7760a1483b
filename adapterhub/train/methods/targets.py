"""Which layers get an adapter.

    all-linear     nn.Linear and transformers' Conv1D; on a module that is not of transformers also nn.Conv2d without
                   groups, since a convolutional network has little else. Not: heads, output embeddings
    a list         ends of paths, as PEFT reads them: `query` is every module whose path is or ends with `.query`
    a word         a regular expression for whole paths, as PEFT reads it

Never: what lies in a head, and what torch computes without calling the layer (in nn.MultiheadAttention, and in
nn.TransformerEncoderLayer, whose fast path reads the weights): there an adapter would be without effect.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from torch import nn

from adapterhub.errors import DoesNotFit, WrongUsage

__all__ = ["ALL", "LAYERS", "choose", "ends", "is_conv1d", "linear", "whole"]

ALL = "all-linear"

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Embedding)
"""Besides Conv1D, what PEFT can put LoRA beside."""

UNCALLED = (nn.MultiheadAttention, nn.TransformerEncoderLayer)


def choose(
    model: nn.Module, targets: str | Sequence[str], heads: Sequence[str] = (), *, kinds: Sequence[type] = LAYERS
) -> tuple[str, ...]:
    """The paths of the modules that are meant, sorted; `DoesNotFit` names each word that matches nothing.

    `kinds` are the layers a method can change, beside Conv1D.
    """
    able = {
        path: module for path, module in _able(model, heads) if isinstance(module, tuple(kinds)) or is_conv1d(module)
    }
    if targets == ALL:
        chosen = able.keys() & linear(model, heads)
        missing = [] if chosen else [ALL]
    else:
        words = [targets] if isinstance(targets, str) else list(targets)
        matched = {word: {path for path in able if _matches(word, path, isinstance(targets, str))} for word in words}
        chosen = set().union(*matched.values())
        missing = [word for word in words if not matched[word]]
    if missing or not chosen:
        raise _nothing(missing or list(targets), able, model)
    return tuple(sorted(chosen))


def linear(model: nn.Module, heads: Sequence[str] = ()) -> set[str]:
    """What `all-linear` means."""
    return {path for path, module in _able(model, heads) if _is_linear(model, module)} - _output(model)


def whole(model: nn.Module, heads: Sequence[str]) -> frozenset[str]:
    """The modules that are trained whole: PEFT takes every path that ends with the letters of a head's."""
    paths = [path for path, _ in model.named_modules() if path]
    for head in heads:
        if head not in paths:
            near = get_close_matches(head, paths, 3, 0.0)
            raise DoesNotFit(
                f"heads: {type(model).__name__} has no module {head}",
                hint=f"heads are whole paths; the closest are {', '.join(near)}",
            )
    return frozenset(path for path in paths if path.endswith(tuple(heads)))


def ends(chosen: Iterable[str], paths: Iterable[str]) -> list[str] | str:
    """The shortest ends of paths that match the chosen ones and no other, sorted.

    A regular expression for whole paths, where a chosen path is itself the end of another.

    >>> ends(["a.q.fc", "b.q.fc"], ["a.q.fc", "b.q.fc", "c.fc"]), ends(["fc"], ["fc", "c.fc"])
    (['q.fc'], 'fc')
    """
    chosen = set(chosen)
    taken = {tail for path in set(paths) - chosen for tail in _tails(path)}
    found = {path: next((tail for tail in _tails(path) if tail not in taken), None) for path in chosen}
    whole_paths = "|".join(map(re.escape, sorted(chosen)))
    return whole_paths if None in found.values() else sorted({end for end in found.values() if end})


def is_conv1d(module: nn.Module) -> bool:
    """Whether it is transformers' Conv1D, a linear layer with its weight (in, out)."""
    return type(module).__name__ == "Conv1D" and type(module).__module__.startswith("transformers.")


def _able(model: nn.Module, heads: Sequence[str]) -> Iterator[tuple[str, nn.Module]]:
    """The layers an adapter can be put at."""
    closed = [path for path, module in model.named_modules() if isinstance(module, UNCALLED)]
    closed += whole(model, heads)
    # PEFT also spares what lies in any module that is called as a head is.
    within = re.compile("|".join(rf"(?:.*\.)?{re.escape(head)}(?:\..*)?" for head in heads) or r"(?!)")
    for path, module in model.named_modules():
        inside = f"{path}.".startswith(tuple(f"{name}." for name in closed)) or within.fullmatch(path)
        if path and not inside and (isinstance(module, LAYERS) or is_conv1d(module)):
            yield path, module


def _is_linear(model: nn.Module, module: nn.Module) -> bool:
    plain = not hasattr(model, "get_output_embeddings")
    convolution = plain and isinstance(module, nn.Conv2d) and module.groups == 1
    return isinstance(module, nn.Linear) or is_conv1d(module) or convolution


def _output(model: nn.Module) -> set[str]:
    """The output embeddings of a model of transformers."""
    get: Any = getattr(model, "get_output_embeddings", None)
    last = get() if get else None
    return {path for path, module in model.named_modules() if last is not None and module is last}


def _matches(word: str, path: str, regex: bool) -> bool:
    if not regex:
        return path == word or path.endswith(f".{word}")
    try:
        return re.fullmatch(word, path) is not None
    except re.error as error:
        raise WrongUsage(
            f"targets: {word!r} is no regular expression: {error}",
            hint="write a list for ends of paths: [query, value]",
        ) from None


def _tails(path: str) -> Iterator[str]:
    words = path.split(".")
    return (".".join(words[start:]) for start in reversed(range(len(words))))


def _nothing(words: Sequence[str], able: Iterable[str], model: nn.Module) -> DoesNotFit:
    counts = Counter(path.rpartition(".")[2] for path in able)
    common = sorted(counts, key=lambda end: (-counts[end], end))
    near = dict.fromkeys(end for word in words for end in get_close_matches(word.split(".")[-1], common, 3, 0.5))
    shown = list(dict.fromkeys((*near, *common)))[:12]
    return DoesNotFit(
        f"targets: {', '.join(words)} matches no layer of {type(model).__name__} that can be adapted",
        hint=f"what would match: {', '.join(f'{end} ({counts[end]}×)' for end in shown)}"
        if shown
        else "it has no linear layer outside its heads that torch calls; train it with the method full",
    )
