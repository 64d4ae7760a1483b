"""The attacked loss in the engine: for it, as for any loss, the split of the work changes nothing."""

import pytest

from adapterhub.train.config import RobustConfig
from adapterhub.train.engine.fit import Run, fit
from adapterhub.train.robust.attack import attacked
from tests.train.engine.builders import furthest, job, loss, net, same, weights
from tests.train.robust.builders import FGM, FGSM, PGD


def fitted(config: RobustConfig, micro: int, dropout: float = 0.0):
    asked = job(model=net(dropout), loss=attacked(loss, config), steps=6, epochs=None)
    fit(asked, Run(micro=micro))
    return weights(asked)


@pytest.mark.parametrize("config", [FGM, FGSM, PGD], ids=lambda config: config.attack)
def test_the_micro_batch_changes_nothing(config):
    assert furthest(fitted(config, 16), fitted(config, 3)) < 1e-5


def test_the_same_seed_gives_the_same_bytes_with_dropout():
    assert same(fitted(PGD, 8, dropout=0.3), fitted(PGD, 8, dropout=0.3))
