"""A store's folder as a bucket's objects, and the other way, by another client than ours."""

import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


def client() -> Any:
    """A client of the server that the environment names."""
    return _client(os.environ["AWS_ENDPOINT_URL"])


@cache
def _client(endpoint: str) -> Any:
    import boto3

    return boto3.client("s3", endpoint_url=endpoint)


def keys(url: str) -> dict[str, int]:
    """The objects below a URL, and their sizes."""
    parts, found = urlsplit(url), {}
    prefix = f"{parts.path.strip('/')}/"
    for page in client().get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=prefix):
        for item in page.get("Contents", ()):
            found[item["Key"].removeprefix(prefix)] = item["Size"]
    return found


def upload(folder: Path, url: str) -> None:
    """All files of a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            put(url, path.relative_to(folder).as_posix(), path.read_bytes())


def put(url: str, key: str, data: bytes) -> None:
    """One object."""
    parts = urlsplit(url)
    client().put_object(Bucket=parts.netloc, Key=f"{parts.path.strip('/')}/{key}", Body=data)


def get(url: str, key: str) -> bytes:
    parts = urlsplit(url)
    data = client().get_object(Bucket=parts.netloc, Key=f"{parts.path.strip('/')}/{key}")["Body"].read()
    assert isinstance(data, bytes)
    return data


def download(url: str, folder: Path) -> Path:
    """A folder with all objects."""
    for key in keys(url):
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(get(url, key))
    return folder
