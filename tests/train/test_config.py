"""What a person may write, and what is told of what may not be."""

import pytest
from pydantic import ValidationError

from adapterhub.train.config import DataConfig, OptimConfig, TrainConfig

LEAST = {"base": "./b", "name": "a/b", "task": "causal-lm", "data": {"train": "rows.csv"}}


def test_a_part_of_the_rows_is_a_file_or_a_share():
    assert DataConfig(train="a.csv", validation="b.csv").validation == "b.csv"
    assert DataConfig(train="a.csv", validation="1e-1").validation == 0.1
    with pytest.raises(ValidationError, match=r"1 validation error for DataConfig[\s\S]*between 0 and 1"):
        DataConfig(train="a.csv", validation=1.5)


def test_a_moment_that_never_forgets_is_none():
    with pytest.raises(ValidationError, match="less than 1"):
        OptimConfig(betas=(0.9, 1.0))


def test_memory_without_a_unit_is_bytes():
    assert TrainConfig.model_validate({**LEAST, "memory": 2_000_000_000}).memory == "2000000000"
