"""huggingface_hub sends a file, or fetches one: up|down REPOSITORY FILE."""

import hashlib
import json
import sys
from pathlib import Path

from huggingface_hub import HfApi

WEIGHTS = "adapter_model.safetensors"


def main(way: str, repo: str, file: str) -> None:
    """Say the digest of what came, or how it was refused."""
    api = HfApi()
    try:
        if way == "up":
            api.upload_file(path_or_fileobj=file, path_in_repo=WEIGHTS, repo_id=repo)
            found = Path(file)
        else:
            found = Path(api.hf_hub_download(repo, WEIGHTS, cache_dir=file))
    except Exception as error:
        print(json.dumps({"refused": f"{type(error).__name__}: {error}"}))
    else:
        print(json.dumps({"sha256": hashlib.sha256(found.read_bytes()).hexdigest()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
