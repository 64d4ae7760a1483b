"""Every format recognises its own files and leaves the others' alone, in whatever order they are asked."""

import json

import pytest

from adapterhub.formats import table
from tests.formats import (
    test_adapters,
    test_cloneofsimo,
    test_diffusers,
    test_gguf,
    test_kohya,
    test_lora_vit,
    test_lycoris,
    test_mlx,
)
from tests.formats.foreign_files import Folder, Tensor, npy, safetensors, zipped

FILES = {
    "mlx": test_mlx.folder(),
    "diffusers": test_diffusers.folder(test_diffusers.pair(*test_diffusers.DIALECTS["peft"])),
    "kohya": Folder({"a.safetensors": safetensors(test_kohya.pair())}),
    "lycoris": test_lycoris.folder(test_lycoris.LOKR),
    "cloneofsimo": Folder({"a.safetensors": safetensors(test_cloneofsimo.pair())}),
    "lora-vit": Folder({"a.safetensors": safetensors(test_lora_vit.halves("a"))}),
    "gguf": test_gguf.folder(),
    "adapters": test_adapters.folder(),
}
ALONE = [name for name, row in table.FORMATS.items() if row.kind == "adapter"]


@pytest.mark.parametrize("name", FILES)
def test_only_the_format_itself_claims_its_files(name):
    assert [format for format in ALONE if table.reader(format).claims(FILES[name])] == [name]


@pytest.mark.parametrize("name", FILES)
def test_what_is_derived_can_be_written(name):
    facts = table.derive(FILES[name])
    assert facts.format == name
    assert json.loads(facts.to_bytes())["rank"] == facts.rank if facts.rank else facts.to_bytes()


def test_the_old_npz_is_a_folder_of_mlx():
    array = npy("<f4", (2, 1), b"\1" * 8)
    assert table.recognise(Folder({"adapters.npz": zipped({"q.lora_a.npy": array})})) == "mlx"


@pytest.mark.parametrize("name", ALONE)
def test_a_plain_checkpoint_is_no_adapter(name):
    members = Folder({"model.safetensors": safetensors({"model.embed.weight": Tensor(2, 2)}), "config.json": b"{}"})
    assert not table.reader(name).claims(members)
