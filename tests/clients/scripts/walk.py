"""What a person does with huggingface_hub in Python, whichever it is: REPOSITORY FOLDER SECOND CACHE."""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError

ODD = "Bücher/日本 語/a+b & c%20d.txt"


def refusal(call: Callable[[], Any]) -> list[Any]:
    """How a call is refused: the kind, and the status."""
    try:
        return ["done", str(call())]
    except HfHubHTTPError as error:
        return [type(error).__name__, error.response.status_code]


def digests(folder: str) -> dict[str, str]:
    """sha256 of every file below a folder."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and ".cache" not in path.parts)
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def publish(api: HfApi, repo: str, folder: str, second: str) -> dict[str, Any]:
    """A repository, two versions of it, a tag, a branch."""
    found: dict[str, Any] = {"version": huggingface_hub.__version__, "whoami": api.whoami()["name"]}
    found["created"] = str(api.create_repo(repo, private=True))
    found["again"] = str(api.create_repo(repo, exist_ok=True))
    found["conflict"] = refusal(lambda: api.create_repo(repo))
    found["first"] = api.upload_folder(repo_id=repo, folder_path=folder).oid
    found["second"] = api.upload_folder(repo_id=repo, folder_path=second, commit_message="smaller steps").oid
    found["stale"] = refusal(
        lambda: api.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=repo, parent_commit=found["first"])
    )
    api.create_tag(repo, tag="v1", revision=found["first"])
    api.create_tag(repo, tag="gone", revision=found["first"])
    api.delete_tag(repo, tag="gone")
    api.create_branch(repo, branch="try/odd", revision=found["first"])
    api.upload_file(path_or_fileobj=b"odd\n", path_in_repo=ODD, repo_id=repo, revision="try/odd")
    return found


def look(api: HfApi, repo: str) -> dict[str, Any]:
    """Lists, searches, references, commits, files."""
    namespace, _, name = repo.partition("/")
    refs = api.list_repo_refs(repo)
    return {
        "listed": [model.id for model in api.list_models(author=namespace)],
        "searched": [model.id for model in api.list_models(search=name)],
        "filtered": [model.id for model in api.list_models(author=namespace, filter="peft", full=True)],
        "nothing": [model.id for model in api.list_models(search="nobody-called-it-so")],
        "tags": {tag.name: tag.target_commit for tag in refs.tags},
        "branches": sorted(branch.name for branch in refs.branches),
        "titles": [commit.title for commit in api.list_repo_commits(repo)],
        "files": sorted(api.list_repo_files(repo, revision="try/odd")),
        "odd": api.file_exists(repo, ODD, revision="try/odd"),
        "odd on main": api.file_exists(repo, ODD),
    }


def strangers(repo: str) -> dict[str, Any]:
    """Who has no token, or a wrong one."""
    wrong = HfApi(token="hf_ahub_" + "x" * 43)
    return {
        "nobody": refusal(lambda: HfApi(token=False).model_info(repo)),
        "nobody's list": [model.id for model in HfApi(token=False).list_models(search=repo.partition("/")[2])],
        "wrong": refusal(lambda: wrong.model_info(repo)),
        "wrong push": refusal(lambda: wrong.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=repo)),
    }


def main(repo: str, folder: str, second: str, cache: str) -> None:
    """All of it, told as JSON; what was pulled stays in the cache."""
    api = HfApi()
    found = publish(api, repo, folder, second)
    found |= look(api, repo)
    found["pulled"] = {
        revision: digests(snapshot_download(repo, revision=revision, cache_dir=cache))
        for revision in ("v1", "1", found["first"], "2", "main", "try/odd")
    }
    found |= strangers(repo)
    api.delete_repo(repo)
    found["deleted"] = refusal(lambda: api.model_info(repo))
    found["left"] = [model.id for model in api.list_models(author=repo.partition("/")[0])]
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
