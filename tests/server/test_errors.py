"""Errors as answers."""

import errno

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from adapterhub.errors import (
    AdapterHubError,
    BadReference,
    Conflict,
    Corrupt,
    DoesNotFit,
    NotFound,
    Refused,
    Unreachable,
    WrongUsage,
)
from adapterhub.protocols.hf_hub.answers import (
    AccessDenied,
    EntryNotFound,
    ParentMoved,
    RepoNotFound,
    RevisionNotFound,
    TokenWanted,
    TooLarge,
)
from adapterhub.server import errors
from adapterhub.server.log import Log


def asked(raised, method="GET"):
    app = FastAPI()
    errors.install(app)

    @app.api_route("/", methods=["GET", "POST"])
    def fail() -> None:
        raise raised

    return TestClient(Log(app), raise_server_exceptions=False).request(method, "/")


@pytest.mark.parametrize(
    ("kind", "status", "word"),
    [
        (WrongUsage, 400, None), (NotFound, 404, None), (BadReference, 400, None), (DoesNotFit, 400, None),
        (Refused, 400, None), (Unreachable, 503, None), (Conflict, 409, None), (AdapterHubError, 500, None),
        (RepoNotFound, 404, "RepoNotFound"), (RevisionNotFound, 404, "RevisionNotFound"),
        (EntryNotFound, 404, "EntryNotFound"), (TokenWanted, 401, None), (AccessDenied, 403, None),
        (TooLarge, 413, None), (ParentMoved, 412, None),
    ],
)  # fmt: skip
def test_each_error_has_a_status_and_its_words(kind, status, word):
    answer = asked(kind("ada/poet: über\nalles", hint="look"), "POST")
    assert answer.status_code == status
    assert answer.json() == {"error": "ada/poet: über\nalles", "hint": "look"}
    assert answer.headers["x-error-message"] == "ada/poet: ?ber alles"
    assert answer.headers.get("x-error-code") == word


def test_what_an_error_repeats_of_a_request_can_be_sent_in_any_case():
    answer = asked(ParentMoved("at \ud800\0\x1b[2J " + "a" * 9000, hint="\udfff"), "POST")
    assert answer.status_code == 412
    assert answer.json()["error"].startswith("at ?\0\x1b[2J aaa")
    assert len(answer.json()["error"]) == 2000
    assert answer.json()["hint"] == "?"
    assert answer.headers["x-error-message"].startswith("at ???[2J aaa")
    assert len(answer.headers["x-error-message"]) == 500


def test_a_real_server_answers_words_that_no_header_can_hold(standing):
    answer = standing.ask("POST", "/api/repos/create", json={"name": "a", "type": "\0"})
    assert answer.status_code == 400
    assert "got the type" in answer.json()["error"]


def test_what_is_corrupt_is_the_senders_fault_in_a_body_and_ours_in_an_answer():
    assert asked(Corrupt("x"), "POST").status_code == 400
    assert asked(Corrupt("x"), "GET").status_code == 500


def test_a_full_disk_is_told_without_a_path_of_the_machine(capsys):
    answer = asked(OSError(errno.ENOSPC, "No space left on device", "/srv/secret/place"))
    assert answer.status_code == 507
    assert "/srv" not in answer.text
    assert "/srv/secret/place" in capsys.readouterr().err


def test_a_fault_of_ours_is_told_by_its_id_alone(capsys):
    answer = asked(ValueError("the inner workings"))
    assert answer.status_code == 500
    assert "inner" not in answer.text
    assert answer.headers["x-request-id"] in answer.json()["hint"]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "ValueError: the inner workings" in lines[0]


def test_a_route_or_method_that_is_not_there_is_json_too(standing):
    for answer in (standing.ask("GET", "/no/such/route/here"), standing.ask("PATCH", "/healthz")):
        assert answer.status_code in (404, 405)
        assert set(answer.json()) == {"error", "hint"}
