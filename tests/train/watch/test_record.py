from typing import get_args

from adapterhub.train.watch.log import KINDS
from adapterhub.train.watch.record import Event, Stepped, Validated, Watchers, counted
from tests.train.watch.builders import begun, run, stepped


class Listener:
    def __init__(self, heard, name):
        self.heard, self.name = heard, name

    def begin(self, event):
        self.heard.append((self.name, "begin", event))

    def step(self, event):
        self.heard.append((self.name, "step", event))

    def validated(self, event):
        self.heard.append((self.name, "validated", event))

    def end(self, event):
        self.heard.append((self.name, "end", event))


def test_a_number_that_is_none_is_recorded_as_none():
    assert Stepped(step=1, of=2, epoch=0, loss=1, lr=1, grad_norm=float("inf"), examples=1, seconds=1).grad_norm is None
    assert Validated(step=1, metrics={"f1": float("nan"), "loss": 2}).metrics == {"f1": None, "loss": 2}


def test_every_watcher_hears_of_an_event_before_any_hears_of_the_next():
    heard = []
    both = Watchers([Listener(heard, "a"), Listener(heard, "b")])
    first, *_, validated, ended = run(5)
    both.begin(first)
    both.step(stepped(1, 5))
    both.validated(validated)
    both.end(ended)
    assert [who for who, _, _ in heard] == ["a", "b"] * 4
    assert [what for _, what, _ in heard[::2]] == ["begin", "step", "validated", "end"]
    assert [event for _, _, event in heard[::2]] == [first, stepped(1, 5), validated, ended]


def test_every_record_can_be_read_from_a_log():
    assert {KINDS[kind] for kind in KINDS} == set(get_args(Event))
    assert all(KINDS[kind].model_fields["event"].default == kind for kind in KINDS)


def test_the_metric_that_counts_is_the_given_one_then_that_of_the_run_then_the_first():
    measured = Validated(step=1, metrics={"f1": 0.5, "loss": 1})
    named = begun(3).model_copy(update={"metric": "loss"})
    assert counted([named, measured], "f1") == "f1"
    assert counted([named, measured]) == "loss"
    assert counted([begun(3), measured]) == "f1"
    assert counted([begun(3)]) == ""
