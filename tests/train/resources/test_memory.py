"""Sizes are read as people write them, and what a process may take is bounded by all that binds it."""

import subprocess
import sys

import pytest
import torch

from adapterhub.errors import WrongUsage
from adapterhub.train.resources import memory
from adapterhub.train.resources.memory import free_memory, parse_size, process_peak, spare_memory, used_memory

CPU = torch.device("cpu")
GB, MB = 10**9, 10**6


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2 * GB),
        ("512MiB", 512 * 2**20),
        (" 1.5 kB ", 1500),
        ("1kib", 1024),
        ("3TB", 3 * 10**12),
        ("70B", 70),
        ("4096", 4096),
    ],
)
def test_a_size_is_a_number_and_a_unit(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "GB", "2G", "2 parsecs", "-1GB", "0", "0.1B", "1,5GB", "1e3", "nan", "٣GB", "9" * 400]
)
def test_what_is_no_size_is_wrong_usage(text):
    with pytest.raises(WrongUsage, match="is no size"):
        parse_size(text)


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine with 8 GB free, in files."""
    monkeypatch.setattr(memory, "ROOT", tmp_path)

    def write(**files):
        for name, text in {"proc/meminfo": "MemTotal: 16 kB\nMemAvailable:    8000000 kB\n", **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    write()
    return lambda files: write(**files)


def test_what_the_machine_has_free(system):
    assert free_memory(CPU) == 8_192_000_000


def test_a_control_group_of_the_first_kind_binds(system):
    group = "sys/fs/cgroup/memory/job"
    system({
        "proc/self/cgroup": "9:memory:/job\n0::/\n",
        f"{group}/memory.limit_in_bytes": "3000000000\n",
        f"{group}/memory.usage_in_bytes": "1000000000\n",
        f"{group}/memory.stat": "inactive_file 1\ntotal_inactive_file 500000000\n",
    })  # fmt: skip
    assert free_memory(CPU) == 2_500_000_000


def test_of_nested_control_groups_of_the_second_kind_the_tightest_binds(system):
    system({
        "proc/self/cgroup": "0::/outer/inner\n",
        "sys/fs/cgroup/outer/inner/memory.max": "max\n",
        "sys/fs/cgroup/outer/inner/memory.current": "5\n",
        "sys/fs/cgroup/outer/memory.max": "1000000\n",
        "sys/fs/cgroup/outer/memory.current": "400000\n",
    })  # fmt: skip
    assert free_memory(CPU) == 600_000


def test_in_a_container_that_hides_the_path_the_root_binds(system):
    system({
        "proc/self/cgroup": "5:memory:/docker/0123abcd\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000000\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "1200000\n",
    })  # fmt: skip
    assert free_memory(CPU) == 0


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_without_mallopt_nothing_changes(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    with memory.tight_allocation():
        assert torch.ones(3).sum() == 3


def test_a_limit_of_the_shell_binds():
    (free, left) = run(
        "import resource, torch\n"
        "from adapterhub.train.resources.memory import free_memory, _status\n"
        "limit = _status('VmSize') + 300_000_000\n"
        "resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n"
        "print(free_memory(torch.device('cpu')), limit - _status('VmSize'))"
    )
    assert free <= 300_000_000
    assert abs(free - left) < 20_000_000


def test_a_peak_stays_after_what_made_it_is_gone():
    before, peak, after, now = run(
        "import torch\n"
        "from adapterhub.train.resources.memory import process_peak, used_memory\n"
        "before = used_memory(torch.device('cpu'))\n"
        "held = torch.ones(50_000_000)\n"
        "peak = process_peak()\n"
        "del held\n"
        "print(before, peak, process_peak(), used_memory(torch.device('cpu')))"
    )
    assert 195_000_000 < peak - before < 230_000_000
    assert abs(peak - after) < MB, "Linux counts pages in lots"
    assert now < peak - 150 * MB


def test_a_fresh_peak_forgets_what_was_there_before():
    before, peak, now = run(
        "import torch\n"
        "from adapterhub.train.resources.memory import fresh_peak, process_peak\n"
        "held = torch.ones(50_000_000)\n"
        "del held\n"
        "before = process_peak()\n"
        "fresh_peak(torch.device('cpu'))\n"
        "peak = process_peak()\n"
        "held = torch.ones(25_000_000)\n"
        "print(before, peak, process_peak())"
    )
    assert peak < before - 150 * MB
    assert 95 * MB < now - peak < 130 * MB


def test_where_a_peak_cannot_be_reset_it_is_that_of_a_life(tmp_path, monkeypatch):
    known = process_peak()
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    memory.fresh_peak(CPU)
    monkeypatch.undo()
    assert process_peak() >= known


def test_without_a_status_the_system_is_asked_another_way(tmp_path, monkeypatch):
    known = process_peak()
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    assert abs(process_peak() - known) < 5 * MB
    assert free_memory(CPU) > 0


def test_a_limit_counts_what_is_used_already(monkeypatch):
    monkeypatch.setattr(memory, "used_memory", lambda device: GB)
    assert spare_memory(torch.device("cuda"), "3GB") == 2 * GB
    assert 1.9 * GB < spare_memory(CPU, "3GB") < 2 * GB, "a first pass takes something that is no tensor"
    assert spare_memory(CPU, "500MB") == 0


def test_processes_on_one_machine_share_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda device: 6 * GB)
    assert spare_memory(torch.device("cuda"), processes=3) == 2 * GB
    assert spare_memory(CPU, processes=3) < spare_memory(CPU, processes=1) < 6 * GB
    assert used_memory(CPU) > 0
