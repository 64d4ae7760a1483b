"""The table of tasks: words, columns, and tasks of one's own."""

from importlib import import_module

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.train.task import Task
from adapterhub.train.tasks.table import COLUMNS, TASKS, prepare, wanted_columns
from tests.train.tasks.builders import asked, table

ROWS = table({"text": ["a"], "label": ["b"]})


@pytest.mark.parametrize("name", TASKS)
def test_each_row_has_a_module_and_fields_of_the_config(name):
    assert callable(import_module(f"adapterhub.train.tasks.{name.replace('-', '_')}").prepare)
    assert set(TASKS[name].fields) <= set(COLUMNS)


@pytest.mark.parametrize(("word", "close"), [("text-clasification", "text-classification"), ("causal_lm", "causal-lm")])
def test_an_unknown_word_is_told_with_one_that_is_close(tmp_path, word, close):
    with pytest.raises(WrongUsage, match=f"no task is called '{word}'; there are text-classification") as refusal:
        prepare(asked(word), tmp_path, None)
    assert close in refusal.value.hint


def test_a_word_like_no_other_is_told_how_ones_own_is_written():
    with pytest.raises(WrongUsage) as refusal:
        wanted_columns(asked("mind-reading"))
    assert "module:function" in refusal.value.hint


@pytest.mark.parametrize(
    ("task", "data", "wanted"),
    [
        ("text-classification", {}, {"text": "text", "label": "label"}),
        ("text-classification", {"text": "review"}, {"text": "review", "label": "label"}),
        ("text-classification", {"text_pair": "b"}, {"text": "text", "label": "label", "text_pair": "b"}),
        ("causal-lm", {}, {"prompt": "prompt", "completion": "completion"}),
        ("causal-lm", {"prompt": "q"}, {"prompt": "q", "completion": "completion"}),
        ("causal-lm", {"text": "body"}, {"text": "body"}),
        ("causal-lm", {"messages": "messages"}, {"messages": "messages"}),
        ("mine:task", {"audio": "sound", "label": "who"}, {"audio": "sound", "label": "who"}),
    ],
)
def test_a_column_is_called_like_its_field_unless_the_config_says_another(task, data, wanted):
    assert wanted_columns(asked(task, data=data)) == wanted


def test_a_column_the_task_does_not_read_is_refused():
    with pytest.raises(WrongUsage, match=r"data.image: text-classification reads no such column; it reads text, label"):
        wanted_columns(asked("text-classification", data={"image": "photo"}))


def test_two_ways_to_read_a_row_are_one_too_many():
    with pytest.raises(WrongUsage, match=r"data.text and data.prompt: causal-lm reads one or the other"):
        wanted_columns(asked("causal-lm", data={"text": "a", "prompt": "b"}))


def test_an_option_no_task_has_is_refused(tmp_path):
    with pytest.raises(WrongUsage, match=r"task_options.genrate: seq2seq has no such option") as refusal:
        prepare(asked("seq2seq", task_options={"genrate": False}), tmp_path, None)
    assert "generate" in refusal.value.hint


OWN = """
class Mine:
    peft_type, learned, metric = None, {}, "loss"

    def __init__(self, *given):
        self.given = given

    def open(self, folder): "a module"
    def heads(self, model): return ()
    def examples(self, table): return table.rows
    def length(self, example): return 1
    def collate(self, examples): return examples
    def loss(self, model, batch): "sum, count"
    def answers(self, model, batch): return []
    def measure(self, answers, examples): return {}


class Half:
    metric = "loss"


def half(config, base, train):
    return Half()


def broken(config, base, train):
    return 1 / 0
"""


def test_a_task_of_ones_own_is_what_its_function_makes(tmp_path):
    (tmp_path / "my_first_task.py").write_text(OWN)
    config = asked("my_first_task:Mine")
    task: Task = prepare(config, tmp_path, ROWS, folder=tmp_path)
    assert task.given == (config, tmp_path, ROWS)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("my_second_task:half", "gave a Half without answers, collate, examples, heads, learned, length"),
        ("my_second_task:nope", "module my_second_task has no function 'nope'"),
        ("my_second_task:broken", "ZeroDivisionError"),
        ("no_such_module_here:task", "No module named 'no_such_module_here'"),
    ],
)
def test_what_is_wrong_with_ones_own_task_is_told(tmp_path, name, told):
    (tmp_path / "my_second_task.py").write_text(OWN)
    with pytest.raises(WrongUsage, match=told) as refusal:
        prepare(asked(name), tmp_path, None, folder=tmp_path)
    assert refusal.value.hint
