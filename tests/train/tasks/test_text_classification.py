"""A label for each text, over a tiny BERT."""

import numpy as np
import pytest
import torch

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.tasks.table import prepare
from tests.train.tasks.builders import asked, edit_config, learns, save_bert, save_gpt2, save_tokenizer, table

ROWS = table(
    {
        "text": ["w1 w2 w3", "w20 w21", "w2 w4 w1 w5 w6", "w22", "w3 w1", "w25 w21 w22"],
        "label": ["low", "high", "low", "high", "low", "high"],
    }
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def task(base):
    return prepare(asked("text-classification", base), base, ROWS)


@pytest.fixture
def model(task, base):
    torch.manual_seed(0)
    return task.open(base).eval()


def test_the_loss_is_the_models_own_times_the_count(task, model):
    batch = task.collate(task.examples(ROWS))
    total, count = task.loss(model, batch)
    assert count == 6
    own = model(**batch["inputs"], labels=batch["labels"]).loss
    torch.testing.assert_close(total / count, own)


def test_the_sum_of_the_parts_is_the_whole(task, model):
    examples = task.examples(ROWS)
    whole, _ = task.loss(model, task.collate(examples))
    parts = [task.loss(model, task.collate(examples[i : i + 4]))[0] for i in (0, 4)]
    torch.testing.assert_close(whole, sum(parts))


def test_padding_changes_no_answer_and_answers_keep_the_order(task, model):
    examples = task.examples(ROWS)
    together = task.answers(model, task.collate(examples))
    alone = [task.answers(model, task.collate([one]))[0] for one in examples]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.sum(together, axis=1), 1, atol=1e-6)
    assert together[0].dtype == np.float32


def test_it_learns(task, model):
    before, after = learns(task, model, ROWS)
    assert after < before / 2
    answers = task.answers(model.eval(), task.collate(task.examples(ROWS)))
    measured = task.measure(answers, task.examples(ROWS))
    assert measured["accuracy"] == measured["f1"] == 1
    assert measured["loss"] == pytest.approx(after, rel=0.5)


def test_labels_are_read_off_the_training_rows(task, model):
    assert task.learned == {"labels": ("high", "low")}
    assert model.config.id2label == {0: "high", 1: "low"}
    assert [example.label for example in task.examples(ROWS)] == [1, 0, 1, 0, 1, 0]


def test_a_head_that_is_new_is_trained_and_a_pooler_of_the_base_is_not(task, model):
    assert task.heads(model) == ("classifier",)


def test_a_pooler_the_base_has_not_brought_is_trained_too(tmp_path):
    base = save_bert(tmp_path, "BertForMaskedLM")
    task = prepare(asked("text-classification", base), base, ROWS)
    assert task.heads(task.open(base)) == ("bert.pooler.dense", "classifier")


def test_the_same_seed_draws_the_same_head(task, base):
    heads = []
    for _ in range(2):
        torch.manual_seed(5)
        heads.append(task.open(base).classifier.weight)
    assert torch.equal(*heads)


def labelled(folder, labels):
    base = save_bert(folder, "BertForSequenceClassification", num_labels=len(labels))
    names = {str(i): label for i, label in enumerate(labels)}
    edit_config(base, id2label=names, label2id={label: i for i, label in enumerate(labels)})
    return base


def weight(base):
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(base).classifier.weight


@pytest.mark.parametrize("labels", [["high", "low"], ["low", "high"]])
def test_a_head_for_the_same_labels_is_kept_with_their_order(tmp_path, labels):
    base = labelled(tmp_path, labels)
    task = prepare(asked("text-classification", base), base, ROWS)
    model = task.open(base)
    assert list(task.labels) == labels
    assert torch.equal(model.classifier.weight, weight(base))
    assert task.heads(model) == ("classifier",)


@pytest.mark.parametrize("labels", [["cat", "dog"], ["cat", "dog", "eel"]])
def test_a_head_for_other_labels_is_drawn_anew(tmp_path, labels):
    base = labelled(tmp_path, labels)
    task = prepare(asked("text-classification", base), base, ROWS)
    model = task.open(base)
    assert model.classifier.weight.shape == (2, 32)
    assert not torch.equal(model.classifier.weight, weight(base)[:2])
    assert task.heads(model) == ("classifier",)


def test_without_training_rows_the_config_says_the_labels(base):
    task = prepare(asked("text-classification", base, data={"labels": ["low", "high"]}), base, None)
    assert task.labels == ("low", "high")
    with pytest.raises(WrongUsage, match="labels are not known"):
        prepare(asked("text-classification", base), base, None)


def test_a_pair_of_texts_has_types(base):
    rows = table({"q": ["w1 w2", "w3"], "a": ["w4", "w5 w6"], "label": ["0", "1"]})
    task = prepare(asked("text-classification", base, data={"text": "q", "text_pair": "a"}), base, rows)
    batch = task.collate(task.examples(rows))
    assert batch["inputs"]["token_type_ids"].tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]]


def test_a_decoder_reads_its_answer_off_the_last_token(tmp_path):
    base = save_gpt2(tmp_path)
    task = prepare(asked("text-classification", base), base, ROWS)
    model = task.open(base).eval()
    examples = task.examples(ROWS)
    assert "token_type_ids" not in task.collate(examples)["inputs"]
    together = task.answers(model, task.collate(examples))
    alone = [task.answers(model, task.collate([one]))[0] for one in examples]
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert task.heads(model) == ("score",)


def test_what_is_too_long_is_cut(base):
    task = prepare(asked("text-classification", base, data={"max_length": 4}), base, ROWS)
    assert max(map(task.length, task.examples(ROWS))) == 4


@pytest.mark.parametrize(("most", "pair"), [(1, None), (2, None), (3, "pair")])
def test_a_length_that_holds_marks_alone_is_refused(base, most, pair):
    with pytest.raises(WrongUsage, match=rf"max_length is {most}, and {most if pair else 2} tokens of each") as refusal:
        prepare(asked("text-classification", base, data={"max_length": most, "text_pair": pair}), base, ROWS)
    assert "take more than" in refusal.value.hint


def test_more_tokens_than_the_model_reads_are_refused(base):
    with pytest.raises(WrongUsage, match=r"max_length is 99, but .* at most 64"):
        prepare(asked("text-classification", base, data={"max_length": 99}), base, ROWS)


def test_an_unknown_label_has_its_place(task):
    with pytest.raises(WrongUsage, match=r"valid.csv, line 2.*'lwo'"):
        task.examples(table({"text": ["w1"], "label": ["lwo"]}, "valid.csv"))


def test_a_cell_that_is_no_text_has_its_place(task):
    with pytest.raises(WrongUsage, match=r"train.csv, line 3: column 'text': wanted text, got int '7'"):
        task.examples(table({"text": ["w1", 7], "label": ["low", "high"]}))


def test_a_row_without_tokens_has_its_place(tmp_path):
    base = save_bert(tmp_path)
    save_tokenizer(base, marks=False)
    task = prepare(asked("text-classification", base), base, ROWS)
    with pytest.raises(WrongUsage, match="line 3: no token is left of ' '"):
        task.examples(table({"text": ["w1", " "], "label": ["low", "high"]}))


def test_a_folder_that_is_no_base_says_what_is_there(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DoesNotFit) as refusal:
        prepare(asked("text-classification", tmp_path), tmp_path, ROWS)
    assert str(tmp_path) in str(refusal.value)
    assert "notes.txt" in refusal.value.hint
