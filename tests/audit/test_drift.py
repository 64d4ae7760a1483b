"""Bytes compared module by module, where both bases hold them the same way."""

from adapterhub.audit.drift import Drift, drift
from adapterhub.base.card import Card
from adapterhub.base.find import find
from adapterhub.base.row import TensorRow
from adapterhub.manifest import BasePin
from tests.audit.builders import adapter, card

GATE_UP = "model.layers.0.mlp.experts.gate_up_proj"


def base(*tensors, model_type="qwen2_moe"):
    rows = tuple(TensorRow(name=name, dtype=dtype, shape=shape, sha256=sha * 64) for name, dtype, shape, sha in tensors)
    digest = "sha256:" + tensors[0][3] * 64
    return Card(layout_digest="", weights_digest=digest, model_type=model_type, tensors=rows)


def apart(*sums):
    names = [f"model.layers.0.mlp.experts.{n}.{leaf}.weight" for leaf in ("gate_proj", "up_proj") for n in range(2)]
    return base(*((name, "F32", (3, 5), sha) for name, sha in zip(names, sums, strict=True)))


def told(targets, recorded, here, evidence="bytes"):
    one = adapter(targets, pin=BasePin(evidence=evidence, weights_digest="sha256:" + "e" * 64), recorded=recorded)
    return drift(one, here, find(one.targets, here).weights, tuple(one.targets))


def test_a_stack_is_compared_tensor_by_tensor():
    wanted = {GATE_UP: (2, 6, 5)}
    assert told(wanted, apart(*"1234"), apart(*"1234")) == Drift()
    assert told(wanted, apart(*"1234"), apart(*"1235")).drifted == (GATE_UP,)


def test_what_is_cut_another_way_has_no_bytes_to_compare():
    together = base((GATE_UP, "F32", (2, 6, 5), "9"))
    assert told({GATE_UP: (2, 6, 5)}, apart(*"1234"), together) == Drift(uncompared=(GATE_UP,))


def test_a_quantised_copy_has_other_weights():
    plain = base(("q.weight", "BF16", (6, 5), "1"))
    packed = base(("q.weight", "U8", (15, 1), "2"), ("q.weight.absmax", "F32", (1,), "3"))
    assert told({"q": (6, 5)}, packed, plain).drifted == ("q",)
    assert told({"q": (6, 5)}, packed, packed) == Drift()


def test_a_name_proves_nothing():
    assert not told({"model.layers.0.q_proj": (6, 5)}, card(), card(), evidence="name").told
