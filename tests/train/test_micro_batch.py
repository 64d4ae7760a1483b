"""The micro-batch is measured on the longest rows, fits the room there is, and measuring leaves nothing behind."""

from types import SimpleNamespace

import pytest
import torch

from adapterhub.errors import Refused
from adapterhub.train import micro_batch as module
from adapterhub.train.engine.fit import fit
from adapterhub.train.engine.world import ALONE, World
from adapterhub.train.micro_batch import micro_batch, plan
from adapterhub.train.resources.micro import Micro
from adapterhub.train.resources.plan import adamw_bytes
from tests.train.engine.builders import collate, job, same, weights


def ready(**changed):
    made = job(**changed)
    return SimpleNamespace(job=made, lengths=[len(tokens) for tokens, _ in made.examples])


def room(monkeypatch, size):
    """So many bytes are free."""
    monkeypatch.setattr(module, "spare_memory", lambda device, limit, processes: size)


def test_where_there_is_room_the_whole_share_is_computed_at_once(monkeypatch):
    room(monkeypatch, 10**9)
    assert micro_batch(ready(), ALONE, None).size == 16
    assert micro_batch(ready(), World(0, 3), None).size == 6
    assert micro_batch(ready(batch=1000), ALONE, None).size == 48


def test_where_there_is_little_a_part_of_it_is(monkeypatch):
    room(monkeypatch, 10**9)
    peaks = micro_batch(ready(), ALONE, None).peaks
    moments = 8 * sum(weight.numel() for weight in ready().job.trained.values())
    room(monkeypatch, int(peaks[2] / 0.9) + moments + 4096)
    found = micro_batch(ready(), ALONE, None)
    assert 2 <= found.size < 16
    assert found.peak <= found.budget


def test_where_not_one_row_fits_it_is_refused(monkeypatch):
    moments = adamw_bytes(ready().job.trained.values())
    for free, told in ((moments + 1000, "one example, the longest"), (1000, "before the first example")):
        room(monkeypatch, free)
        with pytest.raises(Refused, match=told):
            micro_batch(ready(), ALONE, None)


def test_the_longest_rows_are_measured(monkeypatch):
    room(monkeypatch, 10**9)
    seen = []

    def noting(rows):
        seen.append(sorted((len(tokens) for tokens, _ in rows), reverse=True))
        return collate(rows)

    some = ready(collate=noting)
    micro_batch(some, ALONE, None)
    longest = sorted(some.lengths, reverse=True)
    assert all(lengths == longest[: len(lengths)] for lengths in seen)
    assert [len(lengths) for lengths in seen][:2] == [1, 2]


def test_measuring_changes_nothing_of_what_is_trained(monkeypatch):
    room(monkeypatch, 10**9)
    plain, measured = job(), ready()
    before = weights(measured.job)
    micro_batch(measured, ALONE, None)
    assert same(before, weights(measured.job))
    assert all(weight.grad is None for weight in measured.job.model.parameters())
    torch.rand(7)
    fit(plain)
    fit(measured.job)
    assert same(weights(plain), weights(measured.job))


def test_a_plan_is_of_the_tightest_of_all_processes(monkeypatch):
    room(monkeypatch, 10**9)
    some = ready()
    some.attached = SimpleNamespace(file_bytes=lambda: 7)
    world = World(0, 2)
    tight = Micro(size=3, batch=8, budget=10**9, fixed=0, each=1, peaks={3: 3000})
    monkeypatch.setattr(World, "collect", lambda self, value: [value, tight] if isinstance(value, Micro) else [value])
    found = plan(some, world, None)
    assert (found.micro_batch, found.processes, found.memory.activations, found.file_bytes) == (3, 2, 3000, 7)
