"""What cannot be fused is refused before anything is written, with every reason."""

import json
import os

import pytest
import torch

from adapterhub.compose.checkpoints.fuse_plan import plan_fuse
from adapterhub.errors import Conflict, Corrupt, DoesNotFit, NotFound, Refused, WrongUsage
from adapterhub.lora.adapter import Adapter, Gain, Rows
from adapterhub.lora.delta import Delta, Form
from adapterhub.lora.load import outline
from tests.compose.builders import adapter
from tests.compose.checkpoints.builders import base_of, checkpoint, delta, fused, normal, one, part
from tests.lora.builders import entry_of

PLAIN = {"q.weight": normal(4, 3), "e.weight": normal(6, 3), "c.weight": normal(4, 2, 3, 3)}
GOOD = Adapter({"q": delta(4, 3)})


@pytest.fixture
def base(tmp_path):
    return checkpoint(tmp_path / "base", PLAIN)


def refusal(error, parts, base, out, **options):
    """The message and the hint; nothing is left."""
    with pytest.raises(error) as caught:
        fused(parts, base, out, **options)
    assert caught.value.hint
    assert not out.exists()
    assert not out.with_name("out.partial").exists()
    return f"{caught.value} | {caught.value.hint}"


MISFITS = {
    "another shape": (Adapter({"q": delta(4, 5)}), "q.weight is 4×3, the adapter changes 4×5"),
    "no such module": (Adapter({"q": delta(4, 3), "r": delta(4, 3)}), "the base has no weight for r"),
    "an embedding that is none": (Adapter({"q": delta(4, 3, kind="embedding")}), "changes 4×3 \\(embedding\\)"),
    "another kernel": (
        Adapter({"c": Delta(normal(1, 18), normal(4, 1), 1.0, Form("conv", (9, 1)))}),
        "c.weight is 4×2×3×3, the adapter changes 4×18 \\(conv 9×1\\)",
    ),
    "a grouped convolution": (
        Adapter({"c": Delta(normal(1, 36), normal(4, 1), 1.0, Form("conv", (3, 3)))}),
        "c.weight is 4×2×3×3, the adapter changes 4×36",
    ),
    "no place for a bias of B": (
        Adapter({"q": delta(4, 3)}, shifts={"q": normal(4)}),
        "q has no bias in this base, so there is no place for a bias of B",
    ),
    "no place for a bias": (Adapter(biases={"q": normal(4)}), "there is no place for a trained bias"),
    "magnitudes of another length": (
        Adapter({"q": delta(4, 3)}, magnitudes={"q": normal(3)}),
        "3 magnitudes for 4 outputs",
    ),
    "dora and a bias of B": (
        Adapter({"q": delta(4, 3)}, shifts={"q": normal(4)}, magnitudes={"q": normal(4)}),
        "both a DoRA magnitude and a bias of B",
    ),
    "a gain of another length": (Adapter(gains={"q": Gain(normal(5), "in")}), "has 3 inputs, the adapter's vector 5"),
    "a token past the end": (Adapter(rows={"e": Rows((6,), normal(1, 3))}), "6×3, the adapter trained token 6"),
    "a token trained twice": (Adapter(rows={"e": Rows((2, 2), normal(2, 3))}), "trained one token more than once"),
    "another vocabulary": (Adapter(tensors={"e.weight": normal(8, 3)}), "e.weight is 6×3, the adapter's own is 8×3"),
}


@pytest.mark.parametrize(("changes", "words"), MISFITS.values(), ids=MISFITS)
def test_a_misfit_is_told_with_both_sizes(tmp_path, base, changes, words):
    with pytest.raises(DoesNotFit, match=words):
        fused([one(changes)], base, tmp_path / "out")
    refusal(DoesNotFit, [one(changes)], base, tmp_path / "out")


def test_all_misfits_of_all_adapters_are_told_at_once(tmp_path, base):
    first = Adapter({"gone": delta(4, 3), "q": delta(4, 9)})
    told = refusal(
        DoesNotFit, [one(first, name="a"), one(Adapter({"lost": delta(1, 1)}), name="b")], base, tmp_path / "out"
    )
    for word in ("a: the base has no weight for gone", "a: q.weight is 4×3", "b: the base has no weight for lost"):
        assert word in told


def test_an_expert_in_a_square_is_not_guessed(tmp_path):
    base = checkpoint(tmp_path / "base", {"x.up": normal(2, 4, 4), "x.down": normal(2, 4, 3)})
    told = refusal(DoesNotFit, [one(Adapter({"x.up[0]": delta(4, 4)}))], base, tmp_path / "out")
    assert "cannot be told from a square" in told
    told = refusal(DoesNotFit, [one(Adapter({"x.down[2]": delta(4, 3)}))], base, tmp_path / "out")
    assert "of expert 2" in told


def test_a_tied_output_layer_has_no_weight_to_change(tmp_path):
    base = base_of(tmp_path / "base", "gpt2")
    target = part(adapter(tmp_path / "a", "gpt2", target_modules=["lm_head", "c_attn"]))
    for tied in (False, True):
        told = refusal(Refused, [target], base, tmp_path / "out", tied=tied)
        assert "lm_head has no weight of its own in this base: it shares transformer.wte.weight" in told
        assert "tie_word_embeddings false" in told


def test_an_embedding_that_is_tied_needs_a_word(tmp_path):
    base = base_of(tmp_path / "base", "gpt2")
    changed = part(adapter(tmp_path / "a", "gpt2", target_modules=["wte"]))
    told = refusal(Refused, [changed], base, tmp_path / "out")
    assert "transformer.wte.weight is the weight of the output layer too" in told
    assert "tied=True" in told
    result = fused([changed], base, tmp_path / "out", tied=True)
    assert result.touched == ("transformer.wte.weight",)
    assert "both change" in result.notes[0]


def test_where_the_config_is_silent_the_head_in_the_file_tells(tmp_path):
    tensors = {"embed_tokens.weight": normal(6, 3)}
    silent = {"tie_word_embeddings": None, "vocab_size": 6, "architectures": ["LlamaForCausalLM"]}
    changed = one(Adapter({"embed_tokens": delta(3, 6, kind="embedding")}))
    refusal(Refused, [changed], checkpoint(tmp_path / "base", tensors, **silent), tmp_path / "out")
    own = checkpoint(tmp_path / "own", tensors | {"lm_head.weight": normal(6, 3)}, **silent)
    assert fused([changed], own, tmp_path / "out").touched == ("embed_tokens.weight",)


@pytest.mark.parametrize("halves", [False, True])
def test_a_class_without_an_output_layer_shares_no_embedding_with_it(tmp_path, halves):
    said = {"tie_word_embeddings": True, "vocab_size": 6, "is_encoder_decoder": halves}
    tensors, kinds = {"embed_tokens.weight": normal(6, 3)}, ["BertForSequenceClassification"]
    base = checkpoint(tmp_path / "base", tensors, architectures=kinds, **said)
    changed = one(Adapter({"embed_tokens": delta(3, 6, kind="embedding")}))
    if halves:
        refusal(Refused, [changed], base, tmp_path / "out")
    else:
        assert fused([changed], base, tmp_path / "out").touched == ("embed_tokens.weight",)


def test_a_tied_embedding_saved_with_its_head_is_one_tensor(tmp_path):
    whole = normal(6, 3, seed=4)
    base = checkpoint(tmp_path / "base", {"embed_tokens.weight": normal(6, 3)}, tie_word_embeddings=True, vocab_size=6)
    both = Adapter(tensors={"embed_tokens.weight": whole, "lm_head.weight": whole.clone()})
    assert fused([one(both)], base, tmp_path / "both").touched == ("embed_tokens.weight",)
    apart = Adapter(tensors={"embed_tokens.weight": whole, "lm_head.weight": whole + 1})
    assert "lm_head.weight has no weight of its own" in refusal(Refused, [one(apart)], base, tmp_path / "out")


def test_whole_tensors_are_chosen_and_never_blended(tmp_path, base):
    whole = Adapter({"q": delta(4, 3)}, tensors={"e.weight": normal(6, 3, seed=9)})
    other = Adapter(tensors={"e.weight": normal(6, 3, seed=8)})
    told = refusal(Refused, [one(whole, name="a"), one(other, name="b")], base, tmp_path / "out")
    assert "a and b each have their own e.weight" in told
    told = refusal(Refused, [one(whole, -1.0, "a")], base, tmp_path / "out")
    assert "a has a weight of -1" in told
    told = refusal(Refused, [one(whole, name="a")], base, tmp_path / "out", choose="c")
    assert "c was chosen, and is not among a" in told
    told = refusal(Refused, [one(whole, name="a"), one(GOOD, name="b")], base, tmp_path / "out", choose="b")
    assert "b was chosen, and has no e.weight" in told


def test_one_token_trained_twice_is_chosen(tmp_path, base):
    first, second = (Adapter(rows={"e": Rows((2, n), normal(2, 3, seed=n))}) for n in (1, 3))
    told = refusal(Refused, [one(first, name="a"), one(second, name="b")], base, tmp_path / "out")
    assert "a and b each trained token 2 of e.weight" in told
    whole = Adapter(tensors={"e.weight": normal(6, 3, seed=9)})
    told = refusal(Refused, [one(first, name="a"), one(whole, name="b")], base, tmp_path / "out")
    assert "a and b each have their own e" in told


def test_a_tensor_without_a_place_is_not_appended_unasked(tmp_path, base):
    stray = Adapter({"q": delta(4, 3)}, tensors={"lm_tail.weight": normal(6, 3)})
    told = refusal(Refused, [one(stray)], base, tmp_path / "out")
    assert "one: the base has no tensor lm_tail.weight" in told
    assert "--new-tensors" in told
    result = fused([one(stray)], base, tmp_path / "out", new_tensors=True)
    assert "lm_tail.weight" in result.touched


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([one(GOOD, 0.0)], "nothing to fuse"),
        ([], "nothing to fuse"),
        ([one(GOOD, float("nan"))], "the weight of one is nan"),
        ([one(GOOD), one(GOOD)], "named more than once"),
    ],
)
def test_weights_and_names_make_sense(tmp_path, base, parts, words):
    assert words in refusal(WrongUsage, parts, base, tmp_path / "out")


def test_a_broken_adapter_is_named_before_anything_is_written(tmp_path, base):
    broken = Adapter({"q": Delta(torch.full((1, 3), torch.inf), normal(4, 1))})
    assert "one: NaN or infinity at q" in refusal(Refused, [one(broken)], base, tmp_path / "out")


def test_what_the_stored_type_cannot_hold_is_refused_and_nothing_stays(tmp_path):
    base = checkpoint(tmp_path / "base", {"q.weight": normal(4, 3, dtype=torch.float16)})
    assert "q.weight: the result holds" in refusal(Refused, [one(GOOD, 1e6)], base, tmp_path / "out")


def test_a_folder_that_is_taken_is_left_alone(tmp_path, base):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(Conflict, match="it exists and is not empty"):
        fused([one(GOOD)], base, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir() if path != base] == ["out"]
    (tmp_path / "free.partial").mkdir()
    (tmp_path / "free.partial" / "mine").write_text("mine")
    with pytest.raises(Conflict, match="not one of ours"):
        fused([one(GOOD)], base, tmp_path / "free")
    assert (tmp_path / "free.partial" / "mine").exists()


def test_an_empty_folder_is_filled(tmp_path, base):
    (tmp_path / "out").mkdir()
    fused([one(GOOD)], base, tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_the_result_does_not_go_into_the_base(base):
    with pytest.raises(WrongUsage, match="lies in the base's folder"):
        fused([one(GOOD)], base, base / "out")


def test_a_full_disk_is_seen_before_it_is_full(tmp_path, base, monkeypatch):
    monkeypatch.setattr("adapterhub.compose.checkpoints.partial.shutil.disk_usage", lambda path: (99, 89, 10))
    assert "and 10 are free" in refusal(Refused, [one(GOOD)], base, tmp_path / "out")


def test_a_file_system_that_does_not_say_its_size_is_no_full_one(tmp_path, base, monkeypatch):
    monkeypatch.setattr("adapterhub.compose.checkpoints.partial.shutil.disk_usage", lambda path: (0, 0, 0))
    assert fused([one(GOOD)], base, tmp_path / "out").touched == ("q.weight",)


def test_what_is_no_file_is_left_out_with_a_word(tmp_path, base):
    (base / "README.md").symlink_to("/nowhere/README.md")
    (base / "tokenizer").symlink_to(tmp_path)
    (base / "notes.md").symlink_to(base / "config.json")
    os.mkfifo(base / "pipe")
    done = fused([one(GOOD)], base, tmp_path / "out")
    assert done.notes == ("left out, since they are no files, or links that lead to none: README.md, pipe, tokenizer",)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"config.json", "model.safetensors", "notes.md"}


def test_a_full_disk_does_not_cost_what_is_finished(tmp_path, base, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("adapterhub.compose.checkpoints.stream.Stream.rewrite", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fused([one(GOOD)], base, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr("adapterhub.compose.checkpoints.partial.shutil.disk_usage", lambda path: (99, 89, 10))
        with pytest.raises(Refused, match="10 are free"):
            fused([one(GOOD)], base, tmp_path / "out")
    assert (tmp_path / "out.partial" / "files" / "config.json").exists()
    fused([one(GOOD)], base, tmp_path / "out")


def test_a_base_that_is_no_checkpoint_is_said_to_be_none(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "no weights" in refusal(NotFound, [one(GOOD)], tmp_path / "empty", tmp_path / "out")
    assert "no such folder" in refusal(NotFound, [one(GOOD)], tmp_path / "nowhere", tmp_path / "out")


def test_a_base_whose_index_lies_is_refused(tmp_path, base):
    (base / "model.safetensors").rename(base / "part.safetensors")
    index = {"weight_map": {"gone.weight": "part.safetensors"}}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(Corrupt, match=r"gone\.weight"):
        fused([one(GOOD)], base, tmp_path / "out")


def test_a_plan_needs_no_values(tmp_path):
    base = base_of(tmp_path / "base", "bert")
    folder = adapter(tmp_path / "a", "bert", modules_to_save=["classifier"], bias="all", use_dora=True)
    seen = plan_fuse([one(outline(entry_of(folder)))], base, recipe={})
    read = plan_fuse([part(folder)], base, recipe={})
    assert seen.touched == read.touched
    assert seen.digest == read.digest
