"""All weights an adapter can mean in a base: those that lie there, their slices, and those that share one."""

from collections.abc import Mapping
from typing import Any

from adapterhub.base.config import setting
from adapterhub.base.slices import experts, fused
from adapterhub.base.tied import tied
from adapterhub.base.weights import Weight

__all__ = ["reach"]


def reach(weights: Mapping[str, Weight], model_type: str | None, config: Mapping[str, Any]) -> dict[str, Weight]:
    """By module; what lies there under a name of its own comes before all else."""
    hidden = setting(config, "hidden_size")
    sliced = (*experts(weights, hidden if type(hidden) is int else None), *fused(weights, model_type))
    return {**dict(tied(weights, config)), **dict(sliced), **weights}
