"""A server that ends again and again while clients push: what they were told is kept, and they go on.

ADAPTERHUB_KILLS says how often it is killed (without it, a few times), ADAPTERHUB_SEED when and where.
"""

import os
import signal
import time
from pathlib import Path
from random import Random

import pytest

from adapterhub.hub import Hub
from tests.crash.siege import Siege
from tests.server.running import Running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

KILLS = int(os.environ.get("ADAPTERHUB_KILLS", "9"))
SEED = int(os.environ.get("ADAPTERHUB_SEED", "7"))
WAYS = ("plain", "parts", "chosen")
FULL = 507


@pytest.fixture
def siege(place: Path):
    server = Running(place / "served", place / "server.log")
    server.token = server.new_token("admin", "admin")
    found = Siege(place, server, Random(SEED))
    try:
        yield found
    finally:
        found.signal(signal.SIGKILL)
        for client in found.clients.values():
            client.wait()
        server.stop(signal.SIGKILL)


def test_a_server_that_is_killed_while_clients_push_keeps_what_it_promised(siege: Siege, record_property) -> None:
    siege.begin()
    for number in range(KILLS):
        siege.stand(WAYS[number % 3])
        siege.go_on()
        Hub.open(siege.server.home).sweep(0)
        siege.fall(WAYS[number % 3])
        siege.hold()
        siege.judge()
    siege.stand("plain")
    siege.end()
    siege.stand("plain")
    assert siege.judge_from_outside(10**6) > KILLS
    siege.judge()
    assert {said["status"] for said in siege.broke()} == {0}  # nobody was told of a fault
    record_property("kills", KILLS)


def test_a_server_that_is_told_to_end_answers_what_it_was_asked_before(siege: Siege) -> None:
    siege.begin()
    for _ in range(2):
        siege.stand("parts")
        siege.go_on()
        time.sleep(siege.dice.uniform(0.02, 1))
        assert siege.server.stop(signal.SIGTERM) == 0
        siege.hold()
        siege.judge()
    siege.stand("plain")
    siege.end()
    answered = [line["status"] for line in siege.server.lines() if line["event"] == "request"]
    assert max(answered) < 500


def test_a_disk_that_is_full_in_uploads_keeps_what_was_promised_and_takes_the_rest_later(siege: Siege) -> None:
    siege.begin()
    siege.stand("parts")
    siege.go_on()
    since = time.time()
    (siege.place / "full").touch()
    siege.all_say("broke", since)
    siege.hold()
    time.sleep(0.5)  # what was asked before is answered
    siege.judge()
    (siege.place / "full").unlink()
    siege.signal(signal.SIGCONT)
    siege.all_say("done", time.time())
    siege.end()
    told = {said["status"] for said in siege.broke() if said["at"] > since}
    assert {FULL} <= told <= {FULL, 0}  # 0 where a library does not pass on what it was told
