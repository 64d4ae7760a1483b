"""What `add` takes, what it leaves out, and what it cannot take."""

import json

import pytest
import torch

from adapterhub.errors import AdapterHubError, Corrupt, NotFound, Refused
from adapterhub.formats.intake import take
from tests.formats.foreign_files import Tensor, checks, safetensors
from tests.formats.peft_folders import CONFIG, WEIGHTS, adapter_folder, files, write_files
from tests.formats.test_finder import KOHYA

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123\n"
PICKLE = b"\x80\x04\x95cos\nsystem\n."


def test_an_adapter_is_its_weights_and_its_config(tmp_path):
    taken = take(adapter_folder(tmp_path))
    assert taken.kind == "adapter"
    assert taken.paths == {name: tmp_path / name for name in (CONFIG, WEIGHTS)}
    assert (taken.left_out, taken.card, taken.logs, taken.facts.rank) == ((), "", {}, 4)


def test_a_folder_as_a_trainer_leaves_it(tmp_path):
    adapter_folder(tmp_path)
    adapter_folder(tmp_path / "checkpoint-500")
    adapter_folder(tmp_path / "other")
    write_files(tmp_path, dict.fromkeys(
        ("tokenizer.json", "special_tokens_map.json", "chat_template.jinja", "additional_chat_templates/t.jinja",
         "optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin", "train.log", "app.py", ".gitattributes",
         "runs/events.out.tfevents.1"), b"x"))  # fmt: skip
    write_files(
        tmp_path, {"README.md": b"# poet", "trainer_state.json": b'{"loss": NaN}', "all_results.json": b'{"a": 1}'}
    )
    taken = take(tmp_path)
    assert sorted(taken.paths) == [CONFIG, WEIGHTS, "additional_chat_templates/t.jinja", "chat_template.jinja",
                                   "special_tokens_map.json", "tokenizer.json"]  # fmt: skip
    assert taken.card == "# poet"
    assert taken.logs == {"trainer_state.json": {"loss": None}, "all_results.json": {"a": 1}}
    reasons = dict(taken.left_out)
    assert reasons.keys() == {
        "optimizer.pt",
        "scheduler.pt",
        "rng_state.pth",
        "training_args.bin",
        "train.log",
        "app.py",
        "checkpoint-500/",
        "other/",
        "runs/",
    }
    assert "earlier checkpoint" in reasons["checkpoint-500/"]
    assert "another adapter" in reasons["other/"]
    assert "pickle" in reasons["training_args.bin"]


def test_a_log_that_no_note_could_hold_is_left_out(tmp_path):
    write_files(adapter_folder(tmp_path), {"trainer_state.json": b'{"a":' * 300 + b"1" + b"}" * 300})
    assert dict(take(tmp_path).left_out) == {"trainer_state.json": "a log that is not JSON"}


def test_a_log_that_is_no_json_is_left_out(tmp_path):
    write_files(adapter_folder(tmp_path), {"trainer_state.json": b"{", "README.md": b"\xff"})
    taken = take(tmp_path)
    assert taken.logs == {}
    assert taken.card == ""
    assert dict(taken.left_out) == {
        "trainer_state.json": "a log that is not JSON",
        "README.md": "not UTF-8, so it is no text that could be kept",
    }


def test_a_card_too_large_to_keep_says_so(tmp_path):
    with (adapter_folder(tmp_path) / "README.md").open("wb") as card:
        card.truncate((8 << 20) + 1)
    assert take(tmp_path).left_out == (("README.md", "8388609 bytes, and a card or a log of at most 8388608 is kept"),)


def test_a_pickle_beside_the_weights_is_left_out(tmp_path):
    taken = take(write_files(adapter_folder(tmp_path), {"adapter_model.bin": PICKLE, "classifier.pt": PICKLE}))
    assert sorted(taken.paths) == [CONFIG, WEIGHTS]
    assert [name for name, _ in taken.left_out] == [
        "adapter_model.bin",
        "classifier.pt",
    ]


def test_a_browsers_names_are_kept(tmp_path):
    numbered = {name.replace(".", " (1)."): data for name, data in files().items()}
    taken = take(write_files(tmp_path, numbered))
    assert taken.paths.keys() == numbered.keys()
    assert checks(taken.facts) == ["browser-suffix"]


def test_a_browsers_second_copy_is_left_out(tmp_path):
    taken = take(write_files(adapter_folder(tmp_path), {"adapter_config (1).json": b"{"}))
    assert sorted(taken.paths) == [CONFIG, WEIGHTS]
    assert taken.left_out[0][0] == "adapter_config (1).json"


def test_a_single_file_is_taken_alone(tmp_path):
    write_files(tmp_path, {"a.safetensors": KOHYA, "b.safetensors": KOHYA, "README.md": b"x"})
    taken = take(tmp_path / "a.safetensors")
    assert list(taken.paths) == ["a.safetensors"]
    assert taken.facts.format == "kohya"
    assert taken.card == ""


def test_a_folder_around_one_file_is_that_file(tmp_path):
    taken = take(write_files(tmp_path, {"a.safetensors": KOHYA, "README.md": b"card", "preview.png": b"x"}))
    assert list(taken.paths) == ["a.safetensors"]
    assert taken.card == "card"
    assert taken.left_out == (("preview.png", "not part of an adapter"),)


def test_a_whole_model_is_one_too(tmp_path):
    weights = safetensors({"w": Tensor(2, 3)})
    write_files(
        tmp_path,
        {
            "config.json": b'{"model_type": "x"}',
            "generation_config.json": b"{}",
            "tokenizer.json": b"{}",
            "model.safetensors": weights,
            "old.safetensors": weights,
            "pytorch_model.bin": PICKLE,
        },
    )
    taken = take(tmp_path)
    assert taken.kind == taken.facts.kind == "model"
    assert taken.facts.parameters == 6
    assert sorted(taken.paths) == ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"]


def test_a_folder_of_data_is_taken_whole(tmp_path):
    write_files(tmp_path, {"train/a.png": b"x", "labels.csv": b"a,b\n1,2\n", ".hidden": b"", "README.md": b"card"})
    taken = take(tmp_path)
    assert taken.kind == "data"
    assert sorted(taken.paths) == ["labels.csv", "train/a.png"]
    assert taken.card == "card"


def test_one_file_of_data_is_data(tmp_path):
    assert take(write_files(tmp_path, {"a.jsonl": b'{"x": 1}\n'}) / "a.jsonl").facts.details["rows"] == {"a.jsonl": 1}


def pickled(folder, **tensors):
    write_files(folder, {CONFIG: files()[CONFIG], "optimizer.pt": PICKLE})
    torch.save(tensors, folder / "adapter_model.bin")
    return folder


def test_a_pickle_is_converted_when_that_is_asked_for(tmp_path):
    named = {f"base_model.model.q_proj.lora_{part}.weight": torch.ones(4, 4) for part in "AB"}
    with take(pickled(tmp_path, **named), convert_pickle=True) as taken:
        assert sorted(taken.paths) == [CONFIG, WEIGHTS]
        assert taken.facts.rank == 4
        assert dict(taken.left_out)["adapter_model.bin"] == "converted to safetensors"
        made = taken.paths[WEIGHTS]
        assert made.is_file()
        assert made.parent == taken.temporary
    assert not made.parent.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([CONFIG, "adapter_model.bin", "optimizer.pt"])


def test_a_conversion_that_fails_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(Corrupt, match="empty state dict"):
        take(pickled(tmp_path / "a"), convert_pickle=True)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_sound_weights_are_not_converted(tmp_path):
    write_files(adapter_folder(tmp_path), {"adapter_model.bin": PICKLE})
    assert take(tmp_path, convert_pickle=True).temporary is None


SOUND = files()

BAD = {
    "no weights": ({CONFIG: SOUND[CONFIG]}, NotFound, "no weights: looked for adapter_model.safetensors"),
    "no weights and a broken config": ({CONFIG: b"{"}, NotFound, "no weights"),
    "a config of mlx alone": ({CONFIG: b'{"fine_tune_type": "lora", "lora_parameters": {}}'}, NotFound, "weights"),
    "a config of nobody": ({CONFIG: b'{"base_model": "x"}'}, NotFound, "no weights"),
    "no config": ({WEIGHTS: SOUND[WEIGHTS]}, NotFound, "no adapter_config.json beside it"),
    "a pointer": ({**SOUND, WEIGHTS: POINTER}, Corrupt, "Git LFS pointer"),
    "a pointer to a pickle": ({CONFIG: SOUND[CONFIG], "adapter_model.bin": POINTER}, Corrupt, "Git LFS pointer"),
    "a pointer under another name": ({"lora.safetensors": POINTER}, Corrupt, "Git LFS pointer"),
    "a cut file under another name": ({"lora.safetensors": KOHYA[:-3]}, Corrupt, "cut off"),
    "a huge header": ({**SOUND, WEIGHTS: b"\xff" * 8 + b"{}"}, Corrupt, "header"),
    "a pickle": ({CONFIG: SOUND[CONFIG], "adapter_model.bin": PICKLE}, Refused, "pickle"),
    "a textual inversion": ({"flora.pt": b"\x80\x02string_to_param"}, Refused, "a textual inversion"),
    "a model in a pickle": ({"config.json": b"{}", "pytorch_model.bin": PICKLE}, Refused, "pickle"),
    "tensors of nobody": ({"x.safetensors": safetensors({"w": Tensor(1)})}, Refused, "names are no adapter's: w"),
    "two adapters": ({"a.safetensors": KOHYA, "b.safetensors": KOHYA}, NotFound, "2 adapters in one folder: a.saf"),
    "adapters further down": (
        {f"x/{name}": data for name, data in SOUND.items()},
        NotFound,
        "no adapter here, but in x",
    ),
    "nothing of ours": ({"main.rs": b""}, NotFound, "no weights"),
    "nothing": ({}, NotFound, "found nothing"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_added_says_why_and_what_to_do(tmp_path, case):
    content, kind, words = BAD[case]
    with pytest.raises(AdapterHubError) as told:
        take(write_files(tmp_path, content))
    assert type(told.value) is kind
    assert words in str(told.value)
    assert told.value.hint


def test_a_path_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="no such file or folder"):
        take(tmp_path / "x")


def test_a_file_of_no_format_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"x\.doc: no known format"):
        take(write_files(tmp_path, {"x.doc": b""}) / "x.doc")


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    adapter_folder(tmp_path / "a")
    write_files(tmp_path / "b", {CONFIG: SOUND[CONFIG]}).joinpath(WEIGHTS).symlink_to(tmp_path / "a" / WEIGHTS)
    with pytest.raises(Refused, match="outside of the folder"):
        take(tmp_path / "b")


def test_a_link_that_is_not_taken_is_nobodys_business(tmp_path):
    adapter_folder(tmp_path).joinpath("optimizer.pt").symlink_to("/dev/zero")
    assert sorted(take(tmp_path).paths) == [CONFIG, WEIGHTS]


def test_what_peft_saves_is_taken_with_its_facts(tmp_path):
    from peft import LoraConfig, get_peft_model

    model = torch.nn.ModuleDict({"q": torch.nn.Linear(8, 6), "v": torch.nn.Linear(8, 6), "head": torch.nn.Linear(6, 2)})
    config = LoraConfig(r=3, lora_alpha=6, target_modules=["v", "q"], modules_to_save=["head"], use_rslora=True)
    get_peft_model(model, config).save_pretrained(tmp_path)
    taken = take(tmp_path)
    assert (taken.facts.rank, taken.facts.alpha, taken.facts.targets) == (3, 6.0, ("q", "v"))
    assert checks(taken.facts) == ["untrained", "unnamed-base"]
    assert "README.md" not in taken.paths
    assert taken.card
    assert json.loads(taken.paths[CONFIG].read_text())["use_rslora"] is True
