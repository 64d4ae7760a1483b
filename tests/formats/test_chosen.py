"""What an entry takes of files that lie elsewhere is what `take` takes of the same folder."""

from pathlib import Path

import pytest

from adapterhub.errors import AdapterHubError, Corrupt, NotFound, Refused
from adapterhub.formats.chosen import chosen
from adapterhub.formats.folder import walk
from adapterhub.formats.intake import take
from adapterhub.formats.members import FolderMembers
from tests.builders import adapter_files, safetensors, tiny_adapter, tiny_base, write_files

PLACE = "hf:org/poet"


def members(folder: Path) -> FolderMembers:
    return FolderMembers(walk(folder))


def peft(folder: Path) -> Path:
    junk = {"optimizer.pt": b"x", "training_args.bin": b"x", "README.md": b"# A", "notes.txt": b"x", ".hidden": b"x"}
    inner = {
        "additional_chat_templates/tool.jinja": b"x",
        "additional_chat_templates/x.txt": b"x",
        "tokenizer.json": b"{}",
    }
    return write_files(tiny_adapter(folder), {**junk, **inner, "checkpoint-1/adapter_config.json": b"{}"})


def copies(folder: Path) -> Path:
    return write_files(tiny_adapter(folder), {"adapter_config (1).json": b"{}", "adapter_model.bin": b"x"})


def model(folder: Path) -> Path:
    return write_files(tiny_base(folder), {"vocab.txt": b"a", "pytorch_model.bin": b"x", "other.safetensors": b"x"})


def kohya(folder: Path) -> Path:
    name = "lora_unet_down_blocks_0_attentions_0_proj_in"
    shapes = {"lora_down.weight": (2, 4), "lora_up.weight": (4, 2), "alpha": (1,)}
    tensors = {f"{name}.{end}": (shape, bytes(4 * (shape[0] * shape[-1]))) for end, shape in shapes.items()}
    tensors[f"{name}.alpha"] = ((1,), bytes(4))
    return write_files(folder, {"style.safetensors": safetensors(tensors), "picture.png": b"x"})


def tables(folder: Path) -> Path:
    return write_files(folder, {"README.md": b"# rows", "train/a.csv": b"x,y\n1,2\n", "test/a.csv": b"x,y\n1,2\n"})


@pytest.mark.parametrize("made", [peft, copies, model, kohya, tables])
def test_files_elsewhere_are_taken_as_those_of_a_folder_are(tmp_path: Path, made) -> None:
    folder = made(tmp_path / "run")
    with take(folder) as intake:
        assert chosen(members(folder), PLACE) == (intake.kind, tuple(sorted(intake.paths)))


def nothing(folder: Path) -> Path:
    return write_files(folder, {"README.md": b"# A", ".gitattributes": b"x"})


def two(folder: Path) -> Path:
    return write_files(kohya(folder), {"b.safetensors": (folder / "style.safetensors").read_bytes()})


def pickled(folder: Path) -> Path:
    return write_files(
        folder, {"adapter_config.json": adapter_files()["adapter_config.json"], "adapter_model.bin": b"x"}
    )


def broken(folder: Path) -> Path:
    return write_files(tiny_adapter(folder), {"adapter_model.safetensors": bytes(100)})


def inside(folder: Path) -> Path:
    tiny_adapter(folder / "poet")
    return tiny_adapter(folder / "ode").parent


@pytest.mark.parametrize(
    ("made", "error", "told"),
    [
        (nothing, NotFound, "no weights"),
        (two, NotFound, "2 adapters in one place"),
        (pickled, Refused, r"adapter_model\.bin: a pickle"),
        (broken, Corrupt, r"adapter_model\.safetensors"),
        (inside, NotFound, "no adapter here, but in ode, poet"),
    ],
)
def test_what_is_no_entry_here_is_none_there_and_the_reason_is_told(tmp_path: Path, made, error, told: str) -> None:
    folder = made(tmp_path / "run")
    with pytest.raises(AdapterHubError):
        take(folder)
    with pytest.raises(error, match=told) as refusal:
        chosen(members(folder), PLACE)
    assert refusal.value.hint
