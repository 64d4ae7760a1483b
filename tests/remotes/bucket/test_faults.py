"""What a bucket's servers refuse, in words: what and where, what to do, and never a secret."""

import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from adapterhub.errors import AdapterHubError, BadReference, NotFound, Refused, Unreachable, WrongUsage
from adapterhub.hub import Hub
from adapterhub.remotes.bucket import Bucket
from adapterhub.remotes.table import check_url
from tests.builders import POET, entry, filled, read_all, tiny_adapter
from tests.cli.builders import CommandLine
from tests.remotes.bucket.servers import environment, free_port
from tests.remotes.bucket.trees import keys, upload

SECRET = "wJalrXUtnFEMI/K7MDENG"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment("http://127.0.0.1:9").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)


def test_a_server_that_ignores_conditions_is_found_out_and_only_read(deaf: str, tmp_path: Path) -> None:
    upload(filled(tmp_path / "store", "ada/poet").root, deaf)
    before = set(keys(deaf)) | {"incoming/probe"}
    hub = Hub.open(tmp_path / "mine")
    hub.add(tiny_adapter(tmp_path / "a", seed=7), "ada/ode")
    kind = hub.remote_add("team", deaf).kind
    assert kind.startswith("a bucket, read only: its server ignores If-None-Match, so two writers could overwrite")
    assert hub.remote_test("team").kind.startswith("read only: its server ignores If-None-Match")
    with pytest.raises(Refused, match="its server ignores If-None-Match") as refusal:
        hub.push(["ada/ode"])
    assert "adapterhub serve" in refusal.value.hint
    bucket = Bucket(deaf)
    for refused in (lambda: bucket.alias(POET, "prod"), lambda: bucket.remove(POET)):
        with pytest.raises(Refused):
            refused()
    assert set(keys(deaf)) == before
    assert read_all(bucket.open(bucket.resolve(POET).digest)).keys() == {
        "adapter_config.json",
        "adapter_model.safetensors",
    }
    assert hub.pull(["ada/poet"])[0].reference == "ada/poet@1"


def test_a_bucket_that_is_not_there_is_named(url: str) -> None:
    for ask in (
        lambda bucket: list(bucket.list()),
        lambda bucket: bucket.publish(entry(), POET),
        lambda bucket: bucket.able(),
    ):
        with pytest.raises(NotFound, match=r"^s3://nobucket/x: there is no such bucket$"):
            ask(Bucket("s3://nobucket/x"))


def test_a_place_without_a_registry_says_who_makes_one(url: str) -> None:
    with pytest.raises(NotFound, match=r"no registry there \(registry\.json is missing\)") as refusal:
        list(Bucket(url).list())
    assert "the first push creates it" in refusal.value.hint


def test_a_server_that_does_not_answer_is_unreachable(secret: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://ada:hush@127.0.0.1:{free_port()}")
    with pytest.raises(
        Unreachable, match=r"s3://reg/x/registry\.json: 127\.0\.0\.1:\d+: nobody answers there"
    ) as refusal:
        Bucket("s3://reg/x").exists()
    assert "is AWS_ENDPOINT_URL right" in refusal.value.hint
    assert not any(word in f"{refusal.value}{refusal.value.hint}" for word in (SECRET, "hush"))


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("http://nowhere.invalid:9000", r"nowhere\.invalid:9000: no machine has this name"),
        ("https://127.0.0.1:{port}", r"127\.0\.0\.1:\d+: it does not speak HTTPS"),
    ],
)
def test_why_there_is_no_answer_is_told(
    answering: type["Answering"], monkeypatch: pytest.MonkeyPatch, endpoint: str, why: str
) -> None:
    port = os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint.format(port=port))
    with pytest.raises(Unreachable, match=why):
        Bucket("s3://reg/x").exists()


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("nonsense", "is no address of a server"),
        ("ftp://host", "is no address of a server"),
        ("http://host:99999", "is no address of a server"),
        ("http://[::1", "is no address of a server"),
        ("http://ada:hush@host", "begins with http://, which sends everything in the clear"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_unseen(
    secret: None, monkeypatch: pytest.MonkeyPatch, endpoint: str, why: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "false")
    with pytest.raises(WrongUsage, match=f"AWS_ENDPOINT_URL {why}") as refusal:
        Bucket("s3://reg/x").exists()
    assert "hush" not in f"{refusal.value}{refusal.value.hint}"


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "GOOGLE", "AZURE"])
def test_without_credentials_it_says_which_are_wanted(secret: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{free_port()}/metadata")
    scheme = {"AWS_ACCESS_KEY_ID": "s3", "GOOGLE": "gs", "AZURE": "az"}[name]
    with pytest.raises(Refused, match=f"{scheme}://reg/x: no credentials were found") as refusal:
        Bucket(f"{scheme}://reg/x").exists()
    assert name in refusal.value.hint


class Answering(BaseHTTPRequestHandler):
    """A server that says one thing."""

    answer = (403, b"")

    def do_GET(self) -> None:
        status, body = self.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 14:00:00 GMT")
        self.send_header("ETag", '"x"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_PUT = do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answering(secret: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answering]]:
    handler = type("Told", (Answering,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        yield handler
        server.shutdown()


def error(code: str) -> bytes:
    """What S3 says of an error, with a region and with what is nobody's business."""
    return f"<Error><Code>{code}</Code><Region>eu-central-1</Region><Key>hush</Key></Error>".encode()


SIGNED = (
    b"<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>S3RVER</AWSAccessKeyId>"
    b"<StringToSign>hush</StringToSign></Error>"
)


@pytest.mark.parametrize(
    ("status", "body", "kind", "why"),
    [
        (403, SIGNED, Refused, r"the credentials are not accepted \(SignatureDoesNotMatch\)"),
        (400, error("ExpiredToken"), Refused, r"the credentials are not accepted \(ExpiredToken\)"),
        (403, error("AccessDenied"), Refused, r"access is not permitted \(AccessDenied\)"),
        (403, error("RequestTimeTooSkewed"), Refused, "this machine's clock and the server's differ"),
        (400, error("InvalidBucketName"), NotFound, "^s3://reg/x: there is no such bucket$"),
        (400, error("AuthorizationHeaderMalformed"), Unreachable, "it is in another region: eu-central-1"),
        (507, error("XMinioStorageFull"), Refused, r"the bucket is full \(XMinioStorageFull\)"),
        (405, b"hush", Refused, r"the server cannot do what is asked \(HTTP 405\)"),
        (401, b"hush", Refused, r"access is not permitted \(HTTP 401\)"),
        (501, b"<Error><Code>NotImplemented</Code></Error>", Refused, "cannot do what is asked"),
        (301, b"hush", Unreachable, "it is in another region"),
        (400, b"<Error><Code>InvalidRequest</Code></Error>hush", Unreachable, "InvalidRequest"),
        (200, b"not a registry", AdapterHubError, "registry.json holds b'not a registry'"),
    ],
)
def test_what_a_server_answers_is_told_without_its_words(
    answering: type[Answering], status: int, body: bytes, kind: type[AdapterHubError], why: str
) -> None:
    answering.answer = (status, body)
    with pytest.raises(kind, match=why) as refusal:
        Bucket("s3://reg/x").exists()
    told = f"{refusal.value}{refusal.value.hint}"
    assert not any(word in told for word in ("hush", SECRET, "S3RVER"))


def test_a_bucket_one_may_not_write_to_is_read_only(answering: type[Answering]) -> None:
    answering.answer = (200, b'{"layout":1}')
    answering.do_PUT = lambda self: (setattr(self, "answer", (403, SIGNED)), self.do_GET())  # type: ignore[assignment,method-assign]
    assert (
        Bucket("s3://reg/x").able()
        == "read only: incoming/probe: the credentials are not accepted (SignatureDoesNotMatch)"
    )


def test_without_obstore_it_says_what_to_install(secret: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(Refused, match=r"buckets need obstore\.store, which is not installed") as refusal:
        Bucket("s3://reg/x").exists()
    assert refusal.value.hint == "pip install 'adapterhub[s3]'"


@pytest.mark.parametrize("prefix", ["../x", "a/../b", "./a", "a//b", "/a", "%2e%2e/x"])
def test_a_prefix_that_leads_elsewhere_than_it_looks_is_refused(secret: None, prefix: str) -> None:
    with pytest.raises(BadReference, match="its prefix has an empty piece"):
        Bucket(f"s3://reg/{prefix}")


@pytest.mark.parametrize("url", ["s3://reg", "s3://reg/a/b", "gs://reg/x", "az://container/x"])
def test_the_addresses_of_buckets(url: str) -> None:
    assert check_url(url) == url


def test_the_command_line_pushes_to_a_bucket_and_keeps_no_secret(url: str, tmp_path: Path) -> None:
    run = CommandLine(tmp_path / "store", tmp_path)
    tiny_adapter(tmp_path / "poet")
    run("add", "./poet", "ada/poet")
    assert "writable" in run("remote", "add", "team", url, AWS_SECRET_ACCESS_KEY=SECRET).out
    run("push", "ada/poet", AWS_SECRET_ACCESS_KEY=SECRET)
    assert run("list", "--remote", "team", "--json").json[0]["reference"] == "ada/poet@1"
    kept = [path for path in (tmp_path / "store").rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert kept == []
    ran = run("push", "ada/poet", "--offline", code=8)
    assert "--offline" in ran.err
