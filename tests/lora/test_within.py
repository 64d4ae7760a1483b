"""Factors that do not know all about their weight take it from the base."""

import torch

from adapterhub.lora.delta import Delta, Form
from tests.lora.builders import delta

CONV = Form("conv", (3,))


def loose():
    return Delta(torch.randn(2, 9), torch.randn(6, 2), loose=True)


def test_factors_without_a_kernel_take_that_of_the_convolution():
    assert delta(6, 12).within((6, 12), CONV).form == CONV


def test_factors_of_another_shape_or_kind_are_left_alone():
    for one in (delta(6, 12), Delta(torch.randn(2, 12), torch.randn(6, 2), form=Form("embedding"))):
        assert one.within((6, 9), CONV) is one


def test_loose_factors_count_as_far_as_the_weight_goes():
    wide = loose()
    cut = wide.within((6, 5), Form())
    assert cut.shape == (6, 5)
    assert torch.equal(cut.dense(), wide.dense()[:, :5])


def test_only_loose_factors_are_cut():
    assert delta(6, 9).within((6, 5), Form()).shape == (6, 9)
    assert loose().within((7, 5), Form()).shape == (6, 9)
