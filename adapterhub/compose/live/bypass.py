"""Weights that a model reads without calling their module, where a change of what the module answers is overlooked.

    self.dt_proj.weight @ time_step          conv1d_update(x, self.conv1d.weight.squeeze(1), …)

Which these are is read from the source of the model's own classes, so it holds for models of any version and of
anybody; a weight that is read in only some of the ways through the code counts, but one that is read only under
`if self.training` counts only while the model trains. Where there is no source nothing is known: then `watch` still
tells what was never called.
"""

import ast
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from torch import nn

__all__ = ["HARMLESS", "bypass", "in_training", "reads"]

MEANS = "reads its weight without calling it"
TRAINS = f"{MEANS} while it trains"
DIVIDES = "divides its weight in place"

MENTIONS = frozenset({"data_ptr", "device", "dtype", "is_cuda", "is_meta", "ndim", "numel", "shape", "size"})
"""What may be asked of a weight without using its values."""

SETUP = ("__init__", "_init", "init", "reset", "resize", "tie", "_tie")
"""How the names of methods begin that set a model up."""

FOREIGN = ("torch.", "transformers.modeling_utils")
"""Modules whose classes are not looked at; a hook turns the fast path of torch's own layers off."""

HARMLESS: dict[tuple[str, str], Callable[[Any], bool]] = {
    ("BloomAttention", "dense"): lambda owner: not (owner.pretraining_tp > 1 and owner.slow_but_exact),
    ("BloomMLP", "dense_4h_to_h"): lambda owner: not (owner.pretraining_tp > 1 and owner.slow_but_exact),
    # Only where queries of another layer come in, which no head of the model does.
    ("DisentangledSelfAttention", "in_proj"): lambda owner: True,
    # Only to find the tokens of embeddings that were given in their place, and to fill the places of images.
    ("Gemma4TextModel", "embed_tokens"): lambda owner: True,
    ("Gemma4Model", "language_model.embed_tokens"): lambda owner: True,
}
"""(class, module in it) -> whether what is read is never used, or where it does not matter."""

RESCALED = {"RwkvBlock": frozenset({"attention.output", "feed_forward.value"})}
"""Class -> modules in it whose weight the model divides in place when it goes into eval, all but what is attached."""


def bypass(model: nn.Module, path: str) -> str:
    """Why a change of what the module at a path answers would be overlooked, or nothing."""
    found = (f"{name} {reason}" for owner, name, reason in _ways(model, path) if reason != TRAINS or owner.training)
    return next(found, "")


def in_training(model: nn.Module, path: str) -> Iterator[tuple[nn.Module, str]]:
    """The modules that would overlook such a change while they train, and what they do then."""
    return ((owner, f"{name} {reason}") for owner, name, reason in _ways(model, path) if reason == TRAINS)


def _ways(model: nn.Module, path: str) -> Iterator[tuple[nn.Module, str, str]]:
    segments, owner = path.split("."), model
    for n, segment in enumerate(segments if path else ()):
        rest = ".".join(segments[n:])
        kind: type = type(owner)
        name, reason = _known(kind).get(rest, ("", ""))
        if name and not HARMLESS.get((name, rest), _never)(owner):
            yield owner, name, reason
        owner = owner.get_submodule(segment)


def reads(source: str) -> dict[str, dict[str, bool]]:
    """Name of each class -> the modules in it, as paths, whose weights its methods read -> whether only in training.

    >>> reads("class A:\\n def forward(self, x): return x @ self.proj.weight + self.norm.weight.shape[0]")
    {'A': {'proj': False}}
    """
    lines = source.splitlines()
    found: dict[str, dict[str, bool]] = {}
    for kind in _classes(ast.parse(source)):
        every = list(_of_class(kind, lines))
        found[kind.name] = {path: all(trains for one, trains in every if one == path) for path, _ in every}
    return {name: some for name, some in found.items() if some}


def _classes(block: ast.AST) -> Iterator[ast.ClassDef]:
    for node in ast.iter_child_nodes(block):
        if isinstance(node, ast.ClassDef):
            yield node
        if isinstance(node, ast.stmt):
            yield from _classes(node)


def _of_class(kind: ast.ClassDef, lines: list[str]) -> Iterator[tuple[str, bool]]:
    for method in kind.body:
        if not isinstance(method, ast.FunctionDef) or method.name.startswith(SETUP):
            continue
        if any(".weight" in line for line in lines[method.lineno - 1 : method.end_lineno]):
            mentions, training = set(_mentions(method)), set(_in_training(method))
            for node in ast.walk(method):
                if isinstance(node, ast.Attribute) and node.attr == "weight" and isinstance(node.ctx, ast.Load):
                    path = _path(node.value)
                    if path and node not in mentions:
                        yield path, node in training


def _mentions(method: ast.FunctionDef) -> Iterator[ast.AST]:
    """Expressions that are only asked what they are."""
    for node in ast.walk(method):
        if isinstance(node, ast.Attribute) and node.attr in MENTIONS:
            yield node.value
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("hasattr", "isinstance"):
            yield from node.args[:1]


def _in_training(method: ast.FunctionDef) -> Iterator[ast.AST]:
    """What runs under `if self.training` or `if self.training and …` alone."""
    for node in ast.walk(method):
        if isinstance(node, ast.If):
            both = isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.And)
            tests = node.test.values if both else [node.test]  # type: ignore[attr-defined]
            if any(isinstance(test, ast.Attribute) and _path(test) == "training" for test in tests):
                for statement in node.body:
                    yield from ast.walk(statement)


def _path(node: ast.expr) -> str:
    """`a.0.b` for the expression `self.a[0].b`, or nothing."""
    if isinstance(node, ast.Attribute):
        above = _path(node.value)
        is_self = isinstance(node.value, ast.Name) and node.value.id == "self"
        return node.attr if is_self else f"{above}.{node.attr}" if above else ""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and (above := _path(node.value)):
        return f"{above}.{node.slice.value!s}"
    return ""


@cache
def _known(owner: type) -> dict[str, tuple[str, str]]:
    """Module in a module of this class -> the class that bypasses it, and how."""
    kinds = [kind for kind in owner.__mro__ if issubclass(kind, nn.Module)]
    own = [kind for kind in kinds if not kind.__module__.startswith(FOREIGN)]
    known = {
        rest: (kind.__name__, TRAINS if trains else MEANS)
        for kind in own
        for rest, trains in _of_module(kind.__module__).get(kind.__name__, {}).items()
    }
    return known | {rest: (kind.__name__, DIVIDES) for kind in own for rest in RESCALED.get(kind.__name__, ())}


@cache
def _of_module(name: str) -> Mapping[str, Mapping[str, bool]]:
    try:
        return reads(inspect.getsource(sys.modules[name]))
    except (KeyError, OSError, TypeError, SyntaxError):
        return {}


def _never(owner: object) -> bool:
    return False
