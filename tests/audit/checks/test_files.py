"""What lies beside the weights."""

import pytest

from adapterhub.audit.fit import fit
from tests.audit.builders import adapter, card


@pytest.mark.parametrize(
    ("names", "severity"),
    [
        (("training_args.bin", "optimizer.pt"), "info"),
        (("adapter_model.bin", "training_args.bin"), "warning"),
    ],
)
def test_pickles_are_named_and_second_weights_are_worse(names, severity):
    (found,) = fit(adapter(files=("adapter_model.safetensors", *names)), card()).findings
    assert (found.check, found.severity, found.place) == ("pickle-beside", severity, ", ".join(sorted(names)))


def test_other_files_are_no_finding():
    assert fit(adapter(files=("README.md", "tokenizer.json", "adapter_model.safetensors")), card()).findings == ()
