"""Several tenants on one server: each sends and names his own bytes, and a digest alone gives nobody anything."""

import errno
import hashlib
import json
import os
import time

import pytest

from adapterhub.digest import Digest
from adapterhub.server.claims import KEPT, TURN, Claims
from adapterhub.store.leases import leased
from adapterhub.store.sweep import sweep
from tests.cli.builders import adapter

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture
def tenants(server, monkeypatch):
    """The Hub's own client for ada and for bob, each with a token for his namespace alone."""
    from huggingface_hub import HfApi, constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    return [HfApi(server.url, token=server.new_token(name, "write", name)) for name in ("ada", "bob")]


def commit(server, token, name, path, sha256, size):
    lines = [
        {"key": "header", "value": {"summary": "mine"}},
        {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": sha256, "size": size}},
    ]
    return server.ask(
        "POST", f"/api/models/{name}/commit/main", token=token, content="\n".join(map(json.dumps, lines)).encode()
    )


@pytest.mark.filterwarnings("ignore:Use 'content")
def test_each_tenant_publishes_his_own_and_cannot_name_the_others_bytes(server, tenants, tmp_path):
    ada, bob = tenants
    folder = adapter(tmp_path / "poet")
    data = (folder / WEIGHTS).read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    ada.create_repo("ada/poet")
    ada.upload_folder(repo_id="ada/poet", folder_path=folder)
    bob.create_repo("bob/poet")
    stolen = commit(server, bob.token, "bob/poet", WEIGHTS, sha256, len(data))
    assert stolen.status_code == 400
    assert [str(listed.reference) for listed in server.hub.desk.store.list()] == ["ada/poet@1"]
    bob.upload_folder(repo_id="bob/poet", folder_path=folder)  # who has the bytes may
    assert [str(listed.reference) for listed in server.hub.desk.store.list()] == ["ada/poet@1", "bob/poet@1"]
    said = [event.by for event in server.hub.log() if event.action == "publish"]
    assert said == ["ada", "bob"]
    assert server.hub.check().ok


def test_a_claim_is_leased_for_a_day_and_no_longer(server, monkeypatch):
    store = server.hub.desk.store
    claims, clock = Claims(store.layout), time.monotonic()
    digest = Digest.of(b"poet")
    monkeypatch.setattr("adapterhub.server.claims.time.monotonic", lambda: clock)
    claims.add("ada", digest)
    assert (claims.holds("ada", digest), claims.holds("bob", digest)) == (True, False)
    clock += KEPT - 1
    claims.renew()
    assert digest.hex in leased(store.layout.incoming)
    assert claims.holds("ada", digest)
    claim = store.layout.incoming / "claims" / "ada" / digest.hex
    assert Claims(store.layout).holds("ada", digest)  # a server that started again
    os.utime(claim, (time.time() - KEPT - 1,) * 2)
    assert not claims.holds("ada", digest)
    for path in set(store.layout.incoming.glob("*.lease")) - {claims._leases[0][1].path}:
        path.unlink()
    clock += TURN + 2
    claims.renew()
    assert digest.hex not in leased(store.layout.incoming)
    assert not claim.exists()


def test_a_server_takes_up_what_was_claimed_before_it_started(server, monkeypatch):
    store, digest = server.hub.desk.store, Digest.of(b"poet")
    Claims(store.layout).add("ada", digest)
    for path in store.layout.incoming.glob("*.lease"):
        path.unlink()
    (store.layout.incoming / "claims" / "ada" / ("0" * 64)).mkdir()  # nobody knows why
    os.utime(store.layout.incoming / "claims" / "ada" / ("0" * 64), (1, 1))
    claims = Claims(store.layout)
    with monkeypatch.context() as patched:
        patched.setattr("adapterhub.server.claims.Lease", _full)
        with pytest.raises(OSError, match="no room"):
            claims.renew()
    claims.renew()
    assert digest.hex in leased(store.layout.incoming)


def _full(*_):
    raise OSError(errno.ENOSPC, "no room")


def test_what_a_server_that_runs_has_leased_does_not_keep_leftovers(server):
    store = server.hub.desk.store
    Claims(store.layout).add("ada", Digest.of(b"poet"))
    left = store.layout.incoming / f"{'0' * 64}.part"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    sweep(store, 0)
    assert not left.exists()


def test_what_was_sent_before_a_server_started_again_need_not_be_sent_twice(server):
    data, tokens = b"weights" * 1000, {name: server.new_token(name, "write", name) for name in ("ada", "bob")}
    oid = hashlib.sha256(data).hexdigest()
    asked = {"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": len(data)}]}
    objects = "/{}/poet.git/info/lfs/objects"
    for name, token in tokens.items():
        server.ask("POST", "/api/repos/create", token=token, json={"name": "poet", "organization": name})
    batch = f"{objects.format('ada')}/batch"
    (each,) = server.ask("POST", batch, token=tokens["ada"], json=asked).json()["objects"]
    link = each["actions"]["upload"]["href"].removeprefix(server.url)
    assert server.ask("PUT", link, token=None, content=data).status_code == 200
    server.stop()
    for lease in (server.home / "incoming").glob("*.lease"):
        lease.unlink()
    server.start()
    server.ask("GET", "/healthz")  # waits until it has begun
    assert oid in leased(server.home / "incoming")
    (each,) = server.ask("POST", batch, token=tokens["ada"], json=asked).json()["objects"]
    assert "actions" not in each
    stolen = commit(server, tokens["bob"], "bob/poet", "data.txt", oid, len(data))
    assert (stolen.status_code, "nobody sent" in stolen.text) == (400, True)
    assert commit(server, tokens["ada"], "ada/poet", "data.txt", oid, len(data)).status_code == 200
