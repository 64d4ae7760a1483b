import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.train.watch.plugs.builders import TOLD, told, told_and_cut


def seen(folder):
    """What TensorBoard itself reads."""
    events = EventAccumulator(str(folder / "tensorboard"))
    return events.Reload()


def curve(events, name):
    return {event.step: event.value for event in events.Scalars(name)}


def test_tensorboard_shows_every_step_and_every_validation(tmp_path):
    told("tensorboard", tmp_path)
    events = seen(tmp_path)
    assert curve(events, "train/loss") == pytest.approx(TOLD)
    assert curve(events, "train/examples_per_second") == pytest.approx(dict.fromkeys(TOLD, 128.0))
    assert curve(events, "validation/accuracy") == pytest.approx({4: 0.8, 8: 0.9})
    assert curve(events, "kept/accuracy") == pytest.approx({8: 0.9})
    assert {"train/lr", "train/grad_norm", "train/epoch", "validation/loss"} <= set(events.Tags()["scalars"])


def test_tensorboard_shows_the_config(tmp_path):
    told("tensorboard", tmp_path)
    (text,) = seen(tmp_path).Tensors("config/text_summary")
    shown = text.tensor_proto.string_val[0].decode()
    assert "| optim.lr | `0.001` |" in shown
    assert "clip" not in shown


def test_tensorboard_forgets_the_steps_a_cut_run_makes_again(tmp_path):
    told_and_cut("tensorboard", tmp_path)
    steps = [event.step for event in seen(tmp_path).Scalars("train/loss")]
    assert steps == list(range(1, 9))
