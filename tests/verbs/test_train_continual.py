"""`train --continue`: what an entry keeps, what the next run makes of it, and what is forgotten on the way."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from adapterhub.errors import BadReference, Conflict, DoesNotFit, WrongUsage
from adapterhub.formats.continued import FILES, FISHER, OPTIMIZER, REPLAY
from adapterhub.hub import Hub
from tests.train.tasks.builders import save_bert
from tests.verbs.continued import Killed, config, furnished, rows_to_test

pytestmark = pytest.mark.filterwarnings("ignore")  # what torchao and peft say of builds and transformers


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return furnished(tmp_path_factory.mktemp("continual"))


@pytest.fixture(scope="module")
def learned(place):
    """A hub with the first task learned, everything kept, and the second learned behind it in four ways."""
    hub = Hub.open(place / "store")
    kept = {"sample": 32, "ewc": 1.0}
    hub.train(config(place, "a", "ada/first", continual=kept, keep_optimizer=True))
    for name, asked in WAYS.items():
        hub.train(config(place, "b", f"ada/{name}", continual=asked), follows="ada/first@1")
    return hub


WAYS = {"plain": {}, "replay": {"replay": 0.5, "sample": 20}, "ewc": {"ewc": 1e7}, "olora": {"olora": 0.01}}


def kept(hub, word, name):
    return hub.path(word) / name


def training(hub, word):
    return hub.desk.find(word)[1].manifest.training


def lost(hub, place, name):
    return hub.forgetting(f"ada/{name}", rows_to_test(place), ancestors=True).forgetting.forgetting


def test_the_entry_that_is_followed_is_the_parent(learned):
    first = learned.show("ada/first@1").digest
    for name in WAYS:
        manifest = learned.desk.find(f"ada/{name}")[1].manifest
        assert [parent.digest for parent in manifest.parents] == [first]


def test_plain_continuing_forgets_and_replay_hardly(learned, place):
    plain, replay = lost(learned, place, "plain"), lost(learned, place, "replay")
    assert plain > 0.2
    assert replay < plain / 3


def test_a_fresh_adapter_beside_the_old_one_forgets_less(learned, place):
    assert lost(learned, place, "olora") < lost(learned, place, "plain") / 2


def test_consolidation_moves_little_what_the_first_task_needed(learned, place):
    fisher = load_file(kept(learned, "ada/first", FISHER))
    begun = load_file(kept(learned, "ada/first", "adapter_model.safetensors"))

    def moved(name):
        now = load_file(kept(learned, f"ada/{name}", "adapter_model.safetensors"))
        found = 0.0
        for name, square in fisher.items():
            key = f"base_model.model.{name.replace('.default', '').replace('.modules_to_save', '')}"
            found += (square * (now[key] - begun[key]).square()).sum().item()
        return found

    assert 0 < moved("ewc") < moved("plain") / 4
    assert lost(learned, place, "ewc") <= lost(learned, place, "plain")


def test_what_olora_publishes_is_the_exact_sum_of_both(learned, place):
    assert learned.show("ada/olora").facts.rank == 8
    old, both = (load_file(kept(learned, word, "adapter_model.safetensors")) for word in ("ada/first", "ada/olora"))
    first = next(name for name in old if name.endswith("_A.weight"))
    assert torch.equal(both[first][:4], old[first])


def test_pefts_own_loader_takes_a_folder_with_all_that_is_kept(learned, place, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    learned.export("ada/first", tmp_path / "out")
    assert {*FILES} <= {path.name for path in (tmp_path / "out").iterdir()}
    base = AutoModelForSequenceClassification.from_pretrained(place / "base", num_labels=2)
    assert PeftModel.from_pretrained(base, str(tmp_path / "out")).peft_config["default"].r == 4
    again = learned.add(tmp_path / "out", "ada/again")
    assert {*FILES} <= {file.path for file in learned.desk.find(again.reference)[1].manifest.files}
    assert again.facts == learned.show("ada/first").facts


def test_in_normal_form_the_factors_are_others_and_what_is_kept_of_them_stays_behind(learned, tmp_path):
    learned.export("ada/first", tmp_path / "out", normal_form=True)
    assert not {path.name for path in (tmp_path / "out").iterdir()} & {*FILES}


def test_an_audit_looks_past_what_is_kept(learned, place):
    kept, plain = (learned.audit(f"ada/{name}", place / "base") for name in ("first", "plain"))
    assert kept[0].verdict == "exact"
    assert kept[0].findings == plain[0].findings


def test_rows_that_are_kept_can_be_read_and_that_is_told(place, tmp_path):
    hub = Hub.open(tmp_path)
    made = hub.train(config(place, "a", "ada/told", continual={"sample": 5}, optim={"steps": 1}))
    assert [(one.place, one.severity) for one in made.findings if one.check == "rows-in-entry"] == [(REPLAY, "info")]
    rows = [json.loads(line)["row"] for line in kept(hub, "ada/told", REPLAY).read_text().splitlines()]
    assert len(rows) == 5
    assert all(row.keys() == {"text", "label"} for row in rows)


def test_rows_of_all_tasks_so_far_are_kept(learned):
    lines = kept(learned, "ada/replay", REPLAY).read_text().splitlines()
    assert [json.loads(line)["task"] for line in lines] == [0] * 10 + [1] * 10


def test_the_manifest_records_the_rows_that_were_learned_again(learned):
    plain, replay = (training(learned, f"ada/{name}")["data"] for name in ("plain", "replay"))
    assert plain["train"]["count"] == 128
    assert replay["train"]["count"] == 192
    assert plain["train"]["file"] == replay["train"]["file"]
    assert plain["train"]["rows"] != replay["train"]["rows"]
    assert plain["test"] == replay["test"]


def test_nothing_is_kept_that_nobody_asked_for(learned):
    files = {file.path for file in learned.desk.find("ada/plain")[1].manifest.files}
    assert not files & {*FILES}


def test_the_steps_of_the_optimiser_go_on(learned, place):
    name = "ada/longer"
    learned.train(config(place, "a", name, keep_optimizer=True, optim={"steps": 7}), follows="ada/first@1")
    before, after = (load_file(kept(learned, word, OPTIMIZER)) for word in ("ada/first", name))
    steps = {key: value.item() for key, value in after.items() if key.startswith("step/")}
    assert set(steps.values()) == {67.0}
    assert before.keys() == after.keys()


def test_consolidation_adds_what_each_task_needed(learned, place):
    one, two = (load_file(kept(learned, word, FISHER)) for word in ("ada/first", "ada/ewc"))
    assert one.keys() == two.keys()
    assert all((two[name] >= one[name]).all() for name in one)
    assert any((two[name] > one[name]).any() for name in one)


@pytest.mark.parametrize("way", ["replay", "ewc", "olora"])
def test_a_run_that_was_killed_has_the_same_bytes(learned, place, tmp_path, way):
    learned.export("ada/first@1", tmp_path / "first")
    files = []
    for cut in (False, True):
        hub = Hub.open(tmp_path / f"store-{cut}")
        hub.add(tmp_path / "first", "ada/first")
        asked = config(place, "b", "ada/next", continual={"sample": 8, **WAYS[way]}, optim={"steps": 9})
        how = {"follows": "ada/first", "checkpoint_every": 2}
        if cut:
            with pytest.raises(KeyboardInterrupt):
                hub.train(asked, **how, watchers=[Killed()])
        hub.train(asked, **how)
        files.append(hub.desk.find("ada/next")[1].manifest.files)
    assert files[0] == files[1]


def test_a_parent_that_moved_on_since_the_checkpoint_is_told(learned, place, tmp_path):
    learned.export("ada/first@1", tmp_path / "first")
    hub = Hub.open(tmp_path / "store")
    hub.add(tmp_path / "first", "ada/first@1")
    asked = config(place, "b", "ada/next", optim={"steps": 9})
    with pytest.raises(KeyboardInterrupt):
        hub.train(asked, follows="ada/first", checkpoint_every=2, watchers=[Killed()])
    learned.export("ada/plain", tmp_path / "plain")
    hub.add(tmp_path / "plain", "ada/first@2")
    with pytest.raises(Conflict, match="the earlier is not what it was at the checkpoint"):
        hub.train(asked, follows="ada/first", checkpoint_every=2)


@pytest.mark.parametrize(("fields", "error", "told"), [
    ({"adapter": {"rank": 8}}, DoesNotFit, "lora_alpha is 8, and the config makes 16"),
    ({"adapter": {"rank": 8, "alpha": 8}}, DoesNotFit, "is 4×32, and the config makes 8×32, and .. more"),
    ({"adapter": {"rank": 4, "targets": ["query"]}}, DoesNotFit, "is in one only of the adapter"),
    ({"adapter": {"rank": 8, "method": "dora"}}, DoesNotFit, "it goes on as lora, and the config's .* is dora"),
    ({"adapter": {"rank": 4, "heads": ["bert.pooler", "classifier"]}}, DoesNotFit, "pooler.* is in one only of the ad"),
    ({"adapter": {"method": "full"}}, DoesNotFit, "goes on from a model, not from an adapter"),
    ({"adapter": {"rank": 4, "init": "pissa"}}, WrongUsage, "pissa changes the frozen weights"),
    ({"data": {"labels": ["y", "z"]}}, DoesNotFit, "data.labels are y, z, and it was trained for x, y"),
    ({"continual": {"olora": 1.0, "ewc": 1.0}}, WrongUsage, "continual.ewc: with continual.olora a fresh adapter"),
    ({"continual": {"olora": 1.0}, "adapter": {"method": "dora"}}, WrongUsage, "dora does not add up"),
], ids=["alpha", "rank", "targets", "method", "heads", "full", "init", "labels", "both", "olora-dora"])  # fmt: skip
def test_what_does_not_go_on_is_told(learned, place, fields, error, told):
    with pytest.raises(error, match=told):
        learned.train(config(place, "b", "ada/odd", **fields), follows="ada/first@1")


@pytest.mark.parametrize(("asked", "told"), [
    ({"replay": 0.5}, "the earlier version kept no rows"),
    ({"ewc": 1.0}, r"ada/plain@1 does not hold what its task needed \(continual.safetensors\)"),
], ids=["replay", "ewc"])  # fmt: skip
def test_what_a_parent_did_not_keep_is_told(learned, place, asked, told):
    with pytest.raises(WrongUsage, match=told) as caught:
        learned.train(config(place, "b", "ada/odd", continual=asked), follows="ada/plain")
    assert f"continual.{'sample' if 'replay' in asked else 'ewc'}" in caught.value.hint


def test_a_label_no_earlier_task_had_is_told_with_its_row(learned, place, tmp_path):
    (tmp_path / "c.csv").write_text("text,label\nw1 w2,x\nw3 w4,y\nw5 w6,z\n")
    with pytest.raises(WrongUsage, match=r"c.csv, line 4: the label 'z' .* is not known; known are x, y"):
        learned.train(config(place, "b", "ada/odd", data={"train": str(tmp_path / "c.csv")}), follows="ada/first@1")


def test_a_whole_model_keeps_nothing_for_later(place, tmp_path):
    asked = config(place, "a", "ada/full", adapter={"method": "full"}, keep_optimizer=True)
    with pytest.raises(WrongUsage, match="keep_optimizer: only an adapter is trained on by --continue"):
        Hub.open(tmp_path).train(asked)


def test_going_on_over_another_base_is_told_and_a_sum_of_two_bases_refused(learned, place, tmp_path):
    other = shutil.copytree(place / "base", tmp_path / "other")
    tensors = load_file(other / "model.safetensors")
    save_file({name: 1.01 * tensor for name, tensor in tensors.items()}, other / "model.safetensors", {"format": "pt"})
    asked = {**config(place, "b", "ada/elsewhere"), "base": str(other)}
    assert "other-base" in [finding.check for finding in learned.train(asked, follows="ada/first@1").findings]
    with pytest.raises(DoesNotFit, match="was trained on weights sha256:"):
        learned.train({**asked, "continual": {"olora": 0.1}}, follows="ada/first@1")


def test_a_base_of_another_width_is_told_in_a_line(learned, place, tmp_path):
    save_bert(tmp_path / "wide", hidden_size=64)
    with pytest.raises(
        DoesNotFit, match=r"^--continue ada/first@1: its base_model\.\S+ is \S+, and the config makes"
    ) as told:
        learned.train({**config(place, "b", "ada/wide"), "base": str(tmp_path / "wide")}, follows="ada/first@1")
    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 200


def test_an_empty_word_is_no_entry_to_go_on_from(learned, place):
    with pytest.raises(BadReference):
        learned.train(config(place, "b", "ada/nothing"), follows="")


def test_an_a_that_was_frozen_is_not_trained_and_the_other_way_round(learned, place):
    learned.train(config(place, "a", "ada/frozen", adapter={"rank": 4, "method": "frozen-a"}, optim={"steps": 2}))
    for name, method in (("frozen", "lora"), ("first", "frozen-a")):
        asked = config(place, "b", "ada/other", adapter={"rank": 4, "method": method})
        with pytest.raises(
            DoesNotFit, match=r"it goes on as (\S+), and the config's adapter.method is (?!\1)"
        ) as refusal:
            learned.train(asked, follows=f"ada/{name}@1")
        assert "the same method" in refusal.value.hint


def test_what_adalora_wrote_goes_on_as_lora_of_its_ranks(learned, place):
    adapter = {"rank": 4, "method": "adalora"}
    learned.train(config(place, "a", "ada/spread", adapter=adapter, optim={"steps": 12}))
    with pytest.raises(DoesNotFit, match=r"it goes on as lora, and the config's adapter\.method is adalora"):
        learned.train(config(place, "b", "ada/other", adapter=adapter), follows="ada/spread@1")


def test_the_scale_of_another_rank_is_told_with_the_alpha_to_give(learned, place):
    with pytest.raises(DoesNotFit, match="lora_alpha is 8, and the config makes 16") as told:
        learned.train(config(place, "b", "ada/scaled", adapter={"rank": 8}), follows="ada/first@1")
    assert told.value.hint == "adapter.alpha: 8"
