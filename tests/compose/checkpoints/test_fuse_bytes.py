"""A fused folder has the bytes of the base wherever nothing changes, and the same bytes every time."""

import pytest
import torch

from adapterhub.compose.checkpoints import patch
from adapterhub.formats.members import FolderMembers
from adapterhub.formats.safetensors_header import read
from adapterhub.lora.adapter import Adapter
from tests.compose.builders import TARGETS, adapter
from tests.compose.checkpoints.builders import base_of, checkpoint, delta, fused, normal, one, part, tensors_of

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Every matrix in several blocks."""
    monkeypatch.setattr(patch, "BLOCK", 100)


def bytes_of(folder):
    """The bytes of every tensor, by name."""
    found = {}
    for path in folder.glob("*.safetensors"):
        data = path.read_bytes()
        with FolderMembers({path.name: path}).open(path.name) as stream:
            header = read(stream, len(data), path.name)
        found |= {name: data[info.start : info.end] for name, info in header.tensors.items()}
    return found


@pytest.mark.parametrize("size", ["10KB", "10MB"])
@pytest.mark.parametrize("kind", TARGETS)
def test_untouched_bytes_headers_and_other_files_are_the_base_s(tmp_path, kind, size):
    base = base_of(tmp_path / "base", kind, size)
    (base / "part").mkdir()
    (base / "part" / "note.txt").write_text("deeper")
    result = fused([part(adapter(tmp_path / "a", kind))], base, tmp_path / "out")
    before, after = bytes_of(base), bytes_of(tmp_path / "out")
    assert {name for name in before if before[name] != after[name]} == set(result.touched)
    assert result.copied == len(before) - len(result.touched)
    old, new = ({p.relative_to(f): p for p in f.rglob("*") if p.is_file()} for f in (base, tmp_path / "out"))
    assert old.keys() == new.keys()
    assert result.bytes == sum(path.stat().st_size for path in new.values())
    for name, path in old.items():
        assert oct(new[name].stat().st_mode)[-3:] == "644"
        head = 8 + int.from_bytes(path.read_bytes()[:8], "little") if path.suffix == ".safetensors" else None
        assert path.read_bytes()[:head] == new[name].read_bytes()[:head]
    assert not (tmp_path / "out.partial").exists()


def test_weights_in_other_files_are_left_out_and_said(tmp_path):
    base = checkpoint(tmp_path / "base", {"q.weight": normal(4, 3)})
    for name in ("pytorch_model.bin", "model.gguf", "copy.safetensors"):
        (base / name).write_bytes(b"old weights")
    result = fused([one(Adapter({"q": delta(4, 3)}))], base, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["config.json", "model.safetensors"]
    assert "left out" in result.notes[0]
    assert "copy.safetensors, model.gguf, pytorch_model.bin" in result.notes[0]


def test_the_same_recipe_gives_the_same_bytes_whatever_the_threads(tmp_path):
    base = base_of(tmp_path / "base", "llama")
    adapters = [part(adapter(tmp_path / "a", "llama", use_dora=True))]
    before, seen = torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        fused(adapters, base, tmp_path / str(count))
        assert torch.get_num_threads() == count
        seen.append(bytes_of(tmp_path / str(count)))
    torch.set_num_threads(before)
    assert seen[0] == seen[1]


def test_progress_ends_where_everything_is_written(tmp_path):
    heard = []
    base = base_of(tmp_path / "base", "llama")
    result = fused(
        [part(adapter(tmp_path / "a", "llama"))], base, tmp_path / "out", progress=lambda *n: heard.append(n)
    )
    assert heard == sorted(heard)
    assert heard[-1] == (result.bytes, result.bytes)


def test_the_arguments_are_left_alone(tmp_path):
    whole = normal(4, 3, seed=3)
    changed = Adapter({"q": delta(4, 3)}, tensors={"q.weight": whole})
    base = checkpoint(tmp_path / "base", {"q.weight": normal(4, 3)})
    fused([one(changed)], base, tmp_path / "out")
    assert torch.equal(whole, normal(4, 3, seed=3))
    assert torch.allclose(tensors_of(tmp_path / "out")["q.weight"], whole + delta(4, 3).dense(), atol=1e-6)
