"""A training ends as an entry that says what made it, and the same config ends in the same bytes."""

import json
import shutil
import sys

import pytest
import torch

from adapterhub.digest import Digest
from adapterhub.errors import Conflict
from adapterhub.train.data.file import read_file
from tests.verbs.training import Stop, Stopper, Workshop, write_rows


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A workshop, and what was trained in it; nothing here is changed by a test."""
    place = Workshop.of(tmp_path_factory.mktemp("here"))
    return place, place.train()


@pytest.fixture
def place(tmp_path):
    return Workshop.of(tmp_path / "here")


def bytes_of(place, trained):
    """The bytes of the manifest."""
    return place.hub.desk.store.manifest(Digest.parse(trained.digest)).to_bytes()


def test_it_learns_and_is_measured_on_rows_it_never_saw(done):
    _, trained = done
    assert trained.metrics["accuracy"] > 0.8
    assert trained.metrics["validation_accuracy"] == trained.validation["accuracy"] > 0.8
    assert 0 <= trained.metrics["ece"] < 1
    assert trained.cost.keys() == {"seconds", "peak_memory", "trainable_parameters"}
    assert trained.cost["trainable_parameters"] == trained.facts.parameters
    assert (trained.steps, trained.tags, trained.again) == (16, ("text-classification",), False)


def test_the_facts_are_those_of_an_adapter_on_all_linear_layers(done):
    _, trained = done
    facts = trained.facts
    assert (facts.format, facts.type, facts.rank, facts.alpha, facts.task) == ("peft", "LORA", 4, 8.0, "SEQ_CLS")
    assert facts.modules == 13
    assert trained.findings == ()


def test_the_base_is_pinned_by_its_bytes_and_the_audit_says_exact(done):
    place, trained = done
    assert trained.manifest.base.evidence == "bytes"
    card = place.hub.base_show(place.folder / "tiny")
    assert trained.manifest.base.weights_digest == card.weights_digest
    (report,) = place.hub.audit([trained.reference], [place.folder / "tiny"])
    assert report.verdict == "exact"


def test_the_manifest_holds_config_seed_data_and_builds_and_no_path(done):
    place, trained = done
    training = trained.manifest.training
    assert training["config"]["task"] == "text-classification"
    assert training["config"]["data"]["labels"] == ["poem", "prose"]
    assert training["config"]["data"]["train"] == training["data"]["train"]["file"]
    table = read_file(place.folder / "train.csv", "train.csv")
    assert training["data"]["train"] == {
        "file": str(table.digest), "rows": str(table.rows_digest), "count": 64,
    }  # fmt: skip
    assert {name: said["count"] for name, said in training["data"].items()} == {
        "train": 64,
        "validation": 20,
        "test": 30,
    }
    assert training["seed"] == 0
    assert training["versions"]["torch"] == torch.__version__
    assert training["run"] | {"device": ""} == {
        "device": "", "micro_batch": 8, "processes": 1, "steps": 16, "threads": torch.get_num_threads(),
    }  # fmt: skip
    told = bytes_of(place, trained).decode()
    assert str(place.folder) not in told
    assert "csv" not in told
    assert "ada" not in json.loads(told)["training"]["config"].values()


def test_no_file_of_the_entry_names_a_place_on_this_machine(done):
    place, trained = done
    folder = place.hub.path(trained.reference)
    assert all(str(place.folder).encode() not in file.read_bytes() for file in folder.iterdir())


def test_the_run_leaves_a_log_and_curves_and_no_state(done):
    place, trained = done
    left = {path.name for path in (place.hub.desk.store.layout.runs / trained.run.rpartition("/")[2]).iterdir()}
    assert {"log.jsonl", "curves.png", "run.json"} <= left
    assert "state.safetensors" not in left


def test_asked_again_it_answers_at_once_with_the_same(done):
    place, trained = done
    again = place.train()
    assert again.again
    same = ("digest", "reference", "metrics", "steps", "best_step", "validation", "run")
    assert {name: getattr(again, name) for name in same} == {name: getattr(trained, name) for name in same}


def test_asked_again_it_answers_with_the_findings_of_the_first_time(place):
    write_rows(place.folder / "test.csv", [("w1 w2", "poem"), ("w21 w22", "prose")])
    shutil.copy(place.folder / "test.csv", place.folder / "validation.csv")
    lines = (place.folder / "train.csv").read_text()
    (place.folder / "train.csv").write_text(f"{lines}w1 w2,poem\n")
    place.write(optim={"epochs": None, "steps": 1, "warmup": 1000}, continual={"sample": 3})
    first, again = place.train(), place.train()
    assert again.again
    assert again.findings == first.findings
    assert {"leak", "long-warmup", "rows-in-entry"} <= {finding.check for finding in first.findings}


def test_what_decides_no_result_decides_no_run(done):
    place, trained = done
    assert place.train(memory="64GB").again
    assert place.train(search={"lr": (1e-3, 1e-2)}).again
    assert place.train(memory="64GB").run == trained.run


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_peft_loads_the_export_and_comes_to_the_same_accuracy(done):
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    place, trained = done
    place.hub.export(trained.reference, place.folder / "exported")
    base = AutoModelForSequenceClassification.from_pretrained(place.folder / "tiny", num_labels=2)
    model = PeftModel.from_pretrained(base, str(place.folder / "exported")).eval()
    tokenizer = AutoTokenizer.from_pretrained(place.folder / "tiny")
    rows = read_file(place.folder / "test.csv", "test.csv").rows
    with torch.no_grad():
        said = model(**tokenizer([row["text"] for row in rows], padding=True, return_tensors="pt")).logits.argmax(1)
    right = sum(("poem", "prose")[one] == row["label"] for one, row in zip(said.tolist(), rows, strict=True))
    assert right / len(rows) == pytest.approx(trained.metrics["accuracy"])


def test_restarted_it_comes_to_the_same_digest(place):
    first = place.train()
    again = place.train(restart=True)
    assert not again.again
    assert again.digest == first.digest
    assert place.names == ["ada/topic@1"]


def test_elsewhere_on_this_machine_it_comes_to_the_same_digest(done, tmp_path):
    place, trained = done
    other = Workshop.of(tmp_path / "somewhere" / "else")
    shutil.rmtree(other.folder / "tiny")
    shutil.copytree(place.folder / "tiny", other.folder / "tiny")
    assert other.train().digest == trained.digest


def test_runs_of_other_seeds_are_measured_on_the_same_rows_unless_others_are_drawn(place):
    place.write(data={"validation": 0.2, "test": 0.2}, optim={"epochs": None, "steps": 1})
    first, other = (place.train(seed=seed).manifest.training for seed in (0, 1))
    assert (first["seed"], other["seed"]) == (0, 1)
    assert first["data"] == other["data"]
    assert place.train(data={"seed": 1}).manifest.training["data"]["test"]["rows"] != first["data"]["test"]["rows"]


def test_what_begins_is_told_in_a_line_and_where_it_goes_on(place):
    said = []
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(7),), checkpoint_every=3, tell=said.append)
    trained = place.train(tell=said.append)
    line = (
        f"training ada/topic: lora of rank 4 for text-classification, lr 0.02; 16 steps of 16 on cpu; log {trained.run}"
    )
    assert said == [f"{line}/log.jsonl", f"{line}/log.jsonl; continues after step 6"]


def test_a_removed_entry_is_trained_again(place):
    first = place.train()
    place.hub.remove(first.reference)
    again = place.train()
    assert not again.again
    assert (again.digest, again.reference) == (first.digest, "ada/topic@2")


def test_fields_as_a_mapping_with_changes_are_a_config_too(place, monkeypatch):
    monkeypatch.chdir(place.folder)
    trained = place.hub.train(place.fields, optim={"lr": 1e-2, "epochs": None, "steps": 2}, seed=5)
    config = trained.manifest.training["config"]
    assert (config["optim"]["lr"], config["optim"]["batch"], config["seed"]) == (1e-2, 16, 5)
    assert trained.steps == 2


def test_a_run_that_crashed_goes_on_where_it_was_to_the_same_bytes(place):
    whole = place.train(name="ada/whole")
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(7),), checkpoint_every=3)
    assert place.names == ["ada/whole@1"]
    watcher = Stopper(0)
    trained = place.train(watchers=(watcher,), checkpoint_every=3)
    assert watcher.steps == list(range(7, 17))
    assert trained.manifest.files == whole.manifest.files
    assert trained.digest == whole.digest


@pytest.mark.parametrize("changed", ["base", "data"])
def test_a_run_does_not_go_on_with_another_base_or_other_rows(place, changed):
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(4),), checkpoint_every=3)
    if changed == "base":
        from tests.train.tasks.builders import save_bert

        save_bert(place.folder / "tiny", num_hidden_layers=1)
    else:
        write_rows(place.folder / "train.csv", [("w1", "poem"), ("w21", "prose")] * 16)
    with pytest.raises(Conflict, match=changed) as refusal:
        place.train()
    assert "--restart" in refusal.value.hint
    assert place.train(restart=True, optim={"epochs": 4}).digest
    assert place.names == ["ada/topic@1"]


def test_a_run_does_not_go_on_from_the_state_of_another_config(place):
    states = []
    for rate in (0.01, 0.02):
        with pytest.raises(Stop):
            place.train(optim={"lr": rate}, watchers=(Stopper(4),), checkpoint_every=3)
        states += [one for one in place.hub.desk.store.layout.runs.glob("*/state.safetensors") if one not in states]
    first, second = states
    shutil.copy(first, second)
    with pytest.raises(Conflict, match="the config is not what it was at the checkpoint"):
        place.train(optim={"lr": 0.02})


class Twin(Stopper):
    """Starts the same run a second time while the first is under way."""

    def __init__(self, place):
        super().__init__(at=0)
        self.place, self.told = place, None

    def begin(self, event):
        """Try."""
        try:
            self.place.train()
        except Conflict as error:
            self.told = str(error)


def test_the_same_run_is_not_started_twice_at_once(place):
    twin = Twin(place)
    assert place.train(watchers=(twin,)).digest
    assert "another process" in twin.told
    assert place.names == ["ada/topic@1"]


def test_everything_trained_is_a_model_that_transformers_loads(place):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    place.write(adapter={"method": "full", "rank": 8}, optim={"lr": 5e-3})
    trained = place.train()
    assert (trained.manifest.kind, trained.facts.format) == ("model", "checkpoint")
    assert trained.metrics["accuracy"] > 0.8
    assert trained.manifest.base.weights_digest == place.hub.base_show(place.folder / "tiny").weights_digest
    folder = place.hub.path(trained.reference)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        said = [int(model(**tokenizer(text, return_tensors="pt")).logits.argmax()) for text in ("w1 w2 w3", "w30 w31")]
    assert [model.config.id2label[one] for one in said] == ["poem", "prose"]


def test_a_base_may_be_an_entry_and_a_whole_model_has_it_as_its_parent(place):
    base = place.hub.add(place.folder / "tiny", "ada/base")
    adapter = place.train(base="ada/base@1", name="ada/onto")
    assert adapter.manifest.base.weights_digest == place.hub.base_show("ada/base@1").weights_digest
    assert adapter.facts.base_name == "ada/base@1"
    place.write(adapter={"method": "full", "rank": 8}, optim={"steps": 2, "epochs": None})
    whole = place.train(base="ada/base@1", name="ada/whole@1")
    assert [parent.digest for parent in whole.manifest.parents] == [base.digest]
    assert place.train(base="ada/base@1", name="ada/whole@1", restart=True).digest == whole.digest


def test_a_run_goes_on_from_an_entry_that_becomes_its_parent(place):
    first = place.train()
    more = place.train(follows=first.reference, optim={"lr": 1e-3, "epochs": 1})
    assert [parent.digest for parent in more.manifest.parents] == [first.digest]
    assert more.reference == "ada/topic@2"
    assert more.metrics["loss"] < 1.1 * first.metrics["loss"], "it began with what was learned"


def test_nothing_is_left_in_the_temporary_folder(place, tmp_path, monkeypatch):
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(sys.modules["tempfile"], "tempdir", str(room))
    place.train(optim={"epochs": None, "steps": 1})
    assert list(room.iterdir()) == []
