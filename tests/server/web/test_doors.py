"""Who sees what, and what a page may do: status, headers, errors as pages."""

import base64
import re
import socket
import subprocess
import sys

import pytest

from adapterhub.server.web.people import CHALLENGE
from tests.builders import tiny_adapter
from tests.house.sources import ROOT
from tests.server.running import running
from tests.server.web.seeing import browser

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HIDDEN = (
    "/ada/child", "/ada/child/tree/main", "/ada/child/tree/1", "/ada/child/blob/main/README.md",
    "/ada/child/commits/main", "/ada/child/commit/main", "/ada/child/tree/main/folder",
)  # fmt: skip


def get(server, path, token=None, **headers):
    return server.ask("GET", path, token=token, headers={**HTML, **headers})


def basic(token):
    return {"Authorization": "Basic " + base64.b64encode(f"me:{token}".encode()).decode()}


def test_a_stranger_sees_what_is_public(stranger):
    stranger.open("/")
    assert {text.partition("@")[0] for text in stranger.texts(".list tbody th a")} == {"ada/poet", "bob/open"}
    assert "You see what is public. Log in with a token" in stranger.text
    assert "child" not in stranger.open("/ada/poet").text


def test_a_stranger_hears_of_no_base_that_only_others_use(shown, stranger):
    stranger.open("/bases")
    assert stranger.texts("tbody th") == ["tiny"]
    stranger.follow("tiny")
    assert [row.split("@")[0] for row in stranger.texts("[data-filter] tbody th")] == ["ada/poet", "bob/open"]
    secret = next(base for base in shown.hub.base_list() if base.name == "secret").card.removeprefix("sha256:")
    none = "0" * 64
    told, other = get(shown, f"/bases/{secret}"), get(shown, f"/bases/{none}")
    assert (told.status_code, told.text) == (404, other.text.replace(none, secret))
    assert "secret" not in get(shown, "/ada/poet").text
    assert "secret" in get(shown, "/ada/poet", shown.token).text


@pytest.mark.parametrize("path", HIDDEN)
def test_what_is_private_is_answered_as_what_is_not_there(shown, path):
    other = path.replace("child", "none")
    token = shown.new_token(f"carl-{HIDDEN.index(path)}", "admin", "carl")
    for who in (None, token):
        told, none = get(shown, path, who), get(shown, other, who)
        assert (told.status_code, told.text.replace("child", "none")) == (404, none.text)
    assert get(shown, path, shown.token).status_code in (200, 302, 404 if path.endswith("folder") else 200)


def test_a_token_of_a_namespace_sees_that_and_what_is_public(shown):
    token = shown.new_token("bobs", "read", "bob")
    listed = get(shown, "/?q=style-59", token).text
    assert "bob/style-59" in listed
    assert "ada/child" not in get(shown, "/?namespace=ada", token).text


def test_logging_in_and_out(shown, tmp_path_factory):
    with browser(shown, tmp_path_factory.mktemp("login")) as reader:
        reader.open("/ada/child?x=%20y")
        assert reader.texts("h1") == ["Not here"]
        assert reader.one("main a[href*=login]").get_attribute("href").endswith("?next=%2Fada%2Fchild%3Fx%3D%2520y")
        reader.log_in(shown.token)
        assert reader.open("/ada/child").texts("h1") == ["child@1 private"]
        assert "admin" in reader.one(".who").text
        reader.follow("Log out")
        assert reader.open("/ada/child").texts("h1") == ["Not here"]


def test_a_login_asks_and_leads_back_to_this_server_only(shown):
    asked = get(shown, "/login")
    assert "The name may be any; the password is a token." in asked.text
    assert (asked.status_code, asked.headers["www-authenticate"]) == (401, CHALLENGE)
    for next, place in (
        ("/ada/poet?x=1", "/ada/poet?x=1"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/%0d%0aSet-Cookie: x", "/%0d%0aSet-Cookie:%20x"),
        ("/\r\nSet-Cookie: x", "/"),
    ):
        answer = shown.ask("GET", "/login", token=None, params={"next": next}, headers={**HTML, **basic(shown.token)})
        assert (answer.status_code, answer.headers["location"]) == (303, place), next
    wrong = shown.ask("GET", "/", token=None, headers={**HTML, **basic("wrong")})
    assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, CHALLENGE)


def test_pages_load_nothing_from_elsewhere_and_no_script_in_them(shown):
    for path in ("/", "/ada/trap", "/bases", "/no/such", "/login"):
        answer = get(shown, path, None if path == "/login" else shown.token)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] in ("private, no-cache", "no-store")
        assert "<script>" not in answer.text
        assert " style=" not in answer.text


def test_what_pages_load_is_kept_for_ever_under_its_stamp(shown):
    page = get(shown, "/").text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    style = shown.ask("GET", address, token=None)
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert shown.ask("GET", "/static/style.css", token=None).headers["cache-control"] == "no-cache"
    again = shown.ask("GET", "/static/style.css", token=None, headers={"If-None-Match": style.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert shown.ask("GET", "/static/..%2ffiles.py", token=None).status_code == 400
    assert shown.ask("GET", "/static/files.py", token=None).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/nowhere", 404, "Not Found"),
        ("/no/such", 404, "no/such"),
        ("/ada/poet/blob/main/none.txt", 404, "none.txt"),
        ("/ada/poet/tree/v99", 404, "v99"),
        ("/ada/poet/resolve/main/none.txt", 404, "none.txt"),
        ("/?cursor=nonsense", 400, "nonsense"),
        ("/?q=" + "+".join(["a"] * 60), 400, "50 words"),
        ("/a..b/c", 400, "a..b"),
        ("/bases/x", 404, "bases/x"),
    ],
)
def test_an_error_is_a_page_for_people_and_json_for_programs(shown, path, status, word):
    told = get(shown, path, shown.token)
    assert (told.status_code, told.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert word in told.text
    assert "<h1>" in told.text
    plain = shown.ask("GET", path, headers={"Accept": "*/*"})
    assert (plain.status_code, word in plain.json()["error"]) == (status, True)
    assert plain.headers.get("x-error-code") == told.headers.get("x-error-code")


def test_the_api_answers_browsers_as_it_answers_programs(shown):
    assert get(shown, "/api/models/ada/poet").json()["id"] == "ada/poet"
    assert get(shown, "/ada/poet/resolve/main/adapter_config.json").json()["r"] == 2
    assert get(shown, "/healthz").json() == {"ok": True}
    assert "/ada/{" not in str(paths := shown.ask("GET", "/openapi.json").json()["paths"])
    assert not [path for path in paths if path in ("/", "/login", "/bases") or "/blob/" in path]


def test_head_is_answered_without_a_body(shown):
    for path in ("/", "/ada/poet", "/bases", "/no/such"):
        answer = shown.ask("HEAD", path, token=None, headers=HTML)
        assert (answer.status_code, answer.content) == (404 if "such" in path else 200, b"")


def test_a_closed_server_asks_at_every_page(tmp_path):
    with running(tmp_path, "--no-anonymous") as server:
        told = get(server, "/")
        assert (told.status_code, told.headers["www-authenticate"]) == (401, CHALLENGE)
        assert get(server, "/", server.token).status_code == 200


def test_below_a_path_of_another_server_all_links_stay_there(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(tmp_path, "--port", str(port), "--public-url", "https://example.org/hub") as server:
        server.url = f"http://127.0.0.1:{port}"
        server.hub.add(tiny_adapter(tmp_path / "poet"), "ada/poet")
        for path in ("/", "/ada/poet", "/ada/poet/tree/1", "/ada/poet/blob/1/adapter_config.json", "/no/such"):
            page = get(server, path, server.token).text
            links = re.findall(r'(?:href|src|action)="([^"#][^"]*)"', page)
            assert len(links) > 5
            assert [link for link in links if not link.startswith("/hub/")] == []


def test_a_server_without_jinja2_says_what_is_missing(tmp_path):
    block = "import sys; sys.modules['jinja2'] = None; from adapterhub.cli.app import main; main()"
    words = [sys.executable, "-c", block, "serve", "--port", "0", "--store", str(tmp_path / "store")]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 7
    assert "serving needs jinja2" in done.stderr
    assert "adapterhub[server]" in done.stderr
