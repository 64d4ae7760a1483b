"""What a manifest says of a training, taken up again."""

import pytest

from adapterhub.errors import Refused
from adapterhub.verbs.trained import config_in

TRAINING = {"config": {"task": "text-classification", "data": {"train": "sha256:ab"}}}


def test_the_config_of_a_manifest_is_over_a_base_that_is_here():
    config = config_in(TRAINING, "./here")
    assert (config.base, config.task) == ("./here", "text-classification")


@pytest.mark.parametrize(
    ("fields", "told"),
    [({"adapter": {"rank": 10**6}}, "adapter.rank: .*, got 1000000"), ({"newer": 1}, "newer: Extra inputs .*, got 1")],
)
def test_a_config_this_version_cannot_read_is_refused_with_its_field(fields, told):
    with pytest.raises(Refused, match=rf"cannot be read by this version: {told}$") as refusal:
        config_in({"config": {**TRAINING["config"], **fields}}, "./here")
    assert "--config" in refusal.value.hint


def test_code_that_an_entry_names_is_not_run():
    with pytest.raises(Refused, match="mine:task"):
        config_in({"config": {**TRAINING["config"], "task": "mine:task"}}, "./here")
