"""huggingface_hub fetches an adapter from our server and from a plain one that gives the same answers; and we do."""

import os
import sys
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.copying import Places
from benchmarks.measure import apart, ours, run, seconds
from benchmarks.section import Section
from benchmarks.serving.numbers import plain, quantile, turns
from benchmarks.serving.running import serving
from benchmarks.serving.sizes import Sizes
from benchmarks.serving.static import mirror, nginx
from benchmarks.serving.store import large

__all__ = ["snapshot", "snapshots", "taken"]


def snapshots(folder: Path, sizes: Sizes) -> Section:
    """The part of the page."""
    store, (name,) = large(folder, sizes.size, 1)
    with ExitStack() as stack:
        served = stack.enter_context(serving(store))
        other = stack.enter_context(nginx(folder / "nginx", mirror(served, [name], folder / "answers")))
        hf, there = Path(sys.executable).with_name("hf"), Places(folder)
        ends = {"adapterhub serve": (served.url, served.token), "nginx": (other.url, "none")}
        arms: dict[str, Any] = {}
        for called, (url, token) in ends.items():
            arms[f"hf download, from {called}"] = partial(_process, hf, ("download", name), url, token, there)
            arms[f"snapshot_download, from {called}"] = partial(_snapshot, url, token, name, there)
        words = ("pull", name, "--from", f"hub+{served.url}")
        arms["adapterhub pull, from adapterhub serve"] = partial(_process, None, words, served.url, served.token, there)
        arms["Hub.pull, from adapterhub serve"] = partial(_taken, f"hub+{served.url}", served.token, name, there)
        took = _in_turn(arms, sizes.runs)
    rows = [("", "median, s", "least, s", "MB/s"), *(
        (arm, plain(quantile(found, 0.5)), plain(min(found)), plain(sizes.size / 1e6 / quantile(found, 0.5)))
        for arm, found in took.items()
    )]  # fmt: skip
    about = (
        f"One adapter of {sizes.size / 1e6:g} MB with its config and card, to a client that has nothing of it; "
        f"{sizes.runs} runs in turn. `hf download` and `adapterhub pull` are whole processes; the others are the call "
        "in a fresh process whose imports are done. huggingface_hub compares sizes; ours verifies every digest, and "
        "waits for the disk before it says that it has it. nginx answers the same questions with files."
    )
    return Section("Whole adapters", about, [rows], [])


def _in_turn(arms: dict[str, Any], runs: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in arms}
    for counts in turns(runs):
        for name, deed in arms.items():
            found = deed()
            if counts:
                took[name].append(found)
    return took


def _process(program: Path | None, words: tuple[str, ...], url: str, token: str, there: Places) -> float:
    """Seconds of a whole process, in a home that is new."""
    home = there.fresh()
    said = {
        "HF_ENDPOINT": url, "HF_HOME": home, "HF_TOKEN": token, "ADAPTERHUB_HOME": home, "ADAPTERHUB_TOKEN": token,
    }  # fmt: skip
    command = [program, *words] if program else ours(*words)
    return seconds(lambda: run(["env", *(f"{key}={value}" for key, value in said.items()), *map(str, command)]))


def _snapshot(url: str, token: str, name: str, there: Places) -> float:
    return float(apart("benchmarks.serving.snapshots:snapshot", url, token, name, str(there.fresh())))


def _taken(remote: str, token: str, name: str, there: Places) -> float:
    return float(apart("benchmarks.serving.snapshots:taken", remote, token, name, str(there.fresh())))


def snapshot(url: str, token: str, name: str, home: str) -> float:
    """Seconds of `snapshot_download`, in a process that has imported it."""
    os.environ |= {"HF_ENDPOINT": url, "HF_TOKEN": token, "HF_HOME": home, "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import get_session

    get_session()
    begun = time.perf_counter()
    snapshot_download(name)
    return time.perf_counter() - begun


def taken(remote: str, token: str, name: str, home: str) -> float:
    """Seconds of `Hub.pull` into a new store."""
    os.environ["ADAPTERHUB_TOKEN"] = token
    import httpx2  # noqa: F401
    import huggingface_hub.hf_api  # noqa: F401

    from adapterhub.hub import Hub

    hub = Hub.open(home)
    begun = time.perf_counter()
    hub.pull([name], remote)
    return time.perf_counter() - begun
