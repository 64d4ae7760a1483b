"""git-lfs, which knows nothing but basic uploads, sends a file over a line that breaks, and fetches it again."""

import hashlib
import json
import os
import shutil
import subprocess

from tests.clients.cutting import line

WEIGHTS = "adapter_model.safetensors"


def git(folder, *words, **more):
    assert shutil.which("git-lfs"), "git-lfs is missing: apt-get install git-lfs"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT")}
    env = {**kept, "HOME": str(folder), "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, check=False, timeout=60, **more)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def repository(folder, server, namespace, token):
    """A repository of git whose large files lie on a server; git keeps the token as a password."""
    folder.mkdir()
    url = f"{server}/{namespace}/large.git/info/lfs"
    git(folder, "init", "-q")
    git(folder, "lfs", "install", "--local", "--skip-repo")
    (folder / "passwords").write_text(f"{server.replace('://', f'://me:{token}@')}\n")
    settings = {"lfs.url": url, "remote.origin.url": url, "lfs.locksverify": "false"}
    for name, value in {**settings, "credential.helper": f"store --file {folder}/passwords"}.items():
        git(folder, "config", name, value)
    return folder


def test_git_lfs_sends_a_file_in_spite_of_a_cut_and_fetches_it(served, namespace, large, tmp_path):
    data = (large / WEIGHTS).read_bytes()
    oid = hashlib.sha256(data).hexdigest()
    served.ask("POST", "/api/repos/create", json={"organization": namespace, "name": "large"})
    with line(served.url, "up", len(data) // 2) as broken:
        mine = repository(tmp_path / "mine", broken.url, namespace, served.token)
        pointer = git(mine, "lfs", "clean", input=data)
        git(mine, "lfs", "push", "--object-id", "origin", oid)
    assert broken.cuts == 1
    config = (large / "adapter_config.json").read_text()
    answer = served.ask("POST", f"/api/models/{namespace}/large/commit/main", content=commit(config, oid, len(data)))
    assert answer.status_code == 200, answer.text
    assert f"{namespace}/large@1" in [version.reference for version in served.hub.list()]
    yours = repository(tmp_path / "yours", served.url, namespace, served.token)
    assert git(yours, "lfs", "smudge", input=pointer) == data


def commit(config, oid, size):
    """The lines of a commit, which git-lfs leaves to git."""
    return f"""{{"key": "header", "value": {{"summary": "by git-lfs"}}}}
{{"key": "lfsFile", "value": {{"path": "{WEIGHTS}", "algo": "sha256", "oid": "{oid}", "size": {size}}}}}
{{"key": "file", "value": {{"path": "adapter_config.json", "encoding": "utf-8", "content": {json.dumps(config)}}}}}
"""
