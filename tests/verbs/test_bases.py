"""Bases: a word becomes a card, a card a pin."""

from pathlib import Path

import pytest

from adapterhub.base import kept
from adapterhub.errors import BadReference, DoesNotFit, NotFound
from adapterhub.hub import Hub
from tests.builders import tiny_adapter, tiny_base, tree


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def test_a_base_is_kept_once_and_known_by_name_and_by_digest(hub: Hub, tmp_path: Path) -> None:
    shown = hub.base_add(tiny_base(tmp_path / "tiny"))
    assert hub.base_add(tmp_path / "tiny") == shown
    assert [base.name for base in hub.base_list()] == ["tiny"]
    assert hub.base_show("tiny") == shown
    assert hub.base_show(str(shown.weights_digest)[:16]).card == shown.card


def test_a_folder_that_lies_here_is_meant_by_its_name(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_base(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound) as error:
        hub.base_show("tiny")
    assert error.value.hint == "write ./tiny for what lies there in this folder"


@pytest.mark.parametrize("word", ["s", "sha", "sha256:", "sha256:0123", ""])
def test_a_few_letters_are_no_digest_of_a_base(hub: Hub, tmp_path: Path, word: str) -> None:
    hub.base_add(tiny_base(tmp_path / "tiny"))
    with pytest.raises(NotFound, match=r"no base is called .* here; known: tiny"):
        hub.base_show(word)


def test_showing_a_base_keeps_nothing(hub: Hub, tmp_path: Path) -> None:
    hub.base_show(tiny_base(tmp_path / "tiny"))
    assert not hub.store.exists()


def test_the_same_base_has_the_same_card_wherever_it_lies(hub: Hub, tmp_path: Path) -> None:
    first, second = (hub.base_add(tiny_base(tmp_path / name)) for name in ("one", "two"))
    assert first.card == second.card
    assert len(hub.base_list()) == 1


def test_two_bases_differ_where_their_tensors_do(hub: Hub, tmp_path: Path) -> None:
    tiny_base(tmp_path / "one")
    tiny_base(tmp_path / "two", modules=("q_proj", "k_proj"), seed=1)
    found = hub.base_diff(tmp_path / "one", tmp_path / "two")
    assert (found.changed, found.only_a, found.only_b, found.same) == (
        ("layers.0.q_proj.weight",),
        ("layers.0.v_proj.weight",),
        ("layers.0.k_proj.weight",),
        0,
    )


def test_what_is_no_base_says_what_one_is(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet")
    before = tree(hub.store)
    with pytest.raises(DoesNotFit, match="ada/poet@1 is of kind adapter, and a base is of kind model"):
        hub.base_add("ada/poet")
    with pytest.raises(DoesNotFit, match="this is an adapter, and a base is a whole model"):
        hub.base_add(tmp_path / "run")
    with pytest.raises(BadReference, match="is a file; a base is a folder or a file of weights"):
        hub.base_add(tmp_path / "run" / "adapter_config.json")
    with pytest.raises(BadReference, match="cannot read 'hf:a/b/c' as a place on a Hub"):
        hub.base_add("hf:a/b/c")
    with pytest.raises(NotFound):
        hub.base_add("./nowhere")
    assert tree(hub.store) == before


def test_how_far_bases_differ_is_told_where_both_lie_here(hub: Hub, tmp_path: Path) -> None:
    tiny_base(tmp_path / "one")
    tiny_base(tmp_path / "two", seed=1)
    hub.base_add(tmp_path / "two")
    found = hub.base_diff(tmp_path / "one", "two")
    assert [row.tensor for row in found.distances] == list(found.changed)
    assert found.relative
    assert found.largest == max(row.largest or 0 for row in found.distances)
    tiny_base(tmp_path / "two", seed=2)  # what is known as two lies there no more
    assert hub.base_diff(tmp_path / "one", "two").distances == ()


def test_one_file_is_a_base_with_and_without_a_config(hub: Hub, tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "one")
    whole = hub.base_show(folder)
    (folder / "model.safetensors").rename(folder / "odd name.safetensors")
    assert hub.base_show(folder / "odd name.safetensors").card == whole.card
    (folder / "config.json").unlink()
    alone = hub.base_show(folder / "odd name.safetensors")
    assert (alone.weights_digest, alone.model_type) == (whole.weights_digest, None)
    with pytest.raises(NotFound, match=r"no config.json beside the weights"):
        hub.base_show(folder)


def test_a_part_of_a_model_is_no_base(hub: Hub, tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "one")
    part = (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(BadReference, match=r"a part of a model, as model.safetensors.index.json says"):
        hub.base_show(part)


def test_a_component_of_a_diffusion_model_is_a_base(hub: Hub, tmp_path: Path) -> None:
    folder = tiny_base(tmp_path / "unet")
    (folder / "model.safetensors").rename(folder / "diffusion_pytorch_model.safetensors")
    (folder / "config.json").write_text('{"_class_name": "UNet2DConditionModel"}')
    assert hub.base_show(folder).model_type == "UNet2DConditionModel"


def test_the_second_look_at_a_base_reads_none_of_its_weights(hub: Hub, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kept, "SETTLED", -1.0)
    folder = tiny_base(tmp_path / "one")
    first = hub.base_add(folder)
    monkeypatch.setattr("adapterhub.verbs.base_places.card_of", None)
    assert hub.base_add(folder) == first
    assert hub.base_show(folder) == first
    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet", base=folder)
    (report,) = hub.audit(["ada/poet"], [folder])
    assert report.verdict == "exact"


def test_what_is_remembered_before_there_is_a_store_is_no_hindrance(hub: Hub, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kept, "SETTLED", -1.0)
    hub.base_show(tiny_base(tmp_path / "one"))
    assert (hub.store / "cache").is_dir()
    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet")
    assert hub.check().ok


def test_a_base_added_under_another_name_says_what_it_was_called(hub: Hub, tmp_path: Path) -> None:
    hub.base_add(tiny_base(tmp_path / "one"))
    again = hub.base_add(tiny_base(tmp_path / "two"))
    assert (again.name, again.formerly) == ("two", "one")
    assert hub.base_show("two").formerly == ""


def test_a_base_whose_folder_is_gone_is_known_and_said_to_be_gone(hub: Hub, tmp_path: Path) -> None:
    hub.base_add(tiny_base(tmp_path / "one"))
    assert [base.gone for base in hub.base_list()] == [False]
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    (there,) = hub.base_list()
    assert there.gone
    hub.add(tiny_adapter(tmp_path / "run"), "ada/poet", base="one")
    assert hub.audit(["ada/poet"])[0].verdict == "exact"
