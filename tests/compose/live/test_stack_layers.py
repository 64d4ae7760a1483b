"""Which modules can carry what; the rest is refused with its reason before anything is attached."""

import peft
import pytest
import torch
import transformers
from torch import nn
from torch.nn import functional as F

from adapterhub.compose.live.products import again
from adapterhub.compose.live.stack import stack
from adapterhub.errors import DoesNotFit
from adapterhub.lora.adapter import Adapter, Gain, Rows
from adapterhub.lora.delta import Delta, Form
from adapterhub.lora.load import load
from tests.compose.builders import quiet, saved
from tests.compose.live.test_stack import close, of
from tests.lora.builders import delta, entry_of

CONVS = [
    (nn.Conv1d, (3,), {}),
    (nn.Conv2d, (3, 2), {"stride": 2, "padding": 1}),
    (nn.Conv2d, (3, 3), {"padding": "same", "dilation": 2, "bias": False}),
    (nn.Conv3d, (1, 2, 2), {}),
]


def conv_delta(out, channels, kernel, rank=2):
    torch.manual_seed(3)
    size = channels * torch.Size(kernel).numel()
    return Delta(torch.randn(rank, size), torch.randn(out, rank), 0.5, Form("conv", kernel))


@pytest.mark.parametrize(("kind", "kernel", "options"), CONVS)
@torch.no_grad()
def test_a_convolution_is_changed_as_its_kernel_would_be(kind, kernel, options):
    model, change = kind(4, 6, kernel, **options).double(), conv_delta(6, 4, kernel)
    x = torch.randn(2, 4, *(7,) * len(kernel)).double()
    m, own = torch.rand(6).double(), model.weight.clone()
    dense = change.dense().double().view_as(own)
    for weight in (1.0, 0.3):
        with stack(model, [("a", of(change), weight)]):
            got, alone = model(x), model(x[0])
        with stack(model, [("a", Adapter({"": change}, magnitudes={"": m}), weight)]):
            scaled = model(x)
        model.weight.copy_(own + weight * dense)
        assert close(got, model(x), 1e-6)
        assert close(alone, got[0], 1e-9)
        lengths = (own + dense).flatten(1).norm(dim=1)
        c = (m / lengths).view(-1, *(1,) * (own.ndim - 1))
        model.weight.copy_(own + weight * (c * (own + dense) - own))
        assert close(scaled, model(x), 1e-6)
        model.weight.copy_(own)


@torch.no_grad()
def test_the_change_of_a_grouped_convolution_reads_all_channels():
    model, change, x = nn.Conv1d(4, 6, 3, groups=2), conv_delta(6, 4, (3,)), torch.randn(2, 4, 9)
    plain = model(x)
    with stack(model, [("a", of(change), 1.0)]):
        assert close(model(x), plain + F.conv1d(x, change.dense().view(6, 4, 3)))


@torch.no_grad()
def test_a_scaled_embedding_scales_the_change_as_peft_does(tmp_path):
    """Gemma multiplies what it looks up; the model's head shares the embedding."""
    sizes = {"num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8}
    config = transformers.Gemma3TextConfig(hidden_size=16, intermediate_size=24, vocab_size=32, pad_token_id=0, **sizes)
    ids = torch.randint(1, 32, (2, 5))

    def base():
        torch.manual_seed(0)
        return transformers.Gemma3ForCausalLM(config).eval()

    for n, fields in enumerate(({"target_modules": ["embed_tokens"]}, {"trainable_token_indices": [3, 4]})):
        for dora in (False, True):
            with quiet():
                lora = peft.LoraConfig(**{"target_modules": ["q_proj"], "use_dora": dora, **fields})
                theirs = peft.get_peft_model(base(), lora).eval()
            for parameter in theirs.parameters():
                if parameter.requires_grad:
                    nn.init.normal_(parameter, std=0.3)
            folder = saved(theirs, tmp_path / f"{n}{dora}")
            model = base()
            with stack(model, [("a", load(entry_of(folder)), 1.0)]):
                assert close(model(input_ids=ids).logits, theirs(input_ids=ids).logits, 1e-4)


class Packed(nn.Linear):
    """A Linear as quantisation libraries make it: bytes for a weight, a forward of its own."""

    def __init__(self, into, out):
        super().__init__(into, out)
        self.scale = self.weight.detach().abs().max() / 127
        self.weight = nn.Parameter((self.weight.detach() / self.scale).round().to(torch.int8), requires_grad=False)

    def forward(self, x):
        return F.linear(x, self.weight.to(x.dtype) * self.scale.to(x.dtype), self.bias.to(x.dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.no_grad()
def test_a_quantised_linear_is_changed_through_its_own_forward(dtype):
    model, x, low = Packed(5, 6), torch.randn(4, 5).to(dtype), delta()
    W = model.weight * model.scale
    parts = [("low", of(low), 0.5), ("in", Adapter(gains={"": Gain(torch.full((5,), 2.0), "in")}), 1.0)]
    with stack(model, parts):
        got = model(x)
    assert got.dtype == dtype
    wanted = F.linear(x.float(), 2 * W + 0.5 * low.dense(), model.bias)
    assert close(got.float(), wanted, 1e-5 if dtype == torch.float32 else 0.1)


@pytest.mark.parametrize("turned", [False, True])
@torch.no_grad()
def test_an_offloaded_weight_is_changed_at_the_output(turned):
    """Accelerate keeps a weight on the device meta and brings it for the forward alone."""
    model = transformers.pytorch_utils.Conv1D(6, 5) if turned else nn.Linear(5, 6)
    x, low, weight = torch.randn(4, 5), delta(), model.weight
    with stack(model, [("a", of(low), 1.0)]):
        wanted = model(x)
    forward = model.forward

    def borrowed(x):
        model._parameters["weight"] = weight
        try:
            return forward(x)
        finally:
            model._parameters["weight"] = nn.Parameter(weight.to("meta"), requires_grad=False)

    model.forward = borrowed
    model(x)
    with stack(model, [("a", of(low), 1.0)]):
        assert close(model(x), wanted)


@torch.no_grad()
def test_torchs_fast_path_does_not_pass_the_adapters_by():
    torch.manual_seed(0)
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    x = torch.randn(2, 3, 8)
    plain = model(x)
    with stack(model, [("a", of(delta(16, 8), "linear1"), 1.0)]):
        assert not close(model(x), plain, 1e-3)


@pytest.mark.parametrize("turned", [False, True])
@torch.no_grad()
def test_the_inputs_of_a_plain_product_are_scaled_without_its_bias(turned):
    """A bias that is added and taken off again would leave its rounding behind."""
    model = transformers.pytorch_utils.Conv1D(8, 5) if turned else nn.Linear(5, 8)
    model.bfloat16()
    model.bias.fill_(1000.0)
    x, vector = torch.randn(4, 5).bfloat16(), torch.full((5,), 1.5)
    with stack(model, [("in", Adapter(gains={"": Gain(vector, "in")}), 1.0)]):
        gate = next(iter(model._forward_hooks.values())).gates[0]
        got = again(gate.layer, x)
    wanted = x.double() @ (model.weight if turned else model.weight.T).double()
    assert close(got.double(), wanted, 0.02)


@torch.no_grad()
@pytest.mark.parametrize(
    ("module", "x"),
    [
        (nn.LayerNorm(3), torch.randn(2, 4, 3)),
        (nn.BatchNorm2d(3), torch.randn(2, 3, 4, 4)),
        (nn.GroupNorm(1, 3), torch.randn(2, 3, 4)),
        (nn.Conv2d(1, 3, 2), torch.randn(2, 1, 4, 4)),
        (nn.Linear(5, 3), torch.randn(2, 5)),
    ],
)
def test_a_bias_stands_in_place_of_the_bases(module, x):
    module.eval()
    bias, own = torch.randn(3), module.bias.clone()
    with stack(module, [("a", Adapter(biases={"": bias}), 1.0)]) as live:
        got = module(x)
        live.weights = {"a": 0.5}
        half = module(x)
    module.bias.copy_(bias)
    assert close(got, module(x))
    module.bias.copy_((bias + own) / 2)
    assert close(half, module(x))


class Positions(nn.Embedding):
    def forward(self, mask):
        return super().forward(mask.cumsum(-1))


def on_meta():
    return nn.Linear(5, 6, device="meta")


def twice():
    model = nn.Sequential(nn.Linear(5, 5))
    model.add_module("again", model[0])
    return model


def aliased():
    """A block under two names: what it holds has two paths and one place."""
    model = nn.Module()
    model.inner = nn.Sequential(nn.Linear(5, 5))
    model.alias = model.inner
    return model


SHARED = "is one module under 2 names (0, again), and all of them would change: give each name a module of its own"
EMBEDDING = Delta(torch.ones(1, 5), torch.ones(3, 1), 1.0, Form("embedding"))
REFUSED = {
    "attention": (nn.MultiheadAttention(8, 2), of(delta(8, 8), "out_proj"), "reads its weight without calling it"),
    "unknown": (nn.Bilinear(5, 5, 6), of(delta()), "it is torch.nn.modules.linear.Bilinear, not Linear"),
    "norm": (nn.LayerNorm(6), of(delta()), "LayerNorm has no weight matrix"),
    "norm without a bias": (nn.LayerNorm(6, bias=False), Adapter(biases={"": torch.ones(6)}), "it has no bias"),
    "form": (nn.Linear(5, 3), of(EMBEDDING), "is linear, the adapter's change is for embedding"),
    "kernel": (nn.Conv2d(4, 6, 2), of(conv_delta(6, 4, (4, 1))), "is conv 2×2, the adapter's change is for conv 4×1"),
    "positions": (Positions(5, 3), of(EMBEDDING), "Positions does not look up what it is called with"),
    "max_norm": (nn.Embedding(5, 3, max_norm=1.0), of(EMBEDDING), "max_norm changes its weight at every call"),
    "padding": (nn.Conv1d(4, 6, 3, padding_mode="circular"), of(conv_delta(6, 4, (3,))), "it pads with circular"),
    "dora with a bias of B": (
        nn.Linear(5, 6),
        Adapter({"": delta()}, shifts={"": torch.ones(6)}, magnitudes={"": torch.ones(6)}),
        "DoRA with a bias of B has no agreed meaning",
    ),
    "dora of groups": (
        nn.Conv1d(4, 6, 3, groups=2),
        Adapter({"": conv_delta(6, 4, (3,))}, magnitudes={"": torch.ones(6)}),
        "DoRA of a grouped convolution",
    ),
    "dora of a quantised": (
        Packed(5, 6),
        Adapter({"": delta()}, magnitudes={"": torch.ones(6)}),
        "its weight is int8 (6, 5), so it is quantised, and DoRA need its values",
    ),
    "dora of an offloaded": (
        on_meta(),
        Adapter({"": delta()}, magnitudes={"": torch.ones(6)}),
        "its weight is offloaded, so it cannot be read here, and DoRA need its values",
    ),
    "a bias of an offloaded": (on_meta(), Adapter(biases={"": torch.ones(6)}), "its bias is offloaded"),
    "no bias": (nn.Linear(5, 6, bias=False), Adapter(biases={"": torch.ones(6)}), "has no bias to stand in place of"),
    "bias": (nn.Linear(5, 6), Adapter(biases={"": torch.ones(7)}), "takes a bias of 6, the adapter has one of 7"),
    "gain": (nn.Linear(5, 6), Adapter(gains={"": Gain(torch.ones(6), "in")}), "takes an IA3 vector of 5"),
    "tokens": (nn.Embedding(5, 3), Adapter(rows={"": Rows((5,), torch.ones(1, 3))}), "is 5 rows of 3"),
    "width": (nn.Embedding(5, 3), Adapter(rows={"": Rows((1,), torch.ones(1, 4))}), "trained rows of 4"),
    "head": (nn.Linear(5, 6), Adapter(tensors={"weight": torch.ones(7, 5)}), "[6, 5], the adapter puts [7, 5] in its"),
    "no head": (nn.Linear(5, 6), Adapter(tensors={"gain": torch.ones(6)}), "gain is not in the model"),
    "offloaded head": (on_meta(), Adapter(tensors={"weight": torch.ones(6, 5)}), "cannot be exchanged"),
    "measured head": (
        nn.Linear(5, 6),
        Adapter({"": delta()}, magnitudes={"": torch.ones(6)}, tensors={"weight": torch.ones(6, 5)}),
        "both put in place and measured",
    ),
    "two names": (twice(), Adapter({"0": delta(5), "again": delta(5)}), f"again {SHARED}"),
    "one of two names": (twice(), of(delta(5), "0"), f"0 {SHARED}"),
    "two paths": (
        aliased(),
        Adapter({"inner.0": delta(5), "alias.0": delta(5)}),
        "inner.0 is one module under 2 names",
    ),
    "a head of two names": (twice(), Adapter(tensors={"again.bias": torch.ones(5)}), f"again {SHARED}"),
}


@pytest.mark.parametrize(("model", "one", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_carried_is_refused(model, one, reason):
    with pytest.raises(DoesNotFit) as refusal:
        stack(model, [("a", one, 1.0)])
    assert reason in str(refusal.value)
    assert not any(module._forward_hooks for module in model.modules())


def test_a_module_that_answers_with_more_than_a_tensor_says_so():
    class Router(nn.Linear):
        def forward(self, x):
            return super().forward(x), x

    model = nn.Sequential(Router(5, 6))
    with stack(model, [("a", of(delta(), "0"), 1.0)]), pytest.raises(DoesNotFit, match="Router answers with a tuple"):
        model(torch.randn(4, 5))


def test_a_block_under_two_names_is_one_place():
    model, rows = aliased(), torch.randn(3, 5)
    plain = model.inner(rows)
    with stack(model, [("a", of(delta(5), "alias.0"), 1.0)]):
        wanted = plain + rows @ delta(5).dense().T
        assert torch.allclose(model.inner(rows), wanted, atol=1e-6)
        assert torch.allclose(model.alias(rows), wanted, atol=1e-6)
    assert torch.equal(model.inner(rows), plain)
