"""From files to deltas: verified, paired and scaled, whichever reader it takes."""

from importlib import import_module

import pytest
import torch
from safetensors.torch import save_file

from adapterhub.entry import Entry
from adapterhub.errors import Corrupt, Refused
from adapterhub.lora.load import READERS, load, load_all
from tests.lora.builders import entry_of, factors, peft_folder

Q, V = "layers.0.q_proj", "layers.0.v_proj"
KOHYA = {f"lora_unet_a.{part}.weight": torch.ones(2, 2) for part in ("lora_down", "lora_up")}


def loaded(folder):
    return load(entry_of(folder), "ada/poet")


def test_deltas_come_back_as_they_were_saved(tmp_path):
    pairs = factors([Q, V])
    deltas = loaded(peft_folder(tmp_path, pairs)).deltas
    assert sorted(deltas) == [Q, V]
    for module, (A, B) in pairs.items():
        assert torch.equal(deltas[module].A, A)
        assert torch.equal(deltas[module].B, B)
        assert deltas[module].scale == 2.0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_every_floating_type_is_read_as_it_is(tmp_path, dtype):
    pairs = {Q: tuple(factor.to(dtype) for factor in factors([Q])[Q])}
    delta = loaded(peft_folder(tmp_path, pairs)).deltas[Q]
    assert delta.A.dtype == dtype
    assert torch.equal(delta.B, pairs[Q][1])


@pytest.mark.parametrize(
    ("config", "scales"),
    [
        ({"lora_alpha": 3}, (1.5, 1.5)),
        ({"lora_alpha": 3, "use_rslora": True}, (3 / 2**0.5, 3 / 2**0.5)),
        ({"lora_alpha": 3, "alpha_pattern": {"q_proj": 8}}, (4.0, 1.5)),
        ({"r": 64, "lora_alpha": 3}, (1.5, 1.5)),  # the tensor's shape is the truth for r
    ],
)
def test_the_scale_follows_config_and_patterns(tmp_path, config, scales):
    deltas = loaded(peft_folder(tmp_path, factors([Q, V]), **config)).deltas
    assert (deltas[Q].scale, deltas[V].scale) == pytest.approx(scales)


def several(tmp_path, *ranks):
    """Adapters of these ranks with their names, none of the size of another."""
    folders = [peft_folder(tmp_path / f"n{n}", factors([Q, V], rank=rank)) for n, rank in enumerate(ranks)]
    return [(entry_of(folder), f"ada/n{n}") for n, folder in enumerate(folders)]


def test_several_are_what_each_is_alone_and_come_in_their_order(tmp_path):
    entries = several(tmp_path, 2, 4, 1, 3)
    adapters = load_all(entries)
    assert [adapter.deltas[Q].rank for adapter in adapters] == [2, 4, 1, 3]
    for adapter, entry in zip(adapters, entries, strict=True):
        assert torch.equal(adapter.deltas[V].B, load(*entry).deltas[V].B)
    assert load_all([]) == []


@pytest.mark.parametrize("place", range(3))
def test_a_damaged_byte_in_one_of_several_names_that_one(tmp_path, place):
    entries = several(tmp_path, 1, 3, 2)
    weights = tmp_path / f"n{place}" / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(Corrupt, match=rf"ada/n{place}: adapter_model\.safetensors: wanted sha256:"):
        load_all(entries)


def test_of_several_that_are_damaged_the_first_is_told(tmp_path):
    entries = several(tmp_path, 1, 2, 3)
    for n in (1, 2):
        (tmp_path / f"n{n}" / "adapter_config.json").write_text("{}")
    with pytest.raises(Corrupt, match=r"ada/n1: adapter_config\.json"):
        load_all(entries)


def test_tensors_share_the_memory_that_was_read(tmp_path):
    deltas = loaded(peft_folder(tmp_path, factors([Q, V]))).deltas
    storages = [factor.untyped_storage() for delta in deltas.values() for factor in (delta.A, delta.B)]
    span = max(s.data_ptr() for s in storages) - min(s.data_ptr() for s in storages)
    assert span < (tmp_path / "adapter_model.safetensors").stat().st_size


def test_changed_bytes_are_noticed(tmp_path):
    entry = entry_of(peft_folder(tmp_path, factors([Q])))
    path = tmp_path / "adapter_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(Corrupt, match=r"ada/poet: adapter_model.safetensors: wanted sha256:"):
        load(entry, "ada/poet")


def test_a_header_of_odd_length_is_read(tmp_path):
    pairs = factors([Q])
    path = peft_folder(tmp_path, pairs) / "adapter_model.safetensors"
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    head = data[8 : 8 + length].rstrip() + b" " * 3
    head += b" " * ((len(head) + 1) % 2)
    path.write_bytes(len(head).to_bytes(8, "little") + head + data[8 + length :])
    assert torch.equal(loaded(tmp_path).deltas[Q].A, pairs[Q][0])


def test_another_format_is_refused(tmp_path):
    save_file({"lora_te_text_model_q_proj.alpha": torch.ones(())}, str(tmp_path / "a.safetensors"))
    with pytest.raises(Refused, match="ada/poet: it is of no known format"):
        loaded(tmp_path)
    save_file(KOHYA, str(tmp_path / "a.safetensors"))
    with pytest.raises(Refused, match="ada/poet: it is of the format kohya, not of PEFT or mlx-lm"):
        loaded(tmp_path)


def test_what_is_no_adapter_is_refused(tmp_path):
    entry = entry_of(peft_folder(tmp_path, factors([Q])))
    model = Entry(entry.manifest.model_copy(update={"kind": "model"}), entry.files)
    with pytest.raises(Refused, match="it is of the format model"):
        load(model)


def test_every_reader_is_a_file_with_a_read_function():
    for name in set(READERS.values()):
        assert callable(import_module(f"adapterhub.lora.{name}").read)
