"""What a live model of transformers calls the tensors of a checkpoint.

Many keep the names of earlier versions on disk, ViT's `encoder.layer.0.attention.attention.key` for one, which is
`layers.0.attention.k_proj` in memory. Floats are renamed as they are read. Of what lies in eight bits torchao is asked
by the name in memory, so that one has to stand in the file too.
"""

from collections.abc import Mapping
from typing import Any

import torch

from adapterhub.errors import DoesNotFit
from adapterhub.train.compress.folders import CODES, Folder
from adapterhub.train.compress.int8 import transformers
from adapterhub.train.quiet import hushed, quietly

__all__ = ["live_names"]


def live_names(source: Folder) -> dict[str, str]:
    """Tensors by the names they have in memory; those that are cut up or joined when they are read are left out.

    The prefix of a model below a head (`vit.`) is as it is in the file. Of a module that is none of transformers' the
    names are those of the file.
    """
    if (model := _model(source.config)) is None:
        return {name: name for name in source.rows}
    rules = quietly("transformers.conversion_mapping").get_model_conversion_mapping(model)
    core = quietly("transformers.core_model_loading")
    renamings = [rule for rule in rules if isinstance(rule, core.WeightRenaming)]
    converters = [rule for rule in rules if isinstance(rule, core.WeightConverter)]
    found = {}
    for name in sorted(source.rows):  # in this order, since some rules begin with the first name they fit
        called, cut = core.rename_source_key(name, renamings, converters)
        # A rule may look at the end of a name, which another one has in eight bits.
        coded, _ = core.rename_source_key(_coded(name), renamings, converters)
        if cut is None and coded == _coded(called):
            found[name] = called
    return found


def _coded(name: str) -> str:
    return name.removesuffix("weight") + CODES if name.endswith(".weight") else name


def _model(config: Mapping[str, Any]) -> Any:
    """The model a config describes, without weights; None where transformers has no such class."""
    named = (getattr(transformers(), str(name), None) for name in config.get("architectures") or ())
    if (kind := next((one for one in named if one is not None), None)) is None:
        return None
    try:
        with hushed(), torch.device("meta"):
            return kind(kind.config_class.from_dict(dict(config)))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise DoesNotFit(
            f"config.json: transformers builds no {kind.__name__} from it: {error}",
            hint="eight bits are for checkpoints that transformers reads",
        ) from error
