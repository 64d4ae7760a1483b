"""Answering: a batch, a different adapter for each row of it, and one token after another; with four and very many."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import torch
from transformers import DynamicCache

from adapterhub.hub import Hub
from benchmarks.composing.models import activate, base_model, four, twin, with_peft
from benchmarks.composing.scene import CROWD, EXPRESSION, NAMES, RANKS, Scene
from benchmarks.measure import interleaved, seconds

BATCH, LENGTH = 4, 64
PROMPT = 32
LEAN = {"autocast_adapter_dtype": False}
"""Lets peft keep its factors in the base's bf16, as ours are; without it they are fp32."""


def forward(runs: int, *words: Any) -> dict[str, float]:
    """Seconds of one call of a batch."""
    scene = Scene.of(*words)
    base = base_model(scene)
    tokens = torch.randint(0, scene.shape.vocabulary, (BATCH, LENGTH))
    with torch.inference_mode(), ExitStack() as opened:
        ours = twin(base)
        stack = opened.enter_context(Hub.open(scene.store).stack(ours, EXPRESSION))
        lean = activate(with_peft(twin(base), four(scene), **LEAN), list(RANKS))
        wide = activate(with_peft(twin(base), four(scene)), list(RANKS))
        rows = list(RANKS)

        def routed() -> None:
            with stack.route([{name: 1.0} for name in NAMES]):
                ours(tokens)

        return interleaved(
            {
                "base": lambda: base(tokens),
                "ours": lambda: ours(tokens),
                "ours routed": routed,
                "peft": lambda: lean(tokens),
                "peft routed": lambda: lean(tokens, adapter_names=rows),
                "peft fp32": lambda: wide(tokens),
                "peft fp32 routed": lambda: wide(tokens, adapter_names=rows),
            },
            runs,
        )


def decode(runs: int, *words: Any) -> dict[str, float]:
    """Seconds of one more token for one row."""
    scene = Scene.of(*words)
    base = base_model(scene)
    with torch.inference_mode(), ExitStack() as opened:
        ours = twin(base)
        opened.enter_context(Hub.open(scene.store).stack(ours, EXPRESSION))
        lean = activate(with_peft(twin(base), four(scene), **LEAN), list(RANKS))
        wide = activate(with_peft(twin(base), four(scene)), list(RANKS))
        models = {"base": base, "ours": ours, "peft": lean, "peft fp32": wide}
        return interleaved({name: step(model) for name, model in models.items()}, runs)


def crowd(runs: int, *words: Any) -> dict[str, float]:
    """Seconds of attaching very many adapters, and of one more token with all of them on, and with one."""
    scene = Scene.of(*words)
    base, hub = base_model(scene), Hub.open(scene.store)
    ours, theirs = twin(base), twin(base)
    names = [f"crowd/m{number}" for number in range(CROWD)]
    folders = {f"m{number}": scene.adapter("crowd") for number in range(CROWD)}
    with torch.inference_mode(), ExitStack() as opened:
        told: dict[str, float] = {}
        held: list[Any] = []
        told["attach ours"] = seconds(lambda: held.append(opened.enter_context(hub.stack(ours, " + ".join(names)))))
        told["attach peft"] = seconds(lambda: held.append(with_peft(theirs, folders, low_cpu_mem_usage=True, **LEAN)))
        stack, lean = held
        batch = torch.randint(0, scene.shape.vocabulary, (BATCH, LENGTH))
        steps = {"ours": step(ours), "peft": step(lean), "base": step(base)}
        calls = {"ours": lambda: ours(batch), "peft": lambda: lean(batch), "base": lambda: base(batch)}
        for many, on in (("all", CROWD), ("one", 1)):
            stack.only(*names[:on])
            activate(lean, list(folders)[:on])
            told |= {f"{many} token {who}": time for who, time in interleaved(steps, runs).items()}
            told |= {f"{many} batch {who}": time for who, time in interleaved(calls, max(1, runs // 3)).items()}
        return told


def step(model: Any) -> Callable[[], None]:
    """One more token after a prompt, which is read once; the cache forgets the token again."""
    cache = DynamicCache(config=model.config)
    model(torch.ones(1, PROMPT, dtype=torch.long), past_key_values=cache)
    token = torch.ones(1, 1, dtype=torch.long)

    def deed() -> None:
        model(token, past_key_values=cache)
        cache.crop(-1)

    return deed
