"""Some hundreds of the requests that `python -m tests.clients.hostile` makes by the ten thousand."""

import pytest

from tests.clients.besieged import OPEN, OWN, besieged
from tests.clients.hostile import Standing, attack

SOME = 400


@pytest.mark.parametrize("who", ["nobody", "write"])
def test_random_requests_break_nothing_tell_nothing_and_lose_nothing(who, tmp_path):
    with besieged(tmp_path) as (server, told):
        found = attack(server, told, who, SOME)
    assert found["faults"] == []
    assert found["requests"] == SOME
    assert len(found["statuses"]) > 45  # operations


def test_an_attack_sees_what_is_told_and_what_is_lost(tmp_path):
    with besieged(tmp_path) as (server, told):
        told["secrets"].append(OWN)
        found = attack(server, told, "admin", 60)
        before = Standing.of(server)
        server.hub.remove(f"{OPEN}@1")
        assert Standing.of(server) != before
    assert any(OWN in fault for fault in found["faults"])
