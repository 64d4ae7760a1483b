import errno

import pytest

from adapterhub.errors import Corrupt
from adapterhub.system import from_system
from adapterhub.train.watch import log as module
from adapterhub.train.watch.log import Log, read
from adapterhub.train.watch.record import Begun, Ended, Stepped, Validated
from tests.train.watch.builders import begun, run, stepped

TELL = {Begun: Log.begin, Stepped: Log.step, Validated: Log.validated, Ended: Log.end}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs" / "log.jsonl"


def tell(log, events):
    for event in events:
        TELL[type(event)](log, event)


def test_what_happened_is_read_back(path):
    tell(Log(path), run(12))
    assert list(read(path)) == run(12)


def test_the_same_run_writes_the_same_bytes(path, tmp_path):
    tell(Log(path), run(12))
    tell(Log(tmp_path / "again"), run(12))
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_each_record_is_on_disk_before_the_next_thing_happens(path):
    log = Log(path)
    for number, event in enumerate(run(3), 1):
        tell(log, [event])
        assert len(path.read_bytes().splitlines()) == number


def test_a_measurement_that_is_no_number_can_be_written(path):
    event = Stepped(step=1, of=1, epoch=1, loss=float("nan"), lr=0, grad_norm=float("inf"), examples=1, seconds=1)
    measured = Validated(step=1, metrics={"auc": float("nan")})
    tell(Log(path), [event, measured])
    assert list(read(path)) == [event, measured]
    assert event.loss is None


def test_a_run_that_goes_on_drops_the_steps_it_will_make_again(path):
    tell(Log(path), run(12)[:-1])
    tell(Log(path), [begun(12, 7), *(stepped(step, 12) for step in range(8, 13))])
    steps = [event.step for event in read(path) if isinstance(event, Stepped)]
    assert steps == list(range(1, 13))
    assert [event.step for event in read(path) if isinstance(event, Validated)] == [5]
    assert [event.step for event in read(path) if isinstance(event, Begun)] == [0, 7]


def test_a_run_that_begins_anew_drops_everything(path):
    tell(Log(path), run(4))
    tell(Log(path), [begun(2)])
    assert list(read(path)) == [begun(2)]


def test_going_on_where_nothing_is_to_be_dropped_rewrites_nothing(path):
    tell(Log(path), run(4)[:5])
    before = path.stat().st_ino
    Log(path).begin(begun(4, 4))
    assert path.stat().st_ino == before


def test_until_a_run_begins_what_stands_there_stays(path):
    tell(Log(path), run(4))
    before = path.read_bytes()
    Log(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_is_not_read_and_is_repaired_when_the_run_goes_on(path, cut):
    tell(Log(path), run(4)[:5])
    path.write_bytes(path.read_bytes()[:-cut])
    assert list(read(path)) == run(4)[:4]
    tell(Log(path), [begun(4, 3), stepped(4, 4)])
    assert list(read(path)) == [*run(4)[:4], begun(4, 3), run(4)[4]]


def test_the_rewritten_log_is_renamed_into_place(path, monkeypatch):
    tell(Log(path), run(4))
    before = path.read_bytes()

    def killed(target, data):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        Log(path).begin(begun(4, 1))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'{"event": "danced"}',
        b'{"event": "stepped"}',
        b"\x00\x00",
        b'{"step": 3}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_damaged_line_is_named_and_dropped_when_the_run_goes_on(path, line):
    tell(Log(path), run(4)[:3])
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"\n", b"\n" + line + b"\n", 1))
    with pytest.raises(Corrupt, match=r"log\.jsonl, line 2: no record of a run"):
        read(path)
    Log(path).begin(begun(4, 4))
    assert path.read_bytes() == whole + begun(4, 4).to_bytes() + b"\n"


def test_a_log_that_cannot_be_written_is_named(path):
    log = Log(path)
    path.symlink_to("/dev/full")
    with pytest.raises(OSError) as refusal:
        log.begin(begun(1))
    assert refusal.value.errno == errno.ENOSPC
    assert str(path) in str(from_system(refusal.value))
