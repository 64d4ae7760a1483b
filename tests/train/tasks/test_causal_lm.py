"""A language model, over a tiny GPT-2: what is learned of a row, what is cut, what is refused."""

import math

import numpy as np
import pytest
import torch

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.tasks.sums import IGNORED
from adapterhub.train.tasks.table import prepare
from tests.train.tasks.builders import asked, learns, save_bert, save_gpt2, table

ROWS = table({"prompt": ["w1 w2", "w3 w4 w5", "w6"], "completion": ["w7", "w8 w9", "w10 w11 w12"]})
TEXTS = table({"text": ["w1 w2 w3", "w4 w5 w6 w7"]})


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return save_gpt2(tmp_path_factory.mktemp("gpt2"))


def opened(base, **data):
    task = prepare(asked("causal-lm", base, data=data), base, None)
    return task, task.open(base).eval()


def words(task, tokens):
    return task.tokenizer.convert_ids_to_tokens([token for token in tokens if token != IGNORED])


def test_the_loss_is_the_models_own_times_the_count(base):
    task, model = opened(base, text="text")
    batch = task.collate(task.examples(TEXTS.take([0])))
    total, count = task.loss(model, batch)
    assert count == 3
    own = model(input_ids=batch["inputs"]["input_ids"], labels=batch["inputs"]["input_ids"]).loss
    torch.testing.assert_close(total / count, own)


def test_the_loss_of_a_padded_batch_is_the_models_own_too(base):
    task, model = opened(base)
    batch = task.collate(task.examples(ROWS))
    labels = torch.full_like(batch["targets"], IGNORED)
    labels[:, 1:] = batch["targets"][:, :-1]
    total, count = task.loss(model, batch)
    torch.testing.assert_close(total / count, model(**batch["inputs"], labels=labels).loss)


def test_only_the_completion_and_the_end_are_learned(base):
    task, _ = opened(base)
    first, second, _ = task.examples(ROWS)
    assert words(task, first.tokens) == ["w1", "w2", "w7", "[EOS]"]
    assert first.targets == [IGNORED, *first.tokens[2:], IGNORED]
    assert words(task, second.targets) == ["w8", "w9", "[EOS]"]


def test_the_prompts_words_do_not_enter_the_loss_but_what_follows_them(base):
    task, model = opened(base)
    batch = task.collate(task.examples(ROWS))
    whole, count = task.loss(model, batch)
    logits = model(**batch["inputs"]).logits.log_softmax(-1)
    by_hand = [
        -logits[row, place, target]
        for row, targets in enumerate(batch["targets"].tolist())
        for place, target in enumerate(targets)
        if target != IGNORED
    ]
    assert len(by_hand) == count == 2 + 3 + 4
    torch.testing.assert_close(whole, sum(by_hand))


def test_padding_changes_no_answer(base):
    task, model = opened(base)
    examples = task.examples(ROWS)
    together = task.answers(model, task.collate(examples))
    alone = [task.answers(model, task.collate([one]))[0] for one in examples]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_metrics_are_over_tokens_and_not_over_rows(base):
    task, _ = opened(base, text="text")
    answers = [np.array([2.0, 1, 1]), np.array([1.0, 3, 0])]
    measured = task.measure(answers, task.examples(TEXTS))
    assert measured == {"loss": 0.75, "token_accuracy": 0.25, "perplexity": pytest.approx(math.exp(0.75))}


def test_it_learns(base):
    task, model = opened(base)
    before, after = learns(task, model, ROWS, steps=25)
    assert after < before / 2


def test_of_a_conversation_the_assistants_turns_are_learned(base):
    turns = [
        {"role": "user", "content": "w1 w2"},
        {"role": "assistant", "content": "w3"},
        {"role": "user", "content": "w4"},
        {"role": "assistant", "content": "w5 w6"},
    ]
    task, _ = opened(base, messages="messages")
    (one,) = task.examples(table({"messages": [turns]}))
    assert words(task, one.tokens) == task.tokenizer.tokenize(task.tokenizer.apply_chat_template(turns, tokenize=False))
    assert words(task, one.targets) == ["w3", "[SEP]", "w5", "w6", "[SEP]"]


def test_a_template_that_rewrites_earlier_turns_is_refused(base):
    task, _ = opened(base, messages="messages")
    task.tokenizer.chat_template = "{{ messages | length }} {% for m in messages %}{{ m['content'] }} {% endfor %}"
    with pytest.raises(WrongUsage, match=r"train.csv, line 2: the chat template writes earlier messages another way"):
        task.examples(
            table({"messages": [[{"role": "user", "content": "w1"}, {"role": "assistant", "content": "w2"}]]})
        )


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ("hello", "wanted|list of objects"),
        ([{"role": "user"}], "list of objects"),
        ([{"role": "user", "content": "w1"}], "no message is the assistant's"),
    ],
)
def test_messages_that_are_no_conversation_have_their_place(base, messages, told):
    task, _ = opened(base, messages="messages")
    with pytest.raises(WrongUsage, match=told) as refusal:
        task.examples(table({"messages": [messages]}))
    assert "line 2" in str(refusal.value)


def test_a_base_without_a_chat_template_says_so(base):
    task, _ = opened(base, messages="messages")
    task.tokenizer.chat_template = None
    with pytest.raises(DoesNotFit, match="no chat template"):
        task.examples(table({"messages": [[{"role": "assistant", "content": "w2"}]]}))


def test_what_is_too_long_loses_the_beginning_of_its_prompt(base):
    task, _ = opened(base, max_length=5)
    long = table({"prompt": ["w1 w2 w3 w4 w5"], "completion": ["w6 w7"]})
    (one,) = task.examples(long)
    assert words(task, one.tokens) == ["w4", "w5", "w6", "w7", "[EOS]"]


def test_a_row_of_which_nothing_is_left_has_its_place(base):
    task, _ = opened(base, text="text", max_length=1)
    with pytest.raises(WrongUsage, match=r"train.csv, line 2: nothing is left to learn within 1 tokens"):
        task.examples(TEXTS)


def test_a_base_that_reads_in_both_directions_is_refused(tmp_path):
    base = save_bert(tmp_path, "BertForMaskedLM")
    task = prepare(asked("causal-lm", base), base, None)
    with pytest.raises(DoesNotFit, match="a bert reads a text in both directions"):
        task.open(base)


def test_a_base_without_a_language_models_head_is_refused(tmp_path):
    base = save_bert(tmp_path, is_decoder=True)
    task = prepare(asked("causal-lm", base), base, None)
    with pytest.raises(DoesNotFit, match="no weights for cls"):
        task.open(base)


def test_the_head_is_the_bases_and_is_not_trained(base):
    task, model = opened(base)
    assert task.heads(model) == ()
    assert task.learned == {}
