"""Every route of the server's own document, asked by those who may not, and in words that lead elsewhere."""

import re
from importlib import import_module

import httpx2
import pytest

from adapterhub.server.routes.table import ROUTES
from adapterhub.verbs.hub_repos import TAKEN
from tests.cli.builders import adapter
from tests.server.running import running

FOR_ALL = ("/healthz", "/api/whoami-v2", "/api/models", "/api/validate-yaml")
BODIES = {
    "/api/repos/create": {"name": "poet", "organization": "ada"},
    "/api/repos/delete": {"name": "poet", "organization": "ada"},
    "/api/repos/move": {"fromRepo": "ada/poet", "toRepo": "bob/poet"},
    "batch": {"operation": "upload", "objects": [{"oid": "0" * 64, "size": 1}]},
    "verify": {"oid": "0" * 64, "size": 1},
    "complete": {"oid": "0" * 64, "parts": []},
    "preupload": {"files": [{"path": "README.md", "size": 1, "sample": ""}]},
    "tag": {"tag": "2"},
}
TRAVERSALS = ("%2e%2e", "..%2f..%2fetc%2fpasswd", "a%00", "..%5c..%5c", "%2Fetc%2Fpasswd", "%ff", "%252e%252e")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("every")
    with running(folder) as server:
        server.hub.add(adapter(folder / "poet"), "ada/poet")
        yield server


@pytest.fixture(scope="module")
def bob(served):
    return served.new_token("bob", "admin", "bob")


@pytest.fixture(scope="module")
def routes(served):
    """Method and path of everything the document tells of."""
    paths = served.ask("GET", "/openapi.json", token=None).json()["paths"]
    found = [(method.upper(), path) for path, said in paths.items() for method in said]
    assert len(found) > 30
    return found


def filled(template, name="poet", /, **words):
    """A path with words for its parameters: those of ada/poet at main, unless others are given."""
    known = {"namespace": "ada", "repository": name, "repo": name, "revision": "main", "branch": "main", **words}
    return re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], "README.md"), template)


def body_of(path):
    return next((body for word, body in BODIES.items() if path.endswith(word) or f"/{word}/" in path), {})


def ask(client, served, token, method, path, template):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if method in ("GET", "HEAD"):
        return client.request(method, served.url + path, headers=headers)
    if "commit" in template:
        content = b'{"key":"header","value":{"summary":"x"}}\n{"key":"file","value":{"path":"x","content":""}}'
        return client.request(method, served.url + path, headers=headers, content=content)
    return client.request(method, served.url + path, headers=headers, json=body_of(template))


@pytest.mark.parametrize("who", ["nobody", "bob"])
def test_no_route_lets_anybody_at_somebody_elses_private_repository(served, bob, routes, who):
    token = None if who == "nobody" else bob
    before = served.ask("GET", "/api/models/ada/poet/refs").json()
    with httpx2.Client(timeout=60, trust_env=False) as client:
        for method, template in routes:
            if template in FOR_ALL:
                continue
            answer = ask(client, served, token, method, filled(template), template)
            assert answer.status_code in (400, 401, 403, 404, 405, 422), (method, template, answer.text)
            assert "org/tiny" not in answer.text
            if "namespace" in template:  # that it exists is not told either
                other = ask(client, served, token, method, filled(template, "none"), template)
                said = answer.text.replace("ada/poet", "ada/none")
                assert (answer.status_code, said) == (other.status_code, other.text), (method, template)
        assert "ada/poet" not in client.get(f"{served.url}/api/models").text
    assert served.ask("GET", "/api/models/ada/poet/refs").json() == before
    assert [listed.reference for listed in served.hub.list()] == ["ada/poet@1"]


def test_nothing_that_leads_elsewhere_comes_through_any_parameter(served, routes):
    with httpx2.Client(timeout=60, trust_env=False) as client:
        for method, template in routes:
            for parameter in re.findall(r"\{(\w+)\}", template):
                for word in TRAVERSALS:
                    path = filled(template, **{parameter: word})
                    answer = ask(client, served, served.token, method, path, template)
                    assert answer.status_code < 500, (method, path, answer.text)
                    assert b"root:" not in answer.content
                    assert str(served.home) not in answer.text, (method, path)
    assert {path.name for path in served.home.parent.iterdir()} == {"served", "server.log", "poet"}
    assert served.hub.check().ok


def test_no_namespace_may_be_called_as_an_address_of_the_server():
    routers = (import_module(f"adapterhub.server.routes.{module}").router for module in ROUTES.values())
    first = {route.path.split("/")[1] for router in routers for route in router.routes}
    assert {word for word in first if word and "{" not in word} <= TAKEN
