"""Devices are picked by a word, and batches of any shape come there whole."""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
import torch

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.train.resources.device import describe, move, pick

META = torch.device("meta")


@pytest.fixture
def two_cards(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


def test_without_an_accelerator_it_is_the_processor(monkeypatch):
    for kind in ("cuda", "xpu", "mps"):
        monkeypatch.setattr(torch.get_device_module(kind), "device_count", lambda: 0)
    assert pick() == torch.device("cpu")


def test_every_process_takes_a_device_of_its_own(two_cards):
    assert [pick(process=i) for i in (0, 1)] == [torch.device("cuda:0"), torch.device("cuda:1")]
    assert pick("cuda", process=1) == torch.device("cuda:1")


def test_a_number_that_is_said_holds_for_every_process(two_cards):
    assert pick("cuda:0", process=1) == torch.device("cuda:0")


def test_all_processes_share_the_processor():
    assert pick("cpu", process=7) == torch.device("cpu")


def test_more_processes_than_devices_are_told_so(two_cards):
    with pytest.raises(NotFound, match=r"number 2 for process 2.*cuda:0, cuda:1, cpu"):
        pick("cuda", process=2)


def test_a_device_that_is_not_there_is_not_found(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.version, "cuda", None)
    with pytest.raises(NotFound, match="device cuda:1: there is none; this machine has") as refused:
        pick("cuda:1")
    assert "built without CUDA" in refused.value.hint


@pytest.mark.parametrize("word", ["gpu", "", "cuda:", "cuda:-1", "cuda:x", "CPU", "meta", "cuda:٣"])
def test_a_word_that_is_no_device_is_wrong_usage(word):
    with pytest.raises(WrongUsage, match="wanted cpu, cuda"):
        pick(word)


def test_the_processor_is_described_by_its_instructions():
    assert describe(torch.device("cpu")) == f"cpu {torch.backends.cpu.get_cpu_capability()}"


class Pair(NamedTuple):
    left: torch.Tensor
    right: torch.Tensor


@dataclass(frozen=True)
class Frozen:
    values: torch.Tensor
    mask: torch.Tensor = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "mask", self.values > 0)


def test_every_tensor_of_a_nested_batch_is_moved():
    one = torch.ones(2)
    batch = {"a": one, "b": [one, (one, "word")], "c": Pair(one, one), "d": Frozen(one), "e": None, "f": 3}
    moved = move(batch, META)
    assert moved["a"].device == moved["b"][0].device == moved["b"][1][0].device == META
    assert type(moved["c"]) is Pair
    assert moved["c"].right.device == moved["d"].values.device == moved["d"].mask.device == META
    assert (moved["b"][1][1], moved["e"], moved["f"]) == ("word", None, 3)


def test_what_was_given_stays_where_it_is():
    one = torch.ones(2)
    batch = {"a": one, "d": Frozen(one)}
    move(batch, META)
    assert batch["a"] is one
    assert batch["d"].values is one


@pytest.mark.parametrize("kind", [OrderedDict, lambda items: defaultdict(list, items)], ids=["ordered", "default"])
def test_a_mapping_keeps_its_kind(kind):
    batch = kind({"a": torch.ones(1)})
    moved = move(batch, META)
    assert type(moved) is type(batch)
    assert moved["a"].device == META


def test_the_answer_of_a_tokenizer_keeps_its_kind_and_stays_where_it_was():
    import transformers

    batch = transformers.BatchEncoding({"input_ids": torch.ones(1, 2)})
    moved = move(batch, META)
    assert type(moved) is transformers.BatchEncoding
    assert (moved["input_ids"].device, batch["input_ids"].device.type) == (META, "cpu")


def test_packed_sequences_move_by_themselves():
    packed = torch.nn.utils.rnn.pack_sequence([torch.ones(3, 1), torch.ones(2, 1)])
    assert move(packed, META).data.device == META
