"""`adapterhub train` and `eval` as a person meets them: quiet, one document, every mistake in a line and a hint."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from adapterhub.train.tasks.table import TASKS
from adapterhub.verbs.train_config import config_of
from tests.cli.builders import CommandLine
from tests.verbs.training import Workshop

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "transformers", "peft", "numpy", "pyarrow", "matplotlib", "PIL", "rich", "torchao", "sqlmodel"}
REPORT = f"""import atexit, sys
atexit.register(lambda: print("LOADED", *sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr))"""


def loaded(err):
    return set(err.split("LOADED", 1)[1].split())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A workshop, and what the command line said that trained ada/topic in it; no test changes what is there."""
    made = Workshop.of(tmp_path_factory.mktemp("here"))
    told = CommandLine(made.folder / "store", made.folder)("train", "run.yaml", "--json")
    return made, told


@pytest.fixture(scope="module")
def place(trained):
    return trained[0]


@pytest.fixture(scope="module")
def told(trained):
    return trained[1]


@pytest.fixture(scope="module")
def there(place):
    return CommandLine(place.folder / "store", place.folder)


def test_json_is_one_document_and_standard_error_is_quiet(told):
    assert told.json["reference"] == "ada/topic@1"
    assert told.json["metrics"]["accuracy"] > 0.8
    (line,) = told.err.splitlines()
    assert line.startswith("training ada/topic: lora of rank 4 for text-classification, lr 0.02; 16 steps of 16 on ")
    assert line.endswith("log.jsonl")
    assert "torchao" not in told.err


def test_people_see_what_it_is_worth_and_that_it_was_there(told, there):
    said = there("train", "run.yaml")
    lines = said.out.splitlines()
    assert lines[0].startswith("ada/topic@1  ")
    assert f"accuracy {told.json['metrics']['accuracy']:.4g}" in lines[1]
    assert "--restart trains it again" in said.err
    assert len(said.err.splitlines()) == 2


def test_fields_are_set_by_their_paths_and_memory_by_its_size(there):
    trained = there(
        "train", "run.yaml", "--set", "name=ada/set", "--set", "optim.epochs=null", "--set", "optim.steps=2",
        "--set", "optim.lr=1e-3", "--set", "adapter.rank=2", "--memory", "8GB", "--checkpoint-every", "1", "--json",
    ).json  # fmt: skip
    config = trained["manifest"]["training"]["config"]
    assert (config["optim"]["lr"], config["optim"]["steps"], trained["facts"]["rank"]) == (1e-3, 2, 2)
    assert "memory" not in config


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set", "optim.lr"], "wanted FIELD=VALUE"),
        (["--set", "data.labels=[a"], "not readable as YAML"),
        (["--set", "optim.lr=fast"], "optim.lr"),
        (["--set", "adapter=3", "--set", "adapter.rnk=3"], "adapter.rnk"),
        (["--set", "optim.rate=1"], "optim.rate"),
    ],
)
def test_a_change_that_cannot_be_made_is_told_without_torch(there, words, said):
    ran = there("train", "run.yaml", *words, code=2, prelude=REPORT)
    assert said in ran.err
    assert "hint:" in ran.err
    assert loaded(ran.err) == set()


@pytest.mark.parametrize("task", [*TASKS, "mine:task"])
def test_a_config_is_written_for_every_task_and_is_one(there, task):
    text = there("train", "--init", task, prelude=REPORT)
    assert loaded(text.err) == set()
    assert config_of(yaml.safe_load(text.out)).task == task


def test_a_config_is_written_once_and_nothing_is_overwritten(there, tmp_path):
    path = tmp_path / "new.yaml"
    told = there("train", path, "--init", "causal-lm", "--json")
    assert told.json["path"] == str(path)
    assert told.json["text"] == path.read_text()
    assert "is there already" in there("train", path, "--init", "causal-lm", code=2).err
    assert "did you mean causal-lm" in there("train", "--init", "causal-ml", code=2).err


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("base: [", 2, "not readable as YAML"),
        ("- 1", 2, "wanted fields"),
        ("base: ./tiny\nname: a/b\ntask: text-clasification\ndata: {train: x.csv}", 2, "text-clasification"),
        ("base: ./tiny\nname: a/b\ntask: text-classification\ndata: {trian: x.csv}", 2, "data.trian"),
        (None, 3, "no such config"),
    ],
)
def test_a_config_that_is_wrong_is_told_without_torch(there, tmp_path, text, code, said):
    path = tmp_path / "wrong.yaml"
    if text is not None:
        path.write_text(text)
    ran = there("train", path, code=code, prelude=REPORT)
    assert said in ran.err
    assert ran.out == ""
    assert loaded(ran.err) == set()


def test_the_best_of_a_search_is_a_command_with_all_that_was_said(there, place):
    words = ["--continue", "ada/topic@1", "--set", "name=ada/searched", "--set", "optim.epochs=1"]
    chosen = ["--set", "adapter.alpha=8", "--set", "search.lr=[1e-3]", "--set", "optim.lr=1"]
    searched = there("train", "run.yaml", "--search", *words, *chosen, "--memory", "8 GB")
    lines = searched.err.splitlines()
    kept = "--continue ada/topic@1 --memory '8 GB' --set name=ada/searched --set optim.epochs=1"
    best = "--set optim.lr=0.001 --set adapter.rank=4 --set adapter.alpha=8"
    assert f"the best of them: adapterhub train run.yaml {kept} {best}" in lines
    assert [line.split(";")[0] for line in lines if line.startswith("training ")] == [
        "training ada/searched: lora of rank 4 for text-classification, lr 0.001"
    ]


def test_without_a_config_the_way_to_one_is_told(there):
    assert "--init TASK" in there("train", code=2).err


def test_a_loss_that_is_no_number_ends_with_its_own_code(there):
    ran = there("train", "run.yaml", "--set", "name=ada/nan", "--set", "optim.lr=1e30", code=7)
    assert ran.err.splitlines()[1].startswith("error: the loss of step ")
    assert "train.csv, line" in ran.err
    assert "ada/nan" not in there("list").out


def test_an_entry_is_measured_shown_and_measured_again(there):
    found = there("eval", "ada/topic", "--data", "test.csv", "--json")
    assert found.err == ""
    assert found.json["rows"] == 30
    people = there("eval", "ada/topic", "--data", "test.csv")
    assert people.out.splitlines()[0] == "ada/topic@1  text-classification on 30 rows"
    shown = there("show", "ada/topic")
    assert f"evaluation  accuracy {found.json['metrics']['accuracy']:.4g}" in shown.out
    assert "on 30 rows" in shown.out


def test_several_stand_side_by_side_with_what_they_cost(there, tmp_path):
    picture = tmp_path / "both.png"
    full = there("train", "run.yaml", "--method", "full", "--set", "name=ada/whole", "--set", "optim.steps=4")
    assert "info: adapter.rank: means nothing to full, and is left out" in full.err.splitlines()
    words = ("eval", "ada/whole", "ada/topic", "--data", "test.csv")
    told = there(*words, "--picture", picture)
    heading, whole, topic, between = told.out.splitlines()
    assert heading.split()[:3] == ["ARM", "ACCURACY", "TRAINED"]
    assert (whole.split()[0], topic.split()[0]) == ("ada/whole@1", "ada/topic@1")
    assert between.startswith("ada/topic@1 minus ada/whole@1: ")
    assert between.endswith("30 rows)")
    assert told.err.splitlines() == [f"as a picture: {picture}"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    found = there(*words, "--json").json
    assert [one["reference"] for one in found["entries"]] == ["ada/whole@1", "ada/topic@1"]
    assert found["entries"][1]["difference"]["rows"] == 30


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ada/topic", "--picture", "one.png"], "--picture shows several"),
        (["ada/topic", "ada/topic*0.5", "--ancestors"], "compared on one --data"),
        (["ada/topic", "ada/topic*0.5", "--data", "train.csv"], "compared on one --data"),
    ],
)
def test_what_does_not_go_together_is_told(there, words, said):
    ran = there("eval", *words, "--data", "test.csv", code=2, prelude=REPORT)
    assert said in ran.err
    assert loaded(ran.err) == set()


def test_a_merge_is_measured_where_rows_are_given(there):
    told = there("merge", "ada/topic", "ada/small", "--rank", "1", "--data", "test.csv")
    lines = [line.split() for line in told.out.splitlines()]
    assert [next(line for line in lines if line[0] == "accuracy")[i] for i in (2, 4)] == ["before,", "now"]
    found = there("merge", "ada/topic", "ada/small", "--rank", "1", "--data", "test.csv", "--json").json
    assert (
        found["after"]["accuracy"]
        == there("eval", "ada/small", "--data", "test.csv", "--json").json["metrics"]["accuracy"]
    )
    both = there("merge", "ada/topic", "ada/small", "--data", "test.csv", "--dry-run", code=2)
    assert "--dry-run merges nothing" in both.err


def test_two_processes_publish_one_entry_and_one_of_them_speaks(place, told, there):
    words = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m", "adapterhub"]
    done = subprocess.run(
        [sys.executable, *words, "train", str(place.config), "--set", "name=ada/pair", "--json"],
        cwd=ROOT,
        env={**os.environ, "ADAPTERHUB_HOME": str(place.folder / "store"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    both = json.loads(done.stdout)
    assert both["reference"] == "ada/pair@1"
    assert done.stderr.count("training ada/pair: ") == 1
    assert both["manifest"]["training"]["run"]["processes"] == 2
    assert both["metrics"]["loss"] == pytest.approx(told.json["metrics"]["loss"], rel=1e-2)
    assert [line.split()[0] for line in there("log", "ada/pair").out.splitlines() if "ada/pair" in line]
    assert len(there("show", "ada/pair", "--json").json["manifest"]["files"]) == 2
