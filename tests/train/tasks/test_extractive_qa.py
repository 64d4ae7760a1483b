"""Where the answer stands, over a tiny BERT."""

import numpy as np
import pytest
import torch

from adapterhub.errors import WrongUsage
from adapterhub.train.tasks.sums import IGNORED
from adapterhub.train.tasks.table import prepare
from tests.train.tasks.builders import asked, learns, save_bert, table

ROWS = table(
    {
        "question": ["w1", "w1 w2", "w3"],
        "context": ["w4 w5 w6 w7", "w8 w9", "w10 w4 w11"],
        "answer": ["w5 w6", "w9", {"text": ["w4", "w4 w11"], "answer_start": [4, 4]}],
    },
    "train.jsonl",
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_bert(tmp_path_factory.mktemp("bert"))


def opened(base, **data):
    task = prepare(asked("extractive-qa", base, data=data), base, None)
    torch.manual_seed(0)
    return task, task.open(base).eval()


def test_the_edges_are_the_tokens_of_the_answer(base):
    task, _ = opened(base)
    # [CLS] w1 [SEP] w4 w5 …
    assert [one.edges for one in task.examples(ROWS)] == [(4, 5), (5, 5), (4, 4)]


def test_the_loss_is_the_models_own_times_the_count(base):
    task, model = opened(base)
    batch = task.collate(task.examples(ROWS.take([0])))
    total, count = task.loss(model, batch)
    assert count == 1
    first, last = batch["edges"].T
    torch.testing.assert_close(total / count, model(**batch["inputs"], start_positions=first, end_positions=last).loss)


def test_padding_changes_no_answer(base):
    task, model = opened(base)
    examples = task.examples(ROWS)
    together = task.answers(model, task.collate(examples))
    alone = [task.answers(model, task.collate([one]))[0] for one in examples]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_it_learns(base):
    task, model = opened(base)
    before, after = learns(task, model, ROWS, steps=25)
    assert after < before / 2
    examples = task.examples(ROWS)
    measured = task.measure(task.answers(model.eval(), task.collate(examples)), examples)
    assert measured["exact_match"] == measured["f1"] == 1
    assert measured["loss"] == pytest.approx(after, rel=0.5)
    assert task.heads(model) == ("qa_outputs",)


def test_the_best_of_several_answers_counts(base):
    task, _ = opened(base)
    examples = task.examples(ROWS)
    answers = [np.array([3, 5, 0.0]), np.array([4, 5, 0.0]), np.array([4, 5, 0.0])]
    measured = task.measure(answers, examples)
    assert measured["exact_match"] == pytest.approx(1 / 3)
    assert measured["f1"] == pytest.approx((0.8 + 2 / 3 + 1) / 3)


def test_an_answer_is_within_the_context_and_not_backwards(base):
    task, model = opened(base)
    for one, (first, last, _) in zip(
        examples := task.examples(ROWS), task.answers(model, task.collate(examples)), strict=True
    ):
        assert first <= last
        assert None not in (one.spans[int(first)], one.spans[int(last)])


def test_an_answer_that_was_cut_off_is_not_learned(base):
    task, model = opened(base, max_length=6)
    one = task.examples(ROWS.take([0]))[0]
    assert len(one.spans) == 6
    assert one.edges == (IGNORED, IGNORED)
    batch = task.collate([one])
    assert [value.item() for value in task.loss(model, batch)] == [0, 0]
    assert task.measure(task.answers(model, batch), [one])["exact_match"] == 0


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("w99", "'w99' is no part of the context; it stands nowhere there"),
        ({"text": ["w4"], "answer_start": [3]}, r"is no part of the context; at 3 stands 'w5'"),
        ({"text": [], "answer_start": []}, "has no answer"),
        ({"text": ["w4"], "answer_start": ["x"]}, "answer_start is a number, got 'x'"),
    ],
)
def test_an_answer_that_is_not_there_has_its_place(base, answer, told):
    task, _ = opened(base)
    with pytest.raises(WrongUsage, match=told) as refusal:
        task.examples(table({"question": ["w1"], "context": ["w4 w5"], "answer": [answer]}))
    assert "train.csv, line 2" in str(refusal.value)


def test_a_start_in_a_column_of_its_own_is_read(base):
    task, _ = opened(base)
    rows = table({"question": ["w1"], "context": ["w4 w5 w4"], "answer": ["w4"], "answer_start": ["6"]})
    assert task.examples(rows)[0].edges == (5, 5)


def test_a_question_without_room_for_a_context_has_its_place(base):
    task, _ = opened(base, max_length=5)
    with pytest.raises(WrongUsage, match=r"line 3: the question leaves no room"):
        task.examples(ROWS)
