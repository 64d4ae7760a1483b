"""Pictures that are broken behind their header are told before the first step, all at once; mended, a run goes on."""

import numpy as np
import pytest
from PIL import Image

from adapterhub.errors import Corrupt
from adapterhub.hub import Hub
from adapterhub.train.engine.step import Stepper
from adapterhub.verbs import train_rehearsal
from tests.train.tasks.test_image_classification import save_vit
from tests.verbs.training import Stop, Stopper

SPLITS = ("train", "validation", "test")


@pytest.fixture
def place(tmp_path):
    save_vit(tmp_path / "vit")
    for seed, split in enumerate(SPLITS):
        dice = np.random.default_rng(seed)
        for label, least in (("dark", 0), ("light", 200)):
            (tmp_path / split / label).mkdir(parents=True)
            for number in range(4):
                pixels = dice.integers(least, least + 56, (32, 32), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / split / label / f"{number}.png")
    return tmp_path


@pytest.fixture
def hub(place):
    return Hub.open(place / "store")


@pytest.fixture
def asked(place):
    return {
        "base": str(place / "vit"),
        "name": "ada/light",
        "task": "image-classification",
        "data": {split: str(place / split) for split in SPLITS},
        "adapter": {"rank": 2},
        "optim": {"batch": 4, "micro_batch": 4, "steps": 6},
    }


def cut(path):
    """Leave the header and some of a picture; what it was."""
    whole = path.read_bytes()
    path.write_bytes(whole[:200])
    return whole


@pytest.mark.parametrize("verb", ["train", "train_plan"])
@pytest.mark.parametrize("split", SPLITS)
def test_a_picture_that_is_cut_short_is_told_before_the_first_step(hub, place, asked, monkeypatch, verb, split):
    def step(*_):
        raise AssertionError("something was trained")

    monkeypatch.setattr(Stepper, "__call__", step)
    cut(place / split / "light" / "2.png")
    with pytest.raises(Corrupt, match=rf"{split}/light/2\.png: no picture that can be read: image file is truncated"):
        getattr(hub, verb)(asked)


def test_all_that_are_cut_short_are_told_at_once(hub, place, asked):
    for split in SPLITS:
        cut(place / split / "dark" / "1.png")
    with pytest.raises(
        Corrupt, match=r"3 of 24 rows: .*train/dark/1.png: .*validation/dark/1.png: .*test/dark/1.png: "
    ):
        hub.train_plan(asked)


def test_a_run_whose_test_is_mended_goes_on_from_its_state(hub, place, asked):
    with pytest.raises(Stop):
        hub.train(asked, watchers=(Stopper(3),), checkpoint_every=2)
    whole = cut(place / "test" / "dark" / "0.png")
    with pytest.raises(Corrupt, match=r"test/dark/0\.png"):
        hub.train(asked)
    (place / "test" / "dark" / "0.png").unlink()
    watcher = Stopper(0)
    trained = hub.train(asked, watchers=(watcher,))
    assert watcher.steps == [3, 4, 5, 6]
    assert trained.manifest.training["data"]["test"]["count"] == 7
    (place / "test" / "dark" / "0.png").write_bytes(whole)
    again = hub.train(asked)
    assert not again.again, "another test is another entry"
    assert again.reference == "ada/light@2"
    assert again.manifest.files[1:] == trained.manifest.files[1:]
    assert hub.train(asked).again


def test_it_is_told_where_reading_takes_a_while(hub, asked, monkeypatch):
    said = []
    monkeypatch.setattr(train_rehearsal, "MANY", 24)
    hub.train(asked, tell=said.append)
    assert "reading 24 pictures or sounds, so that none that is broken stops the run later" in said
    monkeypatch.setattr(train_rehearsal, "MANY", 25)
    hub.train({**asked, "seed": 1}, tell=said.append)
    assert sum(line.startswith("reading") for line in said) == 1
