"""@huggingface/hub, the client for JavaScript, from the first repository to the last."""

import hashlib

import pytest

from tests.clients.driving import Client
from tests.clients.scripts.walk import digests

ODD = "Bücher/日本 語/a+b & c.txt"


@pytest.mark.parametrize("way", ["xet", "lfs"])
def test_all_that_a_person_does_with_the_client_for_javascript_works(way, served, namespace, folders, tmp_path):
    repo = f"{namespace}/poet-{namespace}"
    client = Client("js", tmp_path / "home", served.url, served.token)
    found = client("walk.mjs", repo, *folders, tmp_path / "cache", way)
    assert (found["whoami"], found["created"]) == ("admin", f"{served.url}/{repo}")
    assert found["conflict"][1] == 409
    first, second = map(digests, folders)
    assert found["pulled"] == {
        **dict.fromkeys(("1", found["first"]), first),
        **dict.fromkeys(("2", "main"), second),
        "try/odd": first | {ODD: hashlib.sha256(b"odd\n").hexdigest()},
    }
    assert found["halves"] == first["adapter_model.safetensors"]
    looked(found, repo)
    refused(found)
    assert served.hub.check().ok


def looked(found, repo):
    assert found["listed"] == found["searched"] == found["filtered"] == [repo]
    assert (found["nothing"], found["titles"][:2]) == ([], ["two", "one"])
    assert set(found["files"]) >= {ODD, "Prüfung/größe 1.txt", "adapter_model.safetensors"}
    assert (found["odd"], found["sha"], found["readme"]) == ([True, False], True, False)


def refused(found):
    assert (found["nobody"][1], found["nobodysList"]) == (404, 0)
    assert (found["wrong"][1], found["wrongPush"][1]) == (401, 401)
    assert found["deleted"][1] == 404
