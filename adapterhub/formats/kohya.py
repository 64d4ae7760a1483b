"""LoRA files of kohya-ss' sd-scripts: a model's paths with underscores for dots, settings in the header's metadata.

lora_unet_….lora_down.weight (r, in)     lora_te1_….lora_up.weight (out, r)     ….alpha ()     ….dora_scale
….lora_mid.weight (r, r, kh, kw): a convolution in three steps, whose outer two are 1×1

scale := alpha / r        alpha: a scalar tensor beside each pair; without it, r
ss_network_dim, ss_network_alpha, ss_sd_model_name … : what the training was told, as text
"""

import re
from collections import Counter
from typing import Any

from adapterhub.facts import Facts
from adapterhub.formats import alphas, factors, single, untrained
from adapterhub.formats.members import Members

__all__ = ["base_name", "claims", "facts", "leaves", "parse", "settings"]

KEY = re.compile(r"(?P<module>(?P<network>lora_[a-z]+\d?|lycoris|oft_[a-z]+)_[^.]+)\.(?P<part>[\w.]+)")
PARTS = {
    "lora_down.weight": "down",
    "lora_up.weight": "up",
    "lora_mid.weight": "mid",
    "alpha": "alpha",
    "dora_scale": "magnitude",
}
SETTINGS = ("network_module", "network_dim", "network_alpha", "network_args", "base_model_version", "output_name")

LEAVES = (
    *(f"to_{name}" for name in ("q", "k", "v", "out")), "to_out_0",
    *(f"add_{name}_proj" for name in ("q", "k", "v")), "to_add_out",
    *(f"{name}_proj" for name in ("q", "k", "v", "o", "out", "time_emb", "gate", "up", "down")),
    "proj_in", "proj_out", "proj", "fc1", "fc2", "conv", "conv1", "conv2", "conv_in", "conv_out", "conv_shortcut",
    "ff_net_0_proj", "ff_net_2", "linear1", "linear2", "linear_1", "linear_2", "attn_qkv", "attn_proj", "mlp_0",
    "mlp_2", "qkv", "time_embed", "norm", "norm1", "norm2",
)  # fmt: skip
"""The last words of module paths, which the underscores have run together with what stands before them."""

ENDS = tuple(sorted((f"_{leaf}" for leaf in LEAVES), key=len, reverse=True))


def parse(name: str) -> tuple[str, str] | None:
    """The module and the part of a tensor's name; parts no LoRA has keep the name they stand under.

    >>> parse("lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight")
    ('lora_te1_text_model_encoder_layers_0_mlp_fc1', 'down')
    """
    found = KEY.fullmatch(name)
    return (found["module"], PARTS.get(found["part"], found["part"])) if found else None


def leaves(modules: factors.Modules) -> tuple[str, ...]:
    """The names of the layers, sorted: words that are known, else what stands behind the last number."""
    return tuple(sorted({_leaf(module) for module in modules}))


def _leaf(module: str) -> str:
    for end in ENDS:
        if module.endswith(end):
            return end[1:]
    return re.split(r"_\d+_(?!\d+$)", module)[-1]


def settings(metadata: dict[str, str], modules: factors.Modules) -> dict[str, Any]:
    """What the training was told, and how many modules each network has."""
    said = {key: _said(metadata, f"ss_{key}") for key in SETTINGS}
    networks = Counter(found["network"] for module in modules if (found := KEY.match(f"{module}.alpha")))
    return {"networks": dict(networks), **{key: value for key, value in said.items() if value}}


def base_name(metadata: dict[str, str]) -> str | None:
    return _said(metadata, "ss_sd_model_name")


def _said(metadata: dict[str, str], key: str) -> str | None:
    """A value, cut, and without half surrogates, which nobody could write again; None stands there as a word."""
    value = metadata.get(key, "None")
    return None if value in ("None", "") else value[:500].encode(errors="replace").decode()


def claims(members: Members) -> bool:
    """Whether a tensor of the file has the name of one of kohya's factors."""
    header = single.peek(members)
    parsed = map(parse, header.tensors if header else ())
    return any(found is not None and found[1] in ("down", "up") for found in parsed)


def facts(members: Members) -> Facts:
    """What the header and the alphas say."""
    name, header = single.header_of(members)
    modules, rest = factors.group(header.tensors.values(), parse, name)
    extra = [tensor for parts in modules.values() for part, tensor in parts.items() if part not in PARTS.values()]
    pairs = factors.pairs_of(modules)
    alpha, several, findings = alphas.settle(alphas.read(members, name, modules), name)
    products = {m: [parts[p] for p in ("up", "down") if p in parts] for m, parts in modules.items()}
    with members.open(name) as stream:
        zero = untrained.findings(stream, products, name)
    dora = any("magnitude" in parts for parts in modules.values())
    fields = {**factors.counts(modules, factors.ranks_of(pairs)), "targets": leaves(modules)}
    return Facts(
        format="kohya",
        type="LORA",
        alpha=alpha,
        base_name=base_name(header.metadata),
        details={
            **settings(header.metadata, modules),
            **({"alphas": several} if several else {}),
            **({"use_dora": True} if dora else {}),
        },
        findings=(
            *factors.missing_half(modules, name),
            *factors.odd_shapes(pairs, name),
            *factors.unexplained([*rest, *extra], name),
            *zero,
            *findings,
        ),
        **fields,
    )
