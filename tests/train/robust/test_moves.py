"""Where an input goes."""

import pytest
import torch

from adapterhub.train.config import RobustConfig
from adapterhub.train.robust.moves import MOVES, passes

GRADIENT = torch.tensor([[[3.0, 0.0], [0.0, -4.0]], [[0.0, 0.0], [0.0, 0.0]]])
NOWHERE = torch.zeros_like(GRADIENT)


def test_fgm_moves_each_example_by_epsilon_along_its_whole_gradient():
    moved = MOVES["fgm"](GRADIENT, NOWHERE, RobustConfig(epsilon=2.0))
    assert torch.allclose(moved, torch.tensor([[[1.2, 0.0], [0.0, -1.6]], [[0.0, 0.0], [0.0, 0.0]]]))


def test_fgm_knows_the_direction_of_a_gradient_whose_square_is_nothing():
    moved = MOVES["fgm"](GRADIENT * 1e-30, NOWHERE, RobustConfig(epsilon=1.0))
    assert moved[0].norm().item() == pytest.approx(1.0)


def test_fgsm_moves_every_number_by_epsilon():
    moved = MOVES["fgsm"](GRADIENT, NOWHERE, RobustConfig(attack="fgsm", epsilon=0.5))
    assert moved[0].tolist() == [[0.5, 0.0], [0.0, -0.5]]
    assert not moved[1].any()


def test_pgd_goes_step_by_step_and_never_beyond_epsilon():
    config, place = RobustConfig(attack="pgd", epsilon=0.5, steps=5, step_size=0.2), NOWHERE
    ways = [place := MOVES["pgd"](GRADIENT, place, config) for _ in range(passes(config))]
    assert [way[0, 0, 0].item() for way in ways] == pytest.approx([0.2, 0.4, 0.5, 0.5, 0.5])


def test_the_step_of_pgd_reaches_further_than_epsilon_in_all_steps_unless_it_is_said():
    config = RobustConfig(attack="pgd", epsilon=0.4, steps=4)
    assert MOVES["pgd"](GRADIENT, NOWHERE, config)[0, 0, 0].item() == pytest.approx(0.25)


@pytest.mark.parametrize(("attack", "count"), [("fgm", 1), ("fgsm", 1), ("pgd", 7)])
def test_only_pgd_takes_several_gradients(attack, count):
    assert passes(RobustConfig(attack=attack, steps=7)) == count


def test_every_attack_of_the_config_has_its_move():
    assert {"fgm", "fgsm", "pgd"} == MOVES.keys()
