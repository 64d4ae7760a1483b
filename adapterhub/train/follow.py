"""To go on from an adapter: what it knows is where a training begins.

plain     its factors and heads are the first values, and the optimiser's moments where they were kept
ewc       the same; what earlier tasks needed moves little
olora     its effect is laid into the frozen weights in memory, a fresh adapter turns away from its directions, and what
          is saved is the exact sum of both
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.digest import copy_and_hash
from adapterhub.entry import Entry, FolderFiles
from adapterhub.errors import DoesNotFit
from adapterhub.formats.continued import FISHER, OPTIMIZER
from adapterhub.formats.peft_parts import CONFIG, WEIGHTS
from adapterhub.manifest import File, Manifest
from adapterhub.train.config import TrainConfig
from adapterhub.train.earlier import Earlier
from adapterhub.train.engine.shape import shape_words
from adapterhub.train.methods.attached import Attached
from adapterhub.train.quiet import peft

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["begin", "lay_under", "moments"]

SAME = "give the same method, rank and targets as it was trained with (`adapterhub show` tells them)"
SCALE = ("peft_type", "lora_alpha", "use_rslora", "use_dora")
"""Fields of PEFT's config that change what the same factors do."""
WRITTEN = {"adalora": "lora"}
"""Methods whose files are those of another."""
ABOUT_MODEL = ("base_model_name_or_path", "fan_in_fan_out", "revision", "task_type")
"""Fields of PEFT's config that stay when factors are put side by side."""


def lay_under(model: "nn.Module", earlier: Earlier) -> None:
    """Put what an adapter does into the frozen weights of a model, in memory (O-LoRA)."""
    from adapterhub.train.continual.olora import lay

    lay(model, earlier.adapter, f"--continue {earlier.name}")


def begin(attached: Attached, earlier: Earlier, config: TrainConfig) -> Attached:
    """What was made trainable, at the place where the earlier tasks ended, with the penalties that keep them alive."""
    asked = config.continual
    if asked.olora:
        from adapterhub.train.continual.olora import Olora

        part = Olora(attached.model, [earlier.adapter], asked.olora)
        return replace(
            attached,
            parts=(*attached.parts, part),
            save=partial(_save_sum, attached.save, earlier),
            file_bytes=lambda: attached.file_bytes() + _factor_bytes(earlier),
        )
    _insist_on_method(earlier, config)
    _follow(attached.outer, earlier)
    if not asked.ewc:
        return attached
    from adapterhub.train.continual.ewc import Ewc, load

    fisher = load(earlier.folder / FISHER)
    return replace(attached, parts=(*attached.parts, Ewc(attached.model, fisher, asked.ewc)))


def moments(earlier: Earlier, trained: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    """What the optimiser of the earlier run knew, if it was kept; `DoesNotFit` where other parameters are trained."""
    path = earlier.file(OPTIMIZER)
    if path is None:
        return {}
    from safetensors.torch import load_file

    found: dict[str, Tensor] = load_file(path)
    there = {name: tensor.shape for key, tensor in found.items() if (name := key.partition("/")[2]) and tensor.ndim}
    now = {name: weight.shape for name, weight in trained.items()}
    if odd := sorted(name for name in there.keys() | now.keys() if there.get(name) != now.get(name)):
        raise DoesNotFit(
            f"--continue {earlier.name}: its optimiser knows {shape_words(there.get(odd[0]))} of {odd[0]}, and trained "
            f"now is {shape_words(now.get(odd[0]))}",
            hint=SAME,
        )
    return found


def _insist_on_method(earlier: Earlier, config: TrainConfig) -> None:
    """Where it is known: the files do not say whether A was trained, and other shapes are only what follows."""
    was, now = earlier.training.get("adapter", {}).get("method"), config.adapter.method
    was = WRITTEN.get(was, was)
    if was not in (None, now):
        raise DoesNotFit(
            f"--continue {earlier.name}: it goes on as {was}, and the config's adapter.method is {now}", hint=SAME
        )


def _follow(outer: Any, earlier: Earlier) -> None:
    """Put the tensors of an adapter into a model that was made trainable in the same way."""
    from safetensors.torch import load_file

    name = f"--continue {earlier.name}"
    _insist_on_scale(outer, earlier)
    trained = {name for name, weight in outer.named_parameters() if weight.requires_grad}
    there = load_file(earlier.folder / WEIGHTS)
    try:
        told = peft().set_peft_model_state_dict(outer, there)
    except (RuntimeError, KeyError) as error:
        raise DoesNotFit(f"{name}: {_difference(outer, there) or str(error)[:300]}", hint=SAME) from None
    missing = [key for key in told.missing_keys if key in trained]
    if odd := (*told.unexpected_keys, *missing):
        raise DoesNotFit(f"{name}: {_alone(odd[0])}", hint=SAME)


def _difference(outer: Any, there: "Mapping[str, Tensor]") -> str:
    """The first tensor of an adapter that has another shape than what was made trainable, or that one only has."""
    made = peft().get_peft_model_state_dict(outer, save_embedding_layers=False)
    shapes, now = ({name: tensor.shape for name, tensor in tensors.items()} for tensors in (there, made))
    odd = sorted(name for name in shapes.keys() & now.keys() if shapes[name] != now[name])
    if not odd:
        return next(map(_alone, sorted(shapes.keys() ^ now.keys())), "")
    more = f", and {len(odd) - 1} more have other shapes" if len(odd) > 1 else ""
    return f"its {odd[0]} is {shape_words(shapes[odd[0]])}, and the config makes {shape_words(now[odd[0]])}{more}"


def _alone(tensor: str) -> str:
    return f"{tensor} is in one only of the adapter and what the config makes"


def _insist_on_scale(outer: Any, earlier: Earlier) -> None:
    if earlier.file(CONFIG) is None or earlier.file(WEIGHTS) is None:
        raise DoesNotFit(
            f"--continue {earlier.name}: it has no {CONFIG} with a {WEIGHTS}",
            hint=f"`adapterhub export {earlier.name} ./folder --format peft`, and add that",
        )
    was = json.loads((earlier.folder / CONFIG).read_bytes())
    now = next(iter(outer.peft_config.values())).to_dict()
    for field in SCALE:
        if field in was and field in now and was[field] != getattr(now[field], "value", now[field]):
            raise DoesNotFit(
                f"--continue {earlier.name}: its {field} is {was[field]}, and the config makes "
                f"{getattr(now[field], 'value', now[field])}",
                hint=f"adapter.alpha: {was[field]}" if field == "lora_alpha" else SAME,
            )


def _save_sum(save: Any, earlier: Earlier, folder: Path, base: str) -> None:
    """Write the sum of the earlier adapter and the one that `save` writes."""
    from adapterhub.lora.load import load
    from adapterhub.lora.save import save as save_adapter
    from adapterhub.train.continual.olora import summed

    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        save(fresh, base)
        fields = json.loads((fresh / CONFIG).read_bytes())
        both = summed([earlier.adapter, load(_entry(fresh), "the new adapter")])
        kept = {field: fields[field] for field in ABOUT_MODEL if fields.get(field) is not None}
        save_adapter(both, folder, kept, "the sum")


def _factor_bytes(earlier: Earlier) -> int:
    """What an adapter's factors add to a sum, which is in fp32."""
    return sum(4 * (delta.A.numel() + delta.B.numel()) for delta in earlier.adapter.deltas.values())


def _entry(folder: Path) -> Entry:
    files = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            digest, size = copy_and_hash(stream)
        files.append(File(path=path.name, size=size, sha256=digest.hex))
    return Entry(Manifest.made(kind="adapter", files=tuple(files)), FolderFiles(folder))
