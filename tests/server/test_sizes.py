"""How many bytes a body may have."""

import pytest

from adapterhub.server.settings import Serving
from adapterhub.server.sizes import COMMIT, LISTS, QUESTION, STRANGER, XORB, largest

OBJECTS = "/ada/poet.git/info/lfs/objects"
OID = "0" * 64
SERVING = Serving(largest=10**9)


def size(path, known=True):
    return largest(path, SERVING, lambda: known).size


@pytest.mark.parametrize("path", [f"{OBJECTS}/{OID}", f"{OBJECTS}/{OID}/parts/7"])
def test_a_file_may_be_as_large_as_the_server_takes_them(path):
    assert size(path) == size(path, known=False) == SERVING.largest  # its link tells who sends it


def test_what_goes_to_the_disk_as_it_comes_may_be_large():
    assert size("/api/models/ada/poet/commit/main") == COMMIT.size
    assert size("/cas/1-2/v1/shards") == size(f"/cas/1-2/v1/xorbs/default/{OID}") == XORB.size


@pytest.mark.parametrize("path", [f"{OBJECTS}/batch", "/api/models/ada/poet/preupload/main"])
def test_lists_of_files_may_be_longer_than_other_questions(path):
    assert size(path) == LISTS.size > QUESTION.size
    assert size(path, known=False) == STRANGER.size


@pytest.mark.parametrize(
    "path",
    [
        "/api/repos/create",
        "/api/validate-yaml",
        "/api/models/ada/poet/paths-info/main",
        f"{OBJECTS}/{OID}/verify",
        f"{OBJECTS}/{OID}/complete",
        f"/deeper{OBJECTS}/{OID}",
        f"{OBJECTS}/{OID}/parts/7/more",
        f"/x{OBJECTS}/{OID}/batch",
        "/api/models/ada/poet/commit",
        "/",
    ],
)
def test_every_other_body_is_a_question_which_is_short_for_strangers(path):
    assert size(path) == QUESTION.size
    assert size(path, known=False) == STRANGER.size


def test_a_thousand_strangers_fit_into_memory():
    assert Serving().connections * STRANGER.size < 300 << 20


def test_what_is_too_large_is_told_with_how_much_and_what_to_do():
    for path in (f"{OBJECTS}/{OID}", f"{OBJECTS}/batch", "/api/models/ada/poet/commit/main", "/cas/1-2/v1/shards", "/"):
        most = largest(path, SERVING, lambda: True)
        assert str(most.size) in str(most.refusal())
        assert most.refusal().hint
