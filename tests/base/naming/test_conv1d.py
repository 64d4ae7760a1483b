"""Which modules lie turned, as the classes of transformers say."""

import transformers

from adapterhub.base.naming.conv1d import transposed
from tests.base.models import GPT2


def test_conv1d_is_told_by_type_and_leaf():
    model = transformers.GPT2ForSequenceClassification(transformers.GPT2Config(**GPT2))
    for name, module in model.named_modules():
        if type(module).__name__ in ("Linear", "Conv1D"):
            assert transposed(name, "gpt2") == (type(module).__name__ == "Conv1D")
    assert not transposed("h.0.attn.c_attn", "llama")
