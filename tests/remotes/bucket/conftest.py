"""`url`: an empty place in a bucket that honours conditions; `deaf`: one in a bucket that ignores them."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.remotes.bucket.servers import environment, make_bucket, moto, s3rver

NUMBERS = count()


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with moto() as address:
        yield address


@pytest.fixture
def url(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in environment(endpoint).items():
        monkeypatch.setenv(name, value)
    bucket = f"reg{next(NUMBERS)}"
    make_bucket(endpoint, bucket)
    return f"s3://{bucket}/team/adapters"


@pytest.fixture(scope="session")
def s3rver_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3rver(tmp_path_factory.mktemp("s3rver")) as address:
        yield address


@pytest.fixture
def deaf(s3rver_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in environment(s3rver_endpoint).items():
        monkeypatch.setenv(name, value)
    return f"s3://reg/place{next(NUMBERS)}"
