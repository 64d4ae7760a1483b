"""What lies in a folder, what may be taken, and why the rest is not."""

import os
from pathlib import Path

import pytest

from adapterhub.errors import NotFound, Refused
from adapterhub.formats.folder import check_taken, is_pickle, is_tokenizer, read_folder, walk, why_left_out


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def test_files_and_folders_are_listed_and_hidden_ones_are_not(tmp_path):
    listing = read_folder(touch(tmp_path, "b", "a", ".hidden", "sub/x", ".git/y"))
    assert list(listing.files) == ["a", "b"]
    assert listing.folders == ("sub",)
    assert listing.odd == ()


def test_the_templates_of_a_tokenizer_are_listed_with_it(tmp_path):
    listing = read_folder(touch(tmp_path, "additional_chat_templates/rag.jinja", "additional_chat_templates/x.py"))
    assert list(listing.files) == ["additional_chat_templates/rag.jinja"]


def test_a_pipe_is_no_file_and_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "adapter_model.safetensors")
    assert read_folder(tmp_path).odd == (("adapter_model.safetensors", "neither a file nor a folder"),)


def test_a_link_to_nothing_is_told(tmp_path):
    (tmp_path / "w").symlink_to("nowhere")
    (name, reason), *_ = read_folder(tmp_path).odd
    assert name == "w"
    assert "No such file" in reason


def test_a_folder_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="no such folder"):
        read_folder(tmp_path / "x")


def test_a_walk_goes_down_and_not_out(tmp_path):
    touch(tmp_path / "data", "a.png", "cat/b.png", "cat/.c", "cat/deep/d.png")
    (tmp_path / "data" / "out").symlink_to(tmp_path)
    assert sorted(walk(tmp_path / "data")) == ["a.png", "cat/b.png", "cat/deep/d.png"]


def test_a_link_inside_the_folder_may_be_taken(tmp_path):
    touch(tmp_path, "w").joinpath("l").symlink_to("w")
    check_taken(tmp_path, {"l": tmp_path / "l"})


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    touch(tmp_path, "secret", "run/x").joinpath("run/w").symlink_to("../secret")
    with pytest.raises(Refused, match=r"run/w: a link to .*secret, outside"):
        check_taken(tmp_path / "run", {"w": tmp_path / "run" / "w"})


def test_the_links_of_a_hub_cache_lead_to_its_blobs(tmp_path):
    touch(tmp_path, "models--a--b/blobs/77", "models--a--b/snapshots/abc/sub/x", "blobs/77")
    snapshot = tmp_path / "models--a--b" / "snapshots" / "abc"
    (snapshot / "good").symlink_to("../../blobs/77")
    (snapshot / "sub" / "good").symlink_to("../../../blobs/77")
    (snapshot / "bad").symlink_to("../../../blobs/77")
    check_taken(snapshot, {"good": snapshot / "good"})
    check_taken(snapshot / "sub", {"good": snapshot / "sub" / "good"})
    with pytest.raises(Refused):
        check_taken(snapshot, {"bad": snapshot / "bad"})


@pytest.mark.parametrize("name", ["a:b", "a\\b", "a\nb", "\udc80", "a/../b"])
def test_a_name_no_other_system_could_write_is_refused(tmp_path, name):
    with pytest.raises(Refused, match="path"):
        check_taken(tmp_path, {name: tmp_path})


@pytest.mark.parametrize("name", ["tokenizer.json", "merges.txt", "qwen.tiktoken", "chat_template.jinja", "source.spm"])
def test_tokenizer_files_are_known(name):
    assert is_tokenizer(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("optimizer.pt", "optimiser"), ("scheduler.pt", "optimiser"), ("rng_state_0.pth", "random generator"),
        ("training_args.bin", "arguments"), ("adapter_model.bin", "a pickle"), ("x.PT", "a pickle"),
        ("0000100_adapters.safetensors", "earlier checkpoint"), ("eval_results.json", "a log"),
        ("app.py", "not part of an adapter"),
    ],
)  # fmt: skip
def test_everything_else_is_left_out_with_a_reason(name, reason):
    assert reason in why_left_out(name, "adapter")


def test_pickles_are_known_by_their_names():
    assert is_pickle("a.bin")
    assert is_pickle("A.PKL")
    assert not is_pickle("a.safetensors")
