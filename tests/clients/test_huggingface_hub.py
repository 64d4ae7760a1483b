"""huggingface_hub in three generations, from the first repository to the last, with Xet and without."""

import hashlib

import pytest

from tests.clients.driving import Client
from tests.clients.environments import HUBS
from tests.clients.scripts.walk import ODD, digests

UPLOADS = {"xet": "/v1/xorbs/", "lfs": "/info/lfs/objects/"}


@pytest.mark.parametrize("way", ["xet", "lfs"])
@pytest.mark.parametrize("version", HUBS)
def test_all_that_a_person_does_with_huggingface_hub_works(version, way, served, namespace, folders, tmp_path):
    before, repo = len(served.lines()), f"{namespace}/poet-{namespace}"
    more = {"HF_HUB_DISABLE_XET": "1"} if way == "lfs" else {}
    client = Client(f"hub-{version}", tmp_path / "home", served.url, served.token, more)
    found = client("walk.py", repo, *folders, tmp_path / "cache")
    published(found, version, repo, served)
    looked(found, repo)
    first, second = map(digests, folders)
    assert found["pulled"] == {
        **dict.fromkeys(("v1", "1", found["first"]), first),
        **dict.fromkeys(("2", "main"), second),
        "try/odd": first | {ODD: hashlib.sha256(b"odd\n").hexdigest()},
    }
    refused(found)
    # The oldest asks the server whether to use Xet; of the others each decides for itself.
    used = "lfs" if version == HUBS[0] else way
    sent = [line for line in served.lines()[before:] if line.get("method") in ("PUT", "POST")]
    for kind, part in UPLOADS.items():
        assert (kind == used) == any(part in line["path"] and "batch" not in line["path"] for line in sent), kind
    assert served.hub.check().ok


def published(found, version, repo, served):
    url = f"{served.url}/{repo}"
    assert (found["version"], found["whoami"]) == (version, "admin")
    assert (found["created"], found["again"]) == (url, url)
    assert (found["conflict"][1], found["stale"][1]) == (409, 412)


def looked(found, repo):
    assert found["listed"] == found["searched"] == found["filtered"] == [repo]
    assert found["nothing"] == []
    assert found["tags"] == {"1": found["first"], "2": found["second"], "v1": found["first"]}
    assert found["branches"] == ["main", "try/odd"]
    assert found["titles"][:2] == ["smaller steps", "Upload folder using huggingface_hub"]
    assert set(found["files"]) >= {ODD, "Prüfung/größe 1.txt", "adapter_model.safetensors"}
    assert (found["odd"], found["odd on main"]) == (True, False)


def refused(found):
    assert found["nobody"] == ["RepositoryNotFoundError", 404]
    assert found["nobody's list"] == []
    assert (found["wrong"][1], found["wrong push"][1]) == (401, 401)
    assert (found["deleted"], found["left"]) == (["RepositoryNotFoundError", 404], [])
