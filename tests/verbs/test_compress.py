"""`compress`: what becomes of a model, what is said of it, and where it came from."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification

from adapterhub.errors import Conflict, DoesNotFit, NotFound, Refused, WrongUsage
from adapterhub.hub import Hub
from adapterhub.note import gather
from adapterhub.train.compress.int8 import torchao
from adapterhub.train.compress.masked import mask, merge
from adapterhub.train.tasks.opening import quiet
from tests.compose.builders import lora, saved, trained
from tests.train.tasks.builders import asked, learns, save_bert, table
from tests.train.tasks.test_image_classification import BRIGHT, save_vit

TEXTS = [f"w{i} w{(i * 7) % 20} w{(i * 3) % 20}" for i in range(20)] + [f"w{i} w{39 - i % 7}" for i in range(20, 40)]
ROWS = {"text": TEXTS, "label": ["low"] * 20 + ["high"] * 20}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny BERT that tells low words from high ones."""
    from adapterhub.train.tasks.table import prepare

    folder = save_bert(tmp_path_factory.mktemp("bert"))
    rows = table(ROWS)
    task = prepare(asked("text-classification", folder), folder, rows)
    torch.manual_seed(0)
    model = task.open(folder)
    learns(task, model, rows, steps=30, rate=5e-3)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def hub(tmp_path):
    return Hub.open(tmp_path / "store")


@pytest.fixture
def rows(tmp_path):
    """Rows in a file, and a config that says what they are."""
    lines = [f"{text},{label}" for text, label in zip(*ROWS.values(), strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    (tmp_path / "run.yaml").write_text(
        "base: ./base\nname: ada/x\ntask: text-classification\ndata: {train: rows.csv}\n"
    )
    return {"data": tmp_path / "rows.csv", "config": tmp_path / "run.yaml"}


def read(hub, name):
    torchao()
    with quiet():
        return AutoModelForSequenceClassification.from_pretrained(hub.path(name)).eval()


def weights(hub, name):
    return load_file(hub.path(name) / "model.safetensors")


def test_a_pruned_model_is_an_entry_with_its_lineage(hub, base):
    hub.add(base, "ada/bert")
    told = []
    made = hub.compress("ada/bert", "ada/sparse", prune=0.8, progress=lambda *step: told.append(step))
    assert (made.reference, made.manifest.kind) == ("ada/sparse@1", "model")
    assert made.manifest.recipe == {"method": "compress", "prune": 0.8, "per": "global"}
    assert [one.digest for one in made.manifest.parents] == [hub.show("ada/bert").digest]
    assert made.manifest.base.weights_digest == hub.base_show("ada/bert").weights_digest
    assert made.zeros == pytest.approx(0.8, abs=1e-4)
    assert 0 < made.relative_error < 1
    assert set(made.errors) == {name for name in weights(hub, "ada/sparse") if name in made.errors}
    assert max(made.errors.values()) >= made.relative_error
    assert told[-1][0] == told[-1][1]
    shown = hub.show("ada/sparse")
    assert shown.metrics == made.metrics
    assert shown.metrics["zeros"] == made.zeros
    log = gather(hub.desk.store.notes.about(hub.desk.store.resolve(hub.desk.reference("ada/sparse")).digest)).log
    assert log["compression.json"]["relative_error"] == made.errors
    tokenizer = {"tokenizer.json", "tokenizer_config.json"}
    assert tokenizer < {file.path for file in shown.manifest.files}, "what belongs to the model comes along"


def test_the_same_again_is_no_new_version(hub, base):
    first = hub.compress(base, "ada/small", prune=0.5, quantize="int8")
    assert hub.compress(base, "ada/small", prune=0.5, quantize="int8").digest == first.digest
    assert len(hub.list()) == 1


def test_eight_bits_are_worth_what_the_model_was(hub, base, rows):
    made = hub.compress(base, "ada/int8", quantize="int8", calibration="histogram-mse", **rows)
    assert made.before["accuracy"] > 0.95
    assert made.metrics["before_accuracy"] == made.before["accuracy"]
    assert abs(made.metrics["accuracy"] - made.before["accuracy"]) <= 0.01
    assert min(made.sqnr.values()) > 40
    assert made.bytes_after < made.bytes_before
    assert made.manifest.recipe["calibration"] == "histogram-mse"
    layer = read(hub, "ada/int8").bert.encoder.layer[0].intermediate.dense
    assert isinstance(layer.weight, torchao().Int8Tensor)


def test_a_vision_transformer_in_eight_bits_is_measured_though_its_names_on_disk_are_old(hub, tmp_path):
    base = save_vit(tmp_path / "vit", num_labels=2)
    np.savez(tmp_path / "test.npz", image=np.stack(BRIGHT), label=[f"LABEL_{i % 2}" for i in range(6)])
    (tmp_path / "run.yaml").write_text(
        "base: ./vit\nname: ada/x\ntask: image-classification\ndata: {train: test.npz}\n"
    )
    asked_of = {"data": tmp_path / "test.npz", "config": tmp_path / "run.yaml"}
    made = hub.compress(base, "ada/vit8", quantize="int8", inputs=tmp_path / "test.npz", **asked_of)
    assert made.metrics["loss"] == pytest.approx(made.before["loss"], rel=1e-2)
    assert "vit.encoder.layer.0.attention.attention.key._weight_qdata" in weights(hub, "ada/vit8")


def test_activations_are_calibrated_on_rows(hub, base, rows):
    made = hub.compress(base, "ada/static", quantize="int8", calibration="percentile", inputs=rows["data"], **rows)
    assert abs(made.metrics["accuracy"] - made.before["accuracy"]) <= 0.05
    scales = json.loads((hub.path("ada/static") / "config.json").read_text())["activation_scales"]
    assert scales["bert.encoder.layer.0.attention.self.query"][1] == 3
    assert made.manifest.recipe["inputs"].startswith("sha256:")
    assert made.digest != hub.compress(base, "ada/weights", quantize="int8", calibration="percentile").digest


def test_an_adapter_trained_under_the_mask_becomes_the_weights_it_was_trained_as(hub, base, tmp_path):
    hub.compress(base, "ada/sparse", prune=0.7)
    model = trained(read(hub, "ada/sparse"), lora("bert", target_modules=["query", "output.dense"]))
    mask(model)
    saved(model, tmp_path / "run")
    hub.add(tmp_path / "run", "ada/recovery", base="ada/sparse")
    made = hub.compress("ada/sparse", "ada/recovered", adapter="ada/recovery")
    tokens = torch.arange(6)[None]
    with torch.no_grad():
        wanted = model(input_ids=tokens).logits
        assert torch.allclose(read(hub, "ada/recovered")(tokens).logits, wanted, atol=1e-4)
        merge(model)
    assert made.zeros == hub.show("ada/sparse").metrics["zeros"]
    before, after = weights(hub, "ada/sparse"), weights(hub, "ada/recovered")
    assert all(torch.equal(after[name] == 0, before[name] == 0) for name in made.errors)
    digests = [hub.show(f"ada/{name}").digest for name in ("sparse", "recovery")]
    assert [one.digest for one in made.manifest.parents] == digests


RECOVERY = """\
base: ./anything
name: ada/anything
task: text-classification
data: {train: rows.csv}
adapter: {method: lora, rank: 4, targets: [query, value, dense]}
optim: {lr: 1e-2, batch: 20, steps: 20, micro_batch: 20, schedule: constant}
"""


def test_what_pruning_took_is_trained_back_under_the_mask(hub, base, rows, tmp_path):
    (tmp_path / "recovery.yaml").write_text(RECOVERY)
    pruned = hub.compress(base, "ada/pruned", prune=0.98, **rows)
    made = hub.compress(base, "ada/small", prune=0.98, recover=tmp_path / "recovery.yaml", data=rows["data"])
    assert made.metrics["loss"] < pruned.metrics["loss"]
    assert made.zeros == pruned.zeros
    before, after = weights(hub, "ada/pruned"), weights(hub, "ada/small")
    assert all(torch.equal(after[name] == 0, before[name] == 0) for name in made.errors)
    assert made.manifest.training["config"]["adapter"]["targets"] == ["query", "value", "dense"]
    assert made.cost["trainable_parameters"] > 0
    assert str(tmp_path) not in made.manifest.to_bytes().decode()
    again = hub.compress(base, "ada/small", prune=0.98, recover=tmp_path / "recovery.yaml")
    assert again.digest == made.digest
    smaller = hub.compress("ada/small", "ada/smaller", quantize="int8", data=rows["data"])
    assert "accuracy" in smaller.metrics, "the task is known from what the model was made of"


def test_a_head_that_is_drawn_is_not_measured_and_one_that_is_trained_comes_along(hub, rows, tmp_path):
    bare = save_bert(tmp_path / "bare")
    made = hub.compress(bare, "ada/bare", prune=0.5, **rows)
    assert made.before == {}
    assert "accuracy" not in made.metrics
    assert [one.check for one in made.findings if one.severity == "warning"] == ["not-measured"]
    (tmp_path / "recovery.yaml").write_text(RECOVERY)
    made = hub.compress(bare, "ada/trained", prune=0.5, recover=tmp_path / "recovery.yaml", data=rows["data"])
    assert made.metrics["accuracy"] > 0.9
    config = json.loads((hub.path("ada/trained") / "config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert config["id2label"] == {"0": "high", "1": "low"}
    assert read(hub, "ada/trained").config.label2id == {"high": 0, "low": 1}


OWN = """
import math

from adapterhub.train.tasks.table import prepare


def make(config, base, train):
    return Mine(prepare(config.model_copy(update={"task": "text-classification"}), base, train))


class Mine:
    metric = "accuracy"

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def measure(self, answers, examples):
        return {**self.inner.measure(answers, examples), "auc": math.nan}
"""


def test_a_metric_that_is_no_number_is_told_and_left_out_and_the_model_is_there(hub, base, rows, tmp_path, monkeypatch):
    (tmp_path / "compressed_task.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    rows["config"].write_text(rows["config"].read_text().replace("text-classification", "compressed_task:make"))
    made = hub.compress(base, "ada/own", prune=0.5, **rows)
    assert {"accuracy", "before_accuracy"} <= made.metrics.keys()
    assert "accuracy" in made.before
    assert not {"auc", "before_auc"} & {*made.metrics, *made.before}
    odd = [one for one in made.findings if one.check == "no-number"]
    assert {one.place for one in odd} == {"auc", "before_auc"}
    assert odd[0].message == "is nan on these rows, and not in the entry"


@pytest.mark.parametrize("adapter", ["{method: dora}", "{init: pissa}", "{quantize: int8}"])
def test_an_adapter_that_cannot_be_masked_is_refused_before_anything_runs(hub, base, tmp_path, rows, adapter):
    (tmp_path / "recovery.yaml").write_text(f"{(tmp_path / 'run.yaml').read_text()}adapter: {adapter}\n")
    with pytest.raises(WrongUsage, match="plain LoRA on the weights as they are"):
        hub.compress(base, "ada/x", prune=0.5, recover=tmp_path / "recovery.yaml")


def test_all_stages_in_one(hub, base, rows):
    made = hub.compress(base, "ada/both", prune=0.3, per="layer", quantize="int8", keep=("*.pooler.*",), **rows)
    assert not any("pooler" in name for name in made.errors)
    assert made.zeros == pytest.approx(0.3, abs=1e-3)
    assert made.manifest.recipe == {
        "method": "compress",
        "prune": 0.3,
        "per": "layer",
        "quantize": "int8",
        "calibration": "minmax",
        "keep": ["*.pooler.*"],
    }
    assert type(read(hub, "ada/both").bert.pooler.dense.weight) is torch.nn.Parameter


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "nothing is to be done"),
        ({"prune": 1.5}, "at least 0 and below 1"),
        ({"quantize": "int4"}, "only int8"),
        ({"prune": 0.5, "calibration": "minmax"}, "for weights in eight bits"),
        ({"quantize": "int8", "calibration": "median"}, "no calibration is called 'median'"),
        ({"prune": 0.5, "per": "row"}, "wanted global or layer"),
    ],
)
def test_words_that_make_no_sense_are_refused(hub, base, how, message):
    with pytest.raises(WrongUsage, match=message):
        hub.compress(base, "ada/x", **how)
    assert hub.list() == []


def test_nothing_is_published_where_something_is_wrong(hub, base, rows, tmp_path):
    hub.compress(base, "ada/int8@1", quantize="int8")
    with pytest.raises(Refused, match="quantised already"):
        hub.compress("ada/int8", "ada/again", prune=0.5)
    with pytest.raises(NotFound):
        hub.compress("ada/none", "ada/x", prune=0.5)
    with pytest.raises(WrongUsage, match="nothing says what task"):
        hub.compress(base, "ada/x", prune=0.5, data=rows["data"])
    with pytest.raises(Conflict):
        hub.compress(base, "ada/int8@1", prune=0.5)
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    with pytest.raises(WrongUsage, match="'text'"):
        hub.compress(base, "ada/x", prune=0.5, data=tmp_path / "bad.csv", config=rows["config"])
    assert [str(one.reference) for one in hub.list()] == ["ada/int8@1"]


def test_an_adapter_is_no_model(hub, base, tmp_path):
    hub.add(saved(trained(read_base(base), lora("bert")), tmp_path / "run"), "ada/poet")
    with pytest.raises(DoesNotFit, match="kind adapter"):
        hub.compress("ada/poet", "ada/x", prune=0.5)


def read_base(base):
    with quiet():
        return AutoModelForSequenceClassification.from_pretrained(base)
