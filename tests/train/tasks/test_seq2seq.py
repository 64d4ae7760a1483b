"""A text for each text, over a tiny T5 and a tiny BART."""

import numpy as np
import pytest
import torch

from adapterhub.train.tasks.sums import IGNORED
from adapterhub.train.tasks.table import prepare
from tests.train.tasks.builders import asked, learns, save_model, save_tokenizer, table

ROWS = table({"source": ["w1 w2 w3", "w4", "w5 w6"], "target": ["w7 w8", "w9 w10 w11", "w12"]})


def save_t5(folder):
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    sizes = {"vocab_size": 64, "d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
    ids = {"pad_token_id": 0, "eos_token_id": 4, "decoder_start_token_id": 0, "dropout_rate": 0.0}
    save_tokenizer(folder, ends=True, marks=False)
    return save_model(folder, T5ForConditionalGeneration(T5Config(**sizes, **ids)))


def save_bart(folder):
    from transformers import BartConfig, BartForConditionalGeneration

    torch.manual_seed(0)
    sizes = {"vocab_size": 64, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 64}
    heads = {f"{side}_attention_heads": 2 for side in ("encoder", "decoder")}
    wide = {f"{side}_ffn_dim": 64 for side in ("encoder", "decoder")}
    ids = {
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 4,
        "decoder_start_token_id": 4,
        "forced_eos_token_id": 4,
    }
    save_tokenizer(folder, ends=True, marks=False)
    return save_model(folder, BartForConditionalGeneration(BartConfig(**sizes, **heads, **wide, **ids, dropout=0.0)))


@pytest.fixture(scope="module", params=[save_t5, save_bart], ids=["t5", "bart"])
def base(request, tmp_path_factory):
    return request.param(tmp_path_factory.mktemp("base"))


def opened(base, **fields):
    task = prepare(asked("seq2seq", base, data={"max_length": 8}, **fields), base, None)
    return task, task.open(base).eval()


def test_the_loss_is_the_models_own_times_the_count(base):
    task, model = opened(base)
    batch = task.collate(task.examples(ROWS))
    total, count = task.loss(model, batch)
    assert count == 3 + 4 + 2
    torch.testing.assert_close(total / count, model(**batch["inputs"], labels=batch["targets"]).loss)


def test_the_target_ends_with_the_mark_that_ends_a_text(base):
    task, _ = opened(base)
    targets = task.collate(task.examples(ROWS))["targets"]
    assert targets[0, 2] == 4
    assert targets[0, 3] == IGNORED


def test_padding_changes_no_answer(base):
    task, model = opened(base)
    examples = task.examples(ROWS)
    together = task.answers(model, task.collate(examples))
    for one, (sums, written) in zip(examples, together, strict=True):
        alone, by_itself = task.answers(model, task.collate([one]))[0]
        np.testing.assert_allclose(sums, alone, atol=1e-4)
        spoken = [task.tokenizer.decode(tokens, skip_special_tokens=True) for tokens in (written, by_itself)]
        assert spoken[0] == spoken[1]


def test_it_learns_to_write_the_target(base):
    task, model = opened(base)
    before, after = learns(task, model, ROWS, steps=60, rate=1e-2)
    assert after < before / 10
    examples = task.examples(ROWS)
    measured = task.measure(task.answers(model.eval(), task.collate(examples)), examples)
    assert measured["exact_match"] == measured["rouge_l"] == measured["token_accuracy"] == 1


def test_writing_can_be_left_out(base):
    task, model = opened(base, task_options={"generate": False})
    examples = task.examples(ROWS)
    measured = task.measure(task.answers(model, task.collate(examples)), examples)
    assert set(measured) == {"loss", "perplexity", "token_accuracy"}


def test_the_head_is_the_bases(base):
    task, model = opened(base)
    assert task.heads(model) == ()
