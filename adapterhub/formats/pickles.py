"""Pickles, looked at from outside: what one probably is, and how its tensors are had without running it here.

Reading a pickle can run any program, so this process never does. What it says is told by the zip's directory and the
first bytes. `convert` starts a child that may do nothing but read tensors, with limits on its time and memory.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NoReturn

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.header import refuse_pointer

__all__ = ["convert", "describe", "refuse"]

LOOK = 1 << 16
SECONDS = 600
MAGIC = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")

SIGNS = (
    (b"string_to_param", "a textual inversion"),
    (b"TrainingArguments", "the arguments of a training"),
    (b"param_groups", "the state of an optimiser"),
    (b"adapter_down", "a bottleneck adapter of the adapters library"),
    (b"base_model.model.", "the weights of a PEFT adapter"),
    (b"lora_unet_", "a LoRA in kohya's layout"),
    (b"hada_w1", "a LoHa in kohya's layout"),
    (b"state_dict", "a checkpoint of a whole model"),
)


def describe(path: Path) -> str:
    """What a pickle probably holds, by its first bytes alone; `Corrupt` if a Git LFS pointer lies there."""
    with path.open("rb") as stream:
        refuse_pointer(stream, path.name)
        head = stream.read(LOOK)
    if head.startswith(b"PK\x03\x04"):
        try:
            head = _first_pickle(path)
        except (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, ValueError, EOFError, OSError):
            return "a damaged zip that should hold a pickle"
    elif not head.startswith(MAGIC):
        return "no pickle that PyTorch would read" if head else "an empty file"
    return next((what for sign, what in SIGNS if sign in head), "tensors or objects of some kind")


def _first_pickle(path: Path) -> bytes:
    with zipfile.ZipFile(path) as archive:
        name = next((name for name in archive.namelist() if name.endswith("data.pkl")), None)
        if name is None:
            return b""
        with archive.open(name) as stream:
            return stream.read(LOOK)


def refuse(path: Path) -> NoReturn:
    """`Refused`, with what the file is; `Corrupt` if a Git LFS pointer lies there."""
    raise Refused(
        f"{path.name}: a pickle ({describe(path)}), and reading a pickle can run any program",
        hint="have its maker save it as safetensors; only a PEFT adapter_model.bin is converted (--convert-pickle)",
    )


def convert(source: Path, target: Path) -> None:
    """Write the tensors of `source` to `target` as safetensors, in a child process; `Refused` or `Corrupt`."""
    describe(source)  # a pointer is told before torch is started
    command = [sys.executable, "-P", "-m", "adapterhub.formats.pickle_worker", str(source), str(target)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, timeout=SECONDS, env=environment, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise Refused(
            f"{source.name}: not read within {SECONDS} seconds, given up",
            hint="this is no usual pickle of weights: save it as safetensors where it was made",
        ) from None
    if done.returncode == 0 and target.is_file():
        return
    _explain(source.name, done)


def _explain(name: str, done: subprocess.CompletedProcess[bytes]) -> NoReturn:
    try:
        said = json.loads(done.stdout.decode().splitlines()[-1])
        kind, message = str(said["kind"]), str(said["message"])
    except (ValueError, KeyError, IndexError, TypeError):
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        kind, message = "refused", f"the reading process ended with {done.returncode}: {' '.join(last)[:300]}"
    hint = "have its maker save it as safetensors"
    if kind == "corrupt":
        raise Corrupt(f"{name}: {message}", hint=hint)
    raise Refused(f"{name}: the pickle holds more than tensors or asks too much: {message}", hint=hint)
