"""Odd things have pages too: what is damaged, empty, of another kind, or asked for in words that lead elsewhere."""

import json
from urllib.parse import quote

import pytest

from adapterhub.digest import Digest
from adapterhub.reference import Name
from adapterhub.verbs.hub_repos import create
from tests.builders import tiny_adapter, tiny_base, write_files
from tests.server.running import running

HTML = {"Accept": "text/html"}
PLACES = (
    "/{}/poet", "/ada/{}", "/ada/poet/tree/{}", "/ada/poet/tree/main/{}", "/ada/poet/blob/{}/README.md",
    "/ada/poet/blob/main/{}", "/ada/poet/commits/{}", "/ada/poet/commit/{}", "/bases/{}", "/static/{}",
    "/?q={}", "/?base={}", "/?target={}", "/?namespace={}", "/?tag={}", "/?cursor={}", "/login?next={}",
)  # fmt: skip
WORDS = (
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "a%00",
    "..%5c",
    "%2Fetc%2Fpasswd",
    "%ff",
    "%252e%252e",
    "%F0%9F%8E%B5",
    "%0d%0a",
)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    with running(folder) as server:
        hub = server.hub
        for seed in (1, 2):
            hub.add(tiny_adapter(folder / f"poet{seed}", seed=seed), "ada/poet")
        hub.add(write_files(folder / "rows", {"rows.csv": b"text,label\na,1\n"}), "ada/rows")
        hub.add(folder / "poet1", "bases/x")
        hub.add(tiny_base(folder / "tiny"), "ada/base")
        hub.base_add("ada/base")
        create(hub.desk, Name("ada", "empty"), private=True)
        weights = (folder / "poet1" / "adapter_model.safetensors").read_bytes()
        config = {"fine_tune_type": "lora", "num_layers": 1, "lora_parameters": {"rank": 2, "scale": 2.0, "dropout": 0}}
        files = {"adapters.safetensors": weights, "adapter_config.json": json.dumps(config).encode()}
        hub.add(write_files(folder / "mlx", files), "ada/mlx")
        yield server


def get(server, path):
    answer = server.ask("GET", path, headers=HTML)
    assert str(server.home) not in answer.text
    return answer


def test_an_empty_repository_has_a_page(odd):
    answer = get(odd, "/ada/empty")
    assert answer.status_code == 200
    assert "No files yet." in answer.text


def test_data_and_models_have_pages_without_a_fit(odd):
    for name in ("ada/rows", "ada/base"):
        text = get(odd, f"/{name}").text
        assert "<dt>Kind</dt>" in text
        assert "Fit with the bases" not in text


def test_what_turns_text_round_and_controls_are_shown_as_codes(odd):
    words = "a\u202eb\x9bc\x1bd\u2066e"
    files = {"README.md": f"# {words}\n\n`{words}`\n".encode(), "notes.txt": words.encode()}
    poet = {path.name: path.read_bytes() for path in (odd.home.parent / "poet1").iterdir()}
    folder = write_files(odd.home.parent / "turned", files | poet)
    odd.hub.add(folder, "ada/turned")
    odd.hub.note("ada/turned", {"said": words})
    for path in ("/ada/turned", "/ada/turned/tree/main", "/ada/turned/commits/main", f"/?q={quote(words)}"):
        answer = get(odd, path)
        assert answer.status_code == 200
        assert not set("\u202e\x9b\x1b\u2066") & set(answer.text)
    text = get(odd, "/ada/turned").text
    assert text.count("a\\u202eb\\x9bc\\x1bd\\u2066e") >= 2


def test_what_is_not_audited_says_why(odd):
    assert "only PEFT folders are audited" in get(odd, "/ada/mlx").text


def test_a_base_that_is_an_entry_has_a_page(odd):
    (base,) = odd.hub.base_list()
    text = get(odd, f"/bases/{base.card.removeprefix('sha256:')}").text
    assert "ada/poet@2" in text


def test_a_version_that_cannot_be_read_hides_no_other(odd):
    digest = odd.hub.show("ada/poet@2").digest
    get(odd, "/ada/poet")
    blob = odd.hub.desk.store.layout.blob(Digest.parse(digest))
    data, mode = blob.read_bytes(), blob.stat().st_mode
    blob.chmod(0o644)
    try:
        blob.write_bytes(b"{}")
        answer = get(odd, "/ada/poet")
        assert answer.status_code == 200
        assert "This version cannot be read" in answer.text
        assert "This version cannot be read" not in get(odd, "/ada/poet/tree/1").text
        assert get(odd, "/").status_code == 200
    finally:
        blob.write_bytes(data)
        blob.chmod(mode)


@pytest.mark.parametrize("word", WORDS)
def test_no_word_leads_elsewhere_or_makes_a_fault(odd, word):
    for place in PLACES:
        answer = get(odd, place.format(word))
        assert answer.status_code < 500, place
        assert "root:" not in answer.text
        assert "\r" not in answer.headers.get("location", "")


def test_an_adapter_whose_namespace_is_called_as_a_page_is_shown(odd):
    (digest,) = (digest for digest, _ in odd.hub.desk.store.cards())
    assert "tiny" in get(odd, f"/bases/{digest.hex}").text
    for path in ("/bases/x", "/bases/x/tree/1", "/bases/x/blob/1/README.md"):
        answer = get(odd, path)
        assert (answer.status_code, "bases/x" in answer.text) == (200, True)
    assert get(odd, f"/bases/{'0' * 64}").status_code == get(odd, "/bases/y").status_code == 404
    for path in ("/datasets/x", "/static/x"):
        answer = get(odd, path)
        assert (answer.status_code, "has" in answer.text and "page" in answer.text) == (404, True)
