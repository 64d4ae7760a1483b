"""Cards that are looked at: anybody may ask, and costs no more than one question at a time."""

import time
from concurrent.futures import ThreadPoolExecutor

from fastapi.testclient import TestClient

from adapterhub.server.app import make_app
from adapterhub.server.settings import Serving
from tests.verbs.hub_ground import desk_in


def test_cards_are_looked_at_one_after_another(tmp_path, monkeypatch):
    now, most = [], []

    def slow(text):
        now.append(text)
        most.append(len(now))
        time.sleep(0.02)
        now.pop()
        return ["half \ud800"]

    monkeypatch.setattr("adapterhub.server.routes.cards.faults_of", slow)
    with TestClient(make_app(desk_in(tmp_path), Serving())) as client, ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: client.post("/api/validate-yaml", json={"content": "x"}), range(6)))
    assert [answer.status_code for answer in told] == [400] * 6
    assert told[0].json()["errors"] == [{"message": "half ?"}]
    assert (len(most), max(most)) == (6, 1)
