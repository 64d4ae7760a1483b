"""A change of weights finds its tensor and the way that lies there: (out, in), turned, flattened, or one of many."""

from math import prod

from adapterhub.base.weights import Weight
from adapterhub.compose.checkpoints.patch import Dora
from adapterhub.compose.checkpoints.place_experts import pieces, split
from adapterhub.compose.checkpoints.targets import One, size_of
from adapterhub.compose.checkpoints.tied import shares
from adapterhub.formats.header import TensorInfo
from adapterhub.lora.delta import Delta, Form

__all__ = ["place_delta"]


def place_delta(one: One, name: str, delta: Delta) -> None:
    """One delta with its magnitude, if it has one."""
    module, expert = split(name)
    if (weight := one.all.base.experts.get(one.naming.rewrite(module))) is not None:
        _cut(one, name, weight, delta)
        return
    leaf, other = (".weight", "") if expert is None else ("", ".weight")
    info = one.find(module, leaf) or one.find(module, other)
    if info is None:
        return
    if expert is None and len(info.shape) >= 2:
        delta = _sized(one, module, info, delta)
    turned = _turned(one, module, info, delta) if expert is None else _expert(info, delta, expert)
    if isinstance(turned, str):
        one.fault(turned)
        return
    out, into = delta.shape
    patch = one.patch(info, (into, out) if turned else (out, into), turned=turned, slot=expert or 0)
    if delta.form.kind == "embedding" and shares(one.all.base, info.name):
        one.shared(info.name)
    magnitude = one.adapter.magnitudes.get(name)
    if magnitude is None:
        patch.deltas.append((delta, one.weight))
    elif len(magnitude) != out:
        one.fault(f"{name} has {len(magnitude)} magnitudes for {out} outputs")
    elif name in one.adapter.shifts:
        one.fault(f"{name} has both a DoRA magnitude and a bias of B, which have no agreed meaning together")
    else:
        patch.doras.append(Dora(magnitude, delta, one.weight, one.adapter.tensors.get(f"{name}.weight")))


def _cut(one: One, name: str, weight: Weight, delta: Delta) -> None:
    """The same where the base cuts its experts otherwise."""
    if name in one.adapter.magnitudes:
        one.fault(f"{name} has a DoRA magnitude, and the base holds its experts otherwise: there is no place for it")
        return
    for info, slot, part in pieces(one, name, weight, delta):
        one.patch(info, part.shape, slot=slot).deltas.append((part, one.weight))


def _sized(one: One, module: str, info: TensorInfo, delta: Delta) -> Delta:
    """The change as one of this weight, where its factors do not know how wide that is."""
    out, into = info.shape[0], prod(info.shape[1:])
    form = Form("conv", info.shape[2:]) if len(info.shape) > 2 else delta.form
    return delta.within((into, out) if len(info.shape) == 2 and one.turned(module) else (out, into), form)


def _turned(one: One, module: str, info: TensorInfo, delta: Delta) -> bool | str:
    """Whether the weight is stored the other way round than (out, in), or why the change does not fit it."""
    out, into = delta.shape
    turned = delta.form.kind == "embedding" or (len(info.shape) == 2 and one.turned(module))
    flat = (info.shape[0], prod(info.shape[1:])) if info.shape else (0, 0)
    kernel = delta.form.kernel in ((), info.shape[2:])
    if kernel and len(info.shape) >= 2 and flat == ((into, out) if turned else (out, into)):
        return turned
    return f"{info.name} is {size_of(info)}, the adapter changes {out}×{into} ({delta.form})"


def _expert(info: TensorInfo, delta: Delta, number: int) -> bool | str:
    """The same for one matrix of a parameter that has one for each expert: its shape must tell."""
    out, into = delta.shape
    count, *shape = info.shape if len(info.shape) == 3 else (1, *info.shape)
    if number >= count or sorted(shape) != sorted((out, into)):
        return f"{info.name} is {size_of(info)}, the adapter changes {out}×{into} of expert {number}"
    if out == into and len(info.shape) == 3:
        return (
            f"{info.name} is {size_of(info)}: whether that is (out, in) or (in, out) cannot be told from a square, and "
            "versions of peft differ"
        )
    return tuple(shape) != (out, into)
