"""A field no config has is told by another trainer's word for it, by its place, or by its letters."""

import pytest

from adapterhub.train.config import TrainConfig
from adapterhub.verbs.train_fields import ELSEWHERE, meant_by


def test_what_a_foreign_field_is_called_here_is_a_field_or_an_option():
    for called in ELSEWHERE.values():
        part, _, field = called.split(":")[0].split(",")[0].partition(".")
        if called.startswith("the option --"):
            continue
        inner = TrainConfig.model_fields[part].annotation
        kinds = (inner, *getattr(inner, "__args__", ()))
        assert not field or any(field in getattr(kind, "model_fields", ()) for kind in kinds), called


def test_a_word_for_one_section_alone_is_no_field_there():
    for word in filter(lambda word: "." in word, ELSEWHERE):
        assert meant_by(word.split(".")) == f"{word} is {ELSEWHERE[word]} here"


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        (("optim", "learning_rate"), "optim.learning_rate is optim.lr here"),
        (("lora_alpha",), "lora_alpha is adapter.alpha here"),
        (("adapter", "lr"), "adapter.lr is optim.lr here"),
        (("adapter", "use_dora"), "adapter.use_dora is adapter.method: dora here"),
        (("robust", "epsilom"), "robust.epsilom: did you mean epsilon?"),
        (("sync", "zeal"), "sync has every"),
        (("nmae",), "nmae: did you mean name?"),
        (("save_steps",), "save_steps is the option --checkpoint-every here"),
    ],
)
def test_a_strange_field_is_told_by_name_by_place_or_by_letters(where, meant):
    assert meant_by(where) == meant


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        (("search", "learning_rate"), "search.learning_rate is search.lr here"),
        (("search", "lora_r"), "search.lora_r is search.rank here"),
        (("robust", "max_steps"), "robust.max_steps is robust.steps here"),
        (("sync", "steps"), "sync.steps is sync.every here"),
    ],
)
def test_the_section_it_stands_in_is_asked_first(where, meant):
    assert meant_by(where) == meant


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        (("optim", "seed"), "optim.seed is seed here"),
        (("adapter", "base"), "adapter.base is base here"),
        (("seeds",), "seeds: did you mean seed?"),
    ],
)
def test_then_what_stands_in_no_section(where, meant):
    assert meant_by(where) == meant


def test_what_a_field_is_stands_behind_its_name():
    assert meant_by(("optim", "gradient_accumulation_steps")) == (
        "optim.gradient_accumulation_steps is optim.micro_batch here, the examples computed at once"
    )
