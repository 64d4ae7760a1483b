"""A tag for each word, over a tiny BERT with a tokenizer that cuts words in pieces."""

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from adapterhub.errors import WrongUsage
from adapterhub.train.tasks.sums import IGNORED
from adapterhub.train.tasks.table import prepare
from tests.train.tasks.builders import asked, learns, save_bert, table

ROWS = table(
    {
        "tokens": [["w1w2", "w3"], ["w4", "w1w2w3", "w2"], ["w3"]],
        "tags": [["B-PER", "I-PER"], ["O", "B-PER", "O"], ["O"]],
    },
    "train.jsonl",
)


def save_pieces(folder):
    """A tokenizer that knows w1 … w4 and cuts `w1w2` in two."""
    vocabulary = {"[PAD]": 0, "[UNK]": 1} | {
        f"{mark}w{i}": 2 + 2 * i + n for i in range(5) for n, mark in enumerate(("", "##"))
    }
    raw = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = save_bert(tmp_path_factory.mktemp("bert"))
    save_pieces(folder)
    return folder


def opened(base, **data):
    task = prepare(asked("token-classification", base, data=data), base, ROWS)
    torch.manual_seed(0)
    return task, task.open(base).eval()


def test_the_first_token_of_a_word_has_its_tag(base):
    task, _ = opened(base)
    assert task.labels == ("B-PER", "I-PER", "O")
    assert [one.targets for one in task.examples(ROWS)] == [
        [0, IGNORED, 1],
        [2, 0, IGNORED, IGNORED, 2],
        [2],
    ]


def test_the_loss_is_the_models_own_times_the_count(base):
    task, model = opened(base)
    batch = task.collate(task.examples(ROWS))
    total, count = task.loss(model, batch)
    assert count == 6
    torch.testing.assert_close(total / count, model(**batch["inputs"], labels=batch["targets"]).loss)


def test_padding_changes_no_answer_and_each_word_has_one(base):
    task, model = opened(base)
    examples = task.examples(ROWS)
    together = task.answers(model, task.collate(examples))
    assert [one.shape for one in together] == [(2, 3), (3, 3), (1, 3)]
    for one, answer in zip(examples, together, strict=True):
        np.testing.assert_allclose(answer, task.answers(model, task.collate([one]))[0], atol=1e-5)


def test_it_learns_to_find_the_entities(base):
    task, model = opened(base)
    before, after = learns(task, model, ROWS, steps=25)
    assert after < before / 2
    examples = task.examples(ROWS)
    measured = task.measure(task.answers(model.eval(), task.collate(examples)), examples)
    assert measured["f1"] == measured["precision"] == measured["recall"] == measured["accuracy"] == 1
    assert task.metric == "f1"
    assert task.heads(model) == ("classifier",)


def test_a_word_that_was_cut_off_is_answered_with_o(base):
    task, _ = opened(base, max_length=2)
    one = task.examples(ROWS)[0]
    assert one.read == [0]
    measured = task.measure([np.eye(3)[[0]]], [one])
    assert measured["accuracy"] == 0.5
    assert measured["f1"] == 0


def test_a_word_whose_answer_is_nan_is_wrong_whatever_its_tag(base):
    task = prepare(asked("token-classification"), base, ROWS)
    one = task.examples(ROWS)[0]
    measured = task.measure([np.full((len(one.read), len(task.labels)), np.nan)], [one])
    assert measured["accuracy"] == measured["f1"] == 0
    assert np.isnan(measured["loss"])


def test_tags_that_are_no_entities_are_measured_by_word(base):
    rows = table({"tokens": ["w1 w2", "w3"], "tags": ["DET NOUN", "VERB"]})
    task = prepare(asked("token-classification", base), base, rows)
    assert task.metric == "accuracy"
    measured = task.measure([np.eye(3)[[0, 1]], np.eye(3)[[2]]], task.examples(rows))
    assert measured == {"accuracy": 1.0, "loss": 0.0}


@pytest.mark.parametrize(
    ("words", "tags", "told"),
    [
        (["w1", "w2"], ["O"], "line 2: 2 words in column 'tokens', but 1 tags"),
        (["w1"], ["B-LOC"], "line 2, word 1: the label 'B-LOC'"),
        (7, ["O"], "line 2: wanted a list in column 'tokens', got int"),
    ],
)
def test_a_row_that_cannot_be_used_has_its_place(base, words, tags, told):
    task, _ = opened(base)
    with pytest.raises(WrongUsage, match=told):
        task.examples(table({"tokens": [words], "tags": [tags]}))
