"""A fuse that is stopped anywhere goes on where the last finished file ends, and the same bytes come out."""

import fcntl
import os
import shutil
import subprocess
import sys
import textwrap

import pytest

from adapterhub.compose.checkpoints import fuse as module
from adapterhub.errors import Conflict
from adapterhub.lora.adapter import Adapter
from tests.compose.checkpoints.builders import checkpoint, delta, fused, normal, one

NAMES = ["a", "b", "c"]
PARTS = [one(Adapter({name: delta(4, 3, seed=n) for n, name in enumerate(NAMES)}))]


@pytest.fixture
def base(tmp_path):
    folder = checkpoint(
        tmp_path / "base", {f"{n}.weight": normal(4, 3) for n in NAMES}, *([f"{n}.weight"] for n in NAMES)
    )
    (folder / "tokenizer.json").write_text("{}")
    return folder


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Stopped(BaseException):
    """As if the process were killed."""


def stop_after(monkeypatch, steps, owner, name):
    """The n-th call of a function stops the run, before it does anything."""
    real, left = getattr(owner, name), [steps]

    def call(*arguments, **more):
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        return real(*arguments, **more)

    monkeypatch.setattr(owner, name, call)


CALLS = [
    ("adapterhub.compose.checkpoints.partial.os", "replace"),
    ("adapterhub.compose.checkpoints.partial.os", "fsync"),
    ("adapterhub.compose.checkpoints.stream.os", "pwrite"),
    ("adapterhub.compose.checkpoints.partial.Path", "rename"),
    ("adapterhub.compose.checkpoints.partial.Path", "unlink"),
    ("adapterhub.compose.checkpoints.partial.Path", "rmdir"),
    ("adapterhub.compose.checkpoints.partial.Path", "mkdir"),
]


@pytest.mark.parametrize(("place", "name"), CALLS)
def test_stopped_at_any_step_it_ends_with_the_same_bytes(tmp_path, base, monkeypatch, place, name):
    fused(PARTS, base, tmp_path / "whole")
    want = files(tmp_path / "whole")
    owner = __import__("pydoc").locate(place)
    stops = 0
    for steps in range(40):
        out = tmp_path / f"out{steps}"
        with monkeypatch.context() as patch:
            stop_after(patch, steps, owner, name)
            try:
                fused(PARTS, base, out)
            except Stopped:
                stops += 1
            else:
                break
        if not (out.exists() and not out.with_name(f"{out.name}.partial").joinpath("plan").exists()):
            fused(PARTS, base, out)
        assert files(out) == want
    assert stops == steps > 0


def test_a_finished_file_is_not_written_again(tmp_path, base, monkeypatch):
    heard = []
    with monkeypatch.context() as patch:
        stop_after(patch, 2, module.Stream, "rewrite")
        with pytest.raises(Stopped):
            fused(PARTS, base, tmp_path / "out")
    stop_after(monkeypatch, 1, module.Stream, "rewrite")  # one more is one too many
    result = fused(PARTS, base, tmp_path / "out", progress=lambda *n: heard.append(n))
    assert heard[-1] == (result.bytes, result.bytes)


@pytest.mark.parametrize("change", ["weight", "recipe", "base"])
def test_another_plan_begins_anew(tmp_path, base, monkeypatch, change):
    with monkeypatch.context() as patch:
        stop_after(patch, 2, module.Stream, "rewrite")
        with pytest.raises(Stopped):
            fused(PARTS, base, tmp_path / "out")
    parts = [("one", PARTS[0][1], 0.5)] if change == "weight" else PARTS
    if change == "base":
        os.utime(base / "tokenizer.json", (1, 1))
    recipe = {"adapters": ["another"]} if change == "recipe" else {}
    fused(parts, base, tmp_path / "out", recipe=recipe)
    fused(parts, base, tmp_path / "whole", recipe=recipe)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def test_a_result_that_was_taken_away_is_written_again(tmp_path, base, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("adapterhub.compose.checkpoints.partial.Partial.drop", lambda room: None)
        fused(PARTS, base, tmp_path / "out")  # as if killed between the last rename and the tidying
    wanted = files(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    fused(PARTS, base, tmp_path / "out")
    assert files(tmp_path / "out") == wanted


def test_a_base_that_was_exchanged_for_another_of_the_same_size_and_time_begins_anew(tmp_path, base, monkeypatch):
    stop_after(monkeypatch, 3, os, "replace")
    with pytest.raises(Stopped):
        fused(PARTS, base, tmp_path / "out")
    monkeypatch.undo()
    for path in base.glob("*.safetensors"):
        data, stat = bytearray(path.read_bytes()), path.stat()
        data[-1] ^= 1
        path.unlink()
        path.write_bytes(data)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    fused(PARTS, base, tmp_path / "out")
    fused(PARTS, base, tmp_path / "fresh")
    assert files(tmp_path / "out") == files(tmp_path / "fresh")


def test_a_base_that_changes_while_it_is_read_is_told_and_nothing_stays(tmp_path, base, monkeypatch):
    real = module.Stream.rewrite

    def disturbed(stream, source, *more):
        real(stream, source, *more)
        source.write_bytes(source.read_bytes())

    monkeypatch.setattr(module.Stream, "rewrite", disturbed)
    with pytest.raises(Conflict, match=r"base: .*model-00001-of-00003\.safetensors.* changed while it was read"):
        fused(PARTS, base, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base"]


@pytest.mark.parametrize("plan", [b"\xff", b""])
def test_a_plan_that_is_no_text_is_another_plan(tmp_path, base, plan):
    room = tmp_path / "out.partial"
    (room / "files").mkdir(parents=True)
    (room / "plan").write_bytes(plan)
    fused(PARTS, base, tmp_path / "out")
    assert not room.exists()


def test_a_full_disk_is_told_with_the_file(tmp_path, base, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "truncate", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*out\.partial/unfinished'"):
        fused(PARTS, base, tmp_path / "out")


def test_two_at_once_do_not_meet_in_one_folder(tmp_path, base, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(patch, 1, module.Stream, "rewrite")
        with pytest.raises(Stopped):
            fused(PARTS, base, tmp_path / "out")
    handle = os.open(tmp_path / "out.partial", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(Conflict, match="another process is writing it"):
        fused(PARTS, base, tmp_path / "out")
    os.close(handle)
    fused(PARTS, base, tmp_path / "out")


def test_memory_does_not_grow_with_the_model(tmp_path):
    script = """
        import resource, sys, torch
        from pathlib import Path
        from safetensors.torch import save_file
        from tests.compose.checkpoints.builders import checkpoint, fused, one, delta
        from adapterhub.lora.adapter import Adapter
        here, count = Path(sys.argv[1]), int(sys.argv[2])
        base = checkpoint(here / "base", {"small.weight": torch.zeros(8, 8)})
        def peak():
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        parts = [one(Adapter({f"m{n}": delta(1024, 4096, 1) for n in range(count)}))]
        fused([one(Adapter({"small": delta(8, 8)}))], base, here / "warm")
        (here / "big").mkdir()
        header = {f"m{n}.weight": {"dtype": "F32", "shape": [1024, 4096], "data_offsets": [n << 24, (n + 1) << 24]}
                  for n in range(count)}
        import json
        text = json.dumps(header).encode()
        with open(here / "big" / "model.safetensors", "wb") as stream:
            stream.write(len(text).to_bytes(8, "little") + text)
            stream.truncate(8 + len(text) + (count << 24))
        (here / "big" / "config.json").write_text('{"model_type": "llama"}')
        before = peak()
        fused(parts, here / "big", here / "out")
        print(peak() - before)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(tmp_path), "10"], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100 << 10  # KiB; the model has 160 MiB
