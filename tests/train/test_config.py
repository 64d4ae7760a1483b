"""What a person may write, and what is told of what may not be."""

from datetime import date

import pytest
from pydantic import ValidationError

from adapterhub.train.config import DataConfig, OptimConfig, TrainConfig

LEAST = {"base": "./b", "name": "a/b", "task": "causal-lm", "data": {"train": "rows.csv"}}


def test_a_part_of_the_rows_is_a_file_or_a_share():
    assert DataConfig(train="a.csv", validation="b.csv").validation == "b.csv"
    assert DataConfig(train="a.csv", validation="1e-1").validation == 0.1
    assert DataConfig(train="a.csv", validation=0).validation == 0
    assert DataConfig(train="a.csv", validation=None).validation is None


def test_a_moment_that_never_forgets_is_none():
    with pytest.raises(ValidationError, match="less than 1"):
        OptimConfig(betas=(0.9, 1.0))


def test_memory_without_a_unit_is_bytes():
    assert TrainConfig.model_validate({**LEAST, "memory": 2_000_000_000}).memory == "2000000000"


def refused(**fields):
    """The places at which a config with these fields is refused, and the words."""
    with pytest.raises(ValidationError) as refusal:
        TrainConfig.model_validate({**LEAST, **fields})
    return [(".".join(map(str, one["loc"])), one["msg"]) for one in refusal.value.errors()]


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("optim", "lr", 1e300),
        ("optim", "lora_plus", 1e300),
        ("optim", "weight_decay", 1e300),
        ("optim", "epochs", 1e300),
        ("optim", "steps", 10**30),
        ("adapter", "rank", 10**9),
        ("adapter", "alpha", 1e300),
        ("search", "rank", [10**9]),
    ],
)
def test_a_number_that_nothing_can_compute_with_is_none(part, field, value):
    ((place, said),) = refused(**{part: {field: value}})
    assert place.startswith(f"{part}.{field}")
    assert "less than" in said


@pytest.mark.parametrize("field", ["lr", "batch", "epochs", "warmup"])
def test_yes_is_no_number(field):
    assert refused(optim={field: True}) == [(f"optim.{field}", "Value error, a number is wanted")]


@pytest.mark.parametrize("value", [True, "", 1.5, -1, [0.1], "nan"])
def test_what_is_no_part_of_the_rows_is_told_in_one_way(value):
    assert refused(data={"train": "a.csv", "validation": value}) == [
        ("data.validation", "Value error, a file is wanted, or a share of the rows between 0 and 1")
    ]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"adapter": {"targets": []}}, "adapter.targets"),
        ({"adapter": {"targets": ""}}, "adapter.targets"),
        ({"adapter": {"targets": ["query", ""]}}, "adapter.targets"),
        ({"adapter": {"heads": [""]}}, "adapter.heads.0"),
        ({"data": {"train": ""}}, "data.train"),
        ({"data": {"train": "a.csv", "test": ""}}, "data.test"),
        ({"data": {"train": "a.csv", "labels": []}}, "data.labels"),
        ({"base": ""}, "base"),
    ],
)
def test_a_name_of_nothing_is_told_once_and_where_it_stands(fields, place):
    ((where, _),) = refused(**fields)
    assert where == place


@pytest.mark.parametrize("odd", [b"bytes", date(2020, 1, 1), {"one", "two"}, float("nan")])
def test_options_are_what_json_can_hold(odd):
    ((place, _),) = refused(task_options={"deep": [odd]})
    assert place == "task_options"
