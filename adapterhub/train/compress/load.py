"""A checkpoint that was compressed, in memory: as the model of a task, or in any module of the same build."""

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.train.compress.folders import read_folder
from adapterhub.train.compress.int8 import activate, files
from adapterhub.train.compress.observe import read
from adapterhub.train.compress.stages import SCALES
from adapterhub.train.engine.dice import throw

if TYPE_CHECKING:
    from adapterhub.train.task import Task

__all__ = ["load", "opened"]


def opened(task: "Task", path: Path) -> nn.Module:
    """The model of a task from a folder, to be asked; a head the folder does not have is drawn, always the same.

    Where the config has scales of activations, they are used.
    """
    with suppress(Refused):  # where torchao is not there, it need not be for a model in floats
        files()  # before transformers imports it, which is not quiet
    throw(0, "head")
    model = task.open(path).eval()
    if said := read_folder(path).config.get(SCALES):
        activate(model, read(said))
    return model


def load(model: nn.Module, path: Path) -> None:
    """Put the weights of a folder into a module of the same build, in eight bits where they are stored so.

    Scales of activations are used where the config has some. `DoesNotFit` where names or shapes are others.
    """
    folder = read_folder(path)
    tensors: dict[str, Tensor] = {}
    for file in folder.shards():
        tensors |= _file(path / file)
    try:
        model.load_state_dict(tensors, assign=True)
    except RuntimeError as error:
        raise DoesNotFit(f"{path}: {error}", hint="build the module the checkpoint was saved from") from None
    if said := folder.config.get(SCALES):
        activate(model, read(said))


def _file(path: Path) -> dict[str, Tensor]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        said = file.metadata() or {}
    if "tensor_names" not in said:
        return tensors
    return dict(files().unflatten_tensor_state_dict(tensors, said)[0])
