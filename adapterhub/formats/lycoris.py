"""LyCORIS files: kohya's layout with other algorithms than LoRA in it, sometimes several in one file.

    LOHA   (hada_w1_a @ hada_w1_b) ∘ (hada_w2_a @ hada_w2_b)
    LOKR   w1 ⊗ w2, each whole (lokr_w1) or a product (lokr_w1_a @ lokr_w1_b)
    GLORA  W·(a1 @ a2) + b1 @ b2        FULL  diff        NORM  w_norm        IA3  a vector, on inputs or outputs
    OFT    a rotation in blocks (blocks, s, s); BOFT in several layers of them (layers, blocks, s, s)

    right factors are (r, …); left factors are (…, r), or (r, …) too where a core `t` (r, r, kh, kw) stands between

OFT's alpha is a limit and no scale. Source: Yeh et al. 2023, https://arxiv.org/abs/2309.14859
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.formats import alphas, factors, kohya, single, untrained
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members

__all__ = ["claims", "facts"]

Parts = Mapping[str, TensorInfo]


class Product(NamedTuple):
    """left @ right, with a core between them or not; `whole` may stand instead."""

    left: str
    right: str
    core: str = ""
    whole: str = ""


MARKERS = {
    "hada_w1_a": "LOHA",
    "lokr_w1": "LOKR",
    "lokr_w1_a": "LOKR",
    "lokr_w2": "LOKR",
    "oft_blocks": "OFT",
    "on_input": "IA3",
    "a1.weight": "GLORA",
    "diff": "FULL",
    "w_norm": "NORM",
    "up": "LORA",
    "down": "LORA",
}
"""A tensor only one algorithm has, and its name."""

PRODUCTS = {
    "LOHA": (Product("hada_w1_a", "hada_w1_b", "hada_t1"), Product("hada_w2_a", "hada_w2_b", "hada_t2")),
    "LOKR": (
        Product("lokr_w1_a", "lokr_w1_b", "lokr_t1", "lokr_w1"),
        Product("lokr_w2_a", "lokr_w2_b", "lokr_t2", "lokr_w2"),
    ),
    "GLORA": (Product("a1.weight", "a2.weight"), Product("b1.weight", "b2.weight")),
    "LORA": (Product("up", "down"),),
}
ALONE = {"OFT": "oft_blocks", "BOFT": "oft_blocks", "IA3": "weight", "FULL": "diff", "NORM": "w_norm"}
"""The tensor of the algorithms that multiply nothing; zero, it changes nothing."""


def claims(members: Members) -> bool:
    """Whether a tensor of the file is a factor of one of LyCORIS' own algorithms."""
    header = single.peek(members)
    parsed = map(kohya.parse, header.tensors if header else ())
    return any(found is not None and MARKERS.get(found[1], "LORA") != "LORA" for found in parsed)


def facts(members: Members) -> Facts:
    """What the header and the alphas say; the type is what most modules have."""
    name, header = single.header_of(members)
    modules, rest = factors.group(header.tensors.values(), kohya.parse, name)
    kinds = {module: _algorithm(parts) for module, parts in modules.items()}
    pairs = [pair for module, parts in modules.items() for pair in _pairs(module, parts, kinds[module])]
    scaled = {module: parts for module, parts in modules.items() if kinds[module] in PRODUCTS}
    alpha, several, findings = alphas.settle(alphas.read(members, name, scaled), name)
    with members.open(name) as stream:
        products = {module: _factors(parts, kinds[module]) for module, parts in modules.items()}
        zero = untrained.findings(stream, products, name)
    fields = {**factors.counts(modules, factors.ranks_of(pairs)), "targets": kohya.leaves(modules)}
    algorithms = Counter(kind for kind in kinds.values() if kind)
    return Facts(
        format="lycoris",
        type=min(algorithms, key=lambda kind: (-algorithms[kind], kind)),
        alpha=alpha,
        base_name=kohya.base_name(header.metadata),
        details={
            **kohya.settings(header.metadata, modules),
            **_more(modules, kinds),
            **({"algorithms": dict(algorithms)} if len(algorithms) > 1 else {}),
            **({"alphas": several} if several else {}),
        },
        findings=(
            *_incomplete(modules, kinds, name),
            *factors.odd_shapes(pairs, name),
            *factors.unexplained(rest, name),
            *zero,
            *findings,
        ),
        **fields,
    )


def _algorithm(parts: Parts) -> str:
    kind = next((MARKERS[part] for part in MARKERS if part in parts), "")
    return "BOFT" if kind == "OFT" and len(parts["oft_blocks"].shape) == 4 else kind


def _pairs(module: str, parts: Parts, kind: str) -> Iterator[factors.Pair]:
    """The products of a module that are not whole matrices."""
    for product in PRODUCTS.get(kind, ()):
        if product.whole not in parts:
            # In a Tucker decomposition both outer factors have the rank in front.
            axis = 0 if product.core in parts else 1
            yield factors.Pair(module, parts.get(product.right), parts.get(product.left), (0, axis))


def _factors(parts: Parts, kind: str) -> list[TensorInfo]:
    """The tensors each of which, if zero, makes the module change nothing."""
    if kind == "GLORA":  # a sum: it takes both products to be nothing
        return []
    names = [ALONE[kind]] if kind in ALONE else [n for product in PRODUCTS.get(kind, ()) for n in product]
    return [parts[name] for name in names if name in parts]


def _incomplete(modules: factors.Modules, kinds: Mapping[str, str], what: str) -> list[Finding]:
    lacking = [f"{module}.{part}" for module, parts in modules.items() for part in _missing(parts, kinds[module])]
    if not lacking:
        return []
    return [
        Finding(
            check="missing-half",
            severity="error",
            place=what,
            message=f"{len(lacking)} factors are missing, the first is {lacking[0][:200]}",
            remedy="the adapter cannot be applied; save it again with all factors",
        )
    ]


def _missing(parts: Parts, kind: str) -> list[str]:
    if not kind:
        return [f"({', '.join(parts)}: of no known algorithm)"]
    wanted = [ALONE[kind]] if kind in ALONE else []
    for product in PRODUCTS.get(kind, ()):
        if product.whole not in parts:
            wanted += [product.left, product.right]
    return [name for name in wanted if name not in parts]


def _more(modules: factors.Modules, kinds: Mapping[str, str]) -> dict[str, Any]:
    """Sizes of OFT's blocks, and whether magnitudes are decomposed."""
    sizes = sorted({parts["oft_blocks"].shape[-1] for module, parts in modules.items() if "OFT" in kinds[module]})
    dora = any("magnitude" in parts for parts in modules.values())
    return {**({"block_sizes": sizes} if sizes else {}), **({"use_dora": True} if dora else {})}
