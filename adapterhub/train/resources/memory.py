"""How much memory this process has had, has, and may still take; bytes everywhere.

On Linux the least of what the machine has free, what the control groups around the process (containers, jobs of a
cluster) leave it, and what `ulimit -v` leaves it. On CUDA the device's memory, on mps what Metal recommends.
"""

import contextlib
import ctypes
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from adapterhub.errors import WrongUsage
from adapterhub.number import number

__all__ = [
    "free_memory",
    "fresh_peak",
    "parse_size",
    "process_peak",
    "spare_memory",
    "tight_allocation",
    "used_memory",
]

ROOT = Path("/")

WASTE = 2.5
"""Resident memory by bytes of live tensors on the processor; 2.1 was measured (MiniLM, LoRA, batches of 16 and 64)."""

FIRST_PASS = 48_000_000
"""What a first pass takes on the processor that is no tensor (code, threads, buffers): 30 to 45 MB were measured."""

KEPT = 64 * 2**10
"""Under `tight_allocation` larger blocks are given back when they are freed."""

RESET_PEAK = "5"
"""What /proc/self/clear_refs takes for it; https://docs.kernel.org/filesystems/proc.html."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""malloc.h of glibc."""

UNITS = {"": 1, "b": 1} | {
    f"{letter}{i}b": (1024 if i else 1000) ** power for power, letter in enumerate("kmgt", 1) for i in ("", "i")
}

MOUNTS = (
    ("0::", "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    (
        ":memory:", "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file",
    ),
)  # fmt: skip
"""Of both versions of control groups: how their line begins, where they are, and what their files are called."""


def parse_size(text: str) -> int:
    """Bytes: a number, alone or with kB, MB, GB, TB (powers of ten) or KiB, MiB, GiB, TiB (powers of two).

    >>> parse_size("2GB"), parse_size("1.5 GiB"), parse_size("4096")
    (2000000000, 1610612736, 4096)
    """
    read = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", text)
    value, unit = (number(read.group(1)), UNITS.get(read.group(2).lower())) if read else (None, None)
    if not value or unit is None or value * unit < 1:
        raise WrongUsage(f"memory: {text!r} is no size", hint="write a number and a unit, such as 2GB or 512MiB")
    return int(value * unit)


def spare_memory(device: torch.device, limit: str | None = None, *, processes: int = 1) -> int:
    """Bytes of tensors this process may still make, beside as many others on this machine as `processes` says.

    limit: the most it may have in all, such as 2GB, under `tight_allocation`. Without one its part of what is free,
    less what the allocator of the processor may waste.
    """
    if limit is not None:
        return max(0, parse_size(limit) - used_memory(device) - (FIRST_PASS if device.type == "cpu" else 0))
    return int(free_memory(device) / processes / (WASTE if device.type == "cpu" else 1))


@contextlib.contextmanager
def tight_allocation() -> Iterator[None]:
    """Within it memory that is freed is given back at once, so that a peak is what lives, and not twice that.

    glibc keeps blocks of up to 32 MB for the next one that fits, and a training is full of blocks that nearly fit. What
    is given back has to be asked for again: a step took 1.5 to 1.7 times as long. Other allocators stay as they are.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        yield
        return
    libc.mallopt(M_MMAP_THRESHOLD, KEPT)
    libc.mallopt(M_TRIM_THRESHOLD, KEPT)
    libc.malloc_trim(0)
    try:
        yield
    finally:
        # Where glibc ends by itself when it has seen blocks of every size; what it had it does not tell.
        libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(M_TRIM_THRESHOLD, 64 * 2**20)


def free_memory(device: torch.device) -> int:
    """What is free, for this process as it is bound."""
    if device.type == "cuda":
        # What torch's allocator keeps and does not use is free to us, and to nobody else.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + kept
    if device.type == "mps":
        return max(0, torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return max(0, min([_free_of_machine(), *_free_of_groups(), *_free_of_limit()]))


def used_memory(device: torch.device) -> int:
    """What this process has now: resident memory, on CUDA tensors."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return _status("VmRSS") or _most()


def fresh_peak(device: torch.device) -> None:
    """Let `process_peak` begin anew from what there is now, so that it tells of one work and not of the one before.

    The system's own count of resident memory is reset, which everybody sees who looks at this process. Where that
    cannot be done (not on Linux, or /proc is not to be written to) the peak stays that of the process's life.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(OSError):
        (ROOT / "proc/self/clear_refs").write_text(RESET_PEAK)


def process_peak(device: torch.device | None = None) -> int:
    """The most this process has had since `fresh_peak`: resident memory; on CUDA tensors, as torch's allocator counted.

    Of a process whose peak was never reset, or cannot be, it is the most of its life.
    """
    if device is not None and device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return _status("VmHWM") or _most()


def _most() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _free_of_machine() -> int:
    for line in _lines("proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return 1024 * int(line.split()[1])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") - _most()


def _free_of_limit() -> Iterator[int]:
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        yield limit - _status("VmSize")


def _free_of_groups() -> Iterator[int]:
    """Of the group of this process and all groups around it; files that can be dropped count as free."""
    for line in _lines("proc/self/cgroup"):
        for start, mount, limit, usage, droppable in MOUNTS:
            if start in line and line[0].isdigit():
                inner = Path(line.partition(start)[2].strip("/"))
                for group in (inner, *inner.parents):
                    yield from _free_of_group(ROOT / mount / group, limit, usage, droppable)


def _free_of_group(folder: Path, limit: str, usage: str, droppable: str) -> Iterator[int]:
    most, now = _whole(folder / limit), _whole(folder / usage)
    if most is None or now is None:
        return
    dropped = (line.split()[1] for line in _lines(str(folder / "memory.stat")) if line.startswith(f"{droppable} "))
    yield most - now + int(next(dropped, 0))


def _whole(path: Path) -> int | None:
    """The number in a file; None where there is none, or `max`."""
    text = "".join(_lines(str(path))).strip()
    return int(text) if text.isdigit() else None


def _status(field: str) -> int:
    """A field of this process's status in bytes; 0 where the system tells none."""
    found = (line.split()[1] for line in _lines("proc/self/status") if line.startswith(f"{field}:"))
    return 1024 * int(next(found, 0))


def _lines(path: str) -> list[str]:
    try:
        return (ROOT / path).read_text().splitlines()
    except OSError:
        return []
