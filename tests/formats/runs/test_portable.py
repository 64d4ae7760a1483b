"""What a config tells about a machine and its owner does not travel."""

import json
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.formats.runs.portable import LARGEST, portable

SECRETS = ("token", "hub_token", "hf_hub_token", "wandb_key", "swanlab_api_key", "password", "aws_secret_access_key",
           "use_auth_token", "HF_TOKEN")  # fmt: skip


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_gone(name: str) -> None:
    assert portable({"deep": [{name: "x", "lr": 1}]}) == {"deep": [{"lr": 1}]}


@pytest.mark.parametrize("name", ["pad_token", "special_tokens", "num_tokens", "token_dim", "tokenizer_path"])
def test_a_tokenizers_words_are_no_secrets(name: str) -> None:
    assert portable({name: "x"}) == {name: "x"}


def test_a_secret_inside_a_text_is_gone_too() -> None:
    assert portable("--key hf_abcdefghijklmnopqrstuvwxyz") == "--key "
    assert portable("https://ada:secret@host/data") == "https://host/data"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/mnt/ada/sql.jsonl", "sql.jsonl"), ("~/sql.jsonl", "sql.jsonl"), ("../ada/sql.jsonl", "sql.jsonl"),
        ("C:\\Users\\ada\\x.csv", "x.csv"), ("C:/ada/x.csv", "x.csv"), ("\\\\host\\ada\\x.csv", "x.csv"),
        ("file:///mnt/ada/x.csv", "x.csv"), ("/a/x.csv,/b/y.csv", "x.csv,y.csv"), ("-d=/a/b/ -n 1", "-d=b -n 1"),
    ],
)  # fmt: skip
def test_of_a_path_the_last_word_is_left(text: str, left: str) -> None:
    assert portable(text) == left


@pytest.mark.parametrize(
    "text",
    ["org/name", "./out", "data/x.csv", "s3://bucket/x", "/no_think", r"\S+\.q_proj", r".*\.(q|v)_proj", "a\n/b/c"],
)
def test_what_is_no_path_of_a_machine_stays(text: str) -> None:
    assert portable(text) == text


def test_everything_becomes_plain_data_in_one_order() -> None:
    kind = Enum("kind", {"cosine": "cosine"})
    odd: dict[Any, Any] = {
        "s": {"b", "a"},
        "e": kind.cosine,
        "p": Path("/mnt/x"),
        "d": date(2026, 1, 2),
        "n": float("inf"),
    }
    assert portable({**odd, 1: (1, object())}) == {
        "1": [1, "object"], "d": "2026-01-02", "e": "cosine", "n": None, "p": "x", "s": ["a", "b"],
    }  # fmt: skip


def test_a_config_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        portable(list(range(LARGEST)))


@given(
    st.recursive(
        st.none() | st.floats() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_what_comes_out_is_json_and_stays_as_it_is(data: Any) -> None:
    once = portable(data)
    assert json.loads(json.dumps(once, allow_nan=False).encode()) == once
    assert portable(once) == once
