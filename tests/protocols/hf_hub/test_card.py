"""Model cards: what people write, what we write, and what the Hub's own library reads of it."""

import pytest
from huggingface_hub import ModelCard

from adapterhub.protocols.hf_hub.card import FRONT, Card, body_of, faults_of, front_of, read_card, write_card

WRITTEN = Card(
    base="org/tiny",
    library="peft",
    task="CAUSAL_LM",
    license="mit",
    tags=("calm",),
    metrics={"accuracy": 0.5, "rouge": 0.25},
    text="# Mine\n\nWords.",
    more={"language": ["de", "en"]},
)


def test_huggingface_hub_reads_what_we_write() -> None:
    data = ModelCard(write_card(WRITTEN, "ada/poet", ["ours"])).data
    assert (data.base_model, data.library_name, data.pipeline_tag) == ("org/tiny", "peft", "text-generation")
    assert (data.license, data.tags, data.language) == ("mit", ["adapterhub", "calm"], ["de", "en"])
    assert data.to_dict()["base_model_relation"] == "adapter"
    assert {one.metric_name: one.metric_value for one in data.eval_results} == {"accuracy": 0.5, "rouge": 0.25}


def test_a_card_that_is_read_and_written_again_stays_as_it_is() -> None:
    once = write_card(WRITTEN, "ada/poet", ["ours"])
    again = read_card(once)
    assert (again.text, again.metrics, again.more) == (WRITTEN.text, WRITTEN.metrics, WRITTEN.more)
    assert write_card(again, "ada/poet", ["ours"]) == once


def test_what_we_wrote_goes_when_it_is_written_again_and_the_persons_words_stay() -> None:
    edited = write_card(WRITTEN, "ada/poet", ["old"]) + "\nMore of mine.\n"
    text = write_card(read_card(edited), "ada/poet", ["new"])
    assert "old" not in text
    assert text.count("\nnew\n") == 1
    assert body_of(text) == "# Mine\n\nWords.\n\nMore of mine."


@pytest.mark.parametrize("base", ["./base", "/srv/base", "C:\\base", "../x", "a/b/c", "org/na--me"])
def test_what_can_be_no_repository_is_not_named_as_the_base(base: str) -> None:
    assert "base_model" not in write_card(Card(base=base), "ada/poet", [])
    assert read_card(f"---\nbase_model: {base}\n---\n").base == ""


def test_several_bases_are_none() -> None:
    assert read_card("---\nbase_model: [org/one]\n---\n").base == "org/one"
    assert read_card("---\nbase_model: [org/one, org/two]\n---\n").base == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# no front matter",
        "---\n- a list\n---\n",
        "---\na: [unclosed\n---\n",
        "---\na: &x [1]\nb: *x\n---\n",
        f"---\n{'a: 1 # ' + 'x' * 70000}\n---\n",
        '---\na: "\\ud800"\n---\n',
        '---\n"\\udfff": 1\n---\n',
        "---\nno end",
    ],
)
def test_front_matter_that_is_none_says_nothing(text: str) -> None:
    assert front_of(text) == {}
    assert bool(faults_of(text)) == bool(FRONT.match(text))


def test_numbers_that_are_none_become_words() -> None:
    assert front_of("---\na: .nan\nb: [-.inf, 1.5]\n---\n") == {"a": "nan", "b": ["-inf", 1.5]}


def test_odd_values_say_nothing_and_raise_nothing() -> None:
    odd = "base_model: 7\ntags: {a: 1}\nlicense: [mit]\nmodel-index: [1, {results: [{metrics: 3}]}]"
    assert read_card(f"---\n{odd}\n---\n") == Card()
    assert front_of("---\ndate: 2026-01-02\n1: x\n---\n") == {"date": "2026-01-02"}


def test_a_number_that_stands_there_twice_is_left_out() -> None:
    metric = "{metrics: [{type: accuracy, value: 0.5}]}"
    assert read_card(f"---\nmodel-index: [{{results: [{metric}]}}]\n---\n").metrics == {"accuracy": 0.5}
    assert read_card(f"---\nmodel-index: [{{results: [{metric}, {metric}]}}]\n---\n").metrics == {}


def test_windows_line_ends_are_read() -> None:
    assert read_card("---\r\nlicense: mit\r\n---\r\n# A\r\n").license == "mit"
    assert body_of("---\r\nlicense: mit\r\n---\r\n# A\r\n") == "# A"


def test_a_card_that_begins_our_part_many_times_is_read_at_once():
    text = "<!-- adapterhub:" * 100_000
    assert body_of(text) == text
    assert body_of(f"mine\n{text}<!-- /adapterhub -->\nmine too") == "mine\nmine too"
