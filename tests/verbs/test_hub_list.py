"""The list of a server: the newest version of each, for those who may see it."""

import base64

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub.answers import RepoNotFound
from adapterhub.reference import Name, parse
from adapterhub.verbs.hub_history import caught_up, info
from adapterhub.verbs.hub_list import Asked, after, alternatives, cursor, listed
from adapterhub.verbs.hub_look import find
from adapterhub.verbs.hub_model import model
from adapterhub.verbs.hub_repos import delete, set_private
from tests.builders import adapter_files, entry
from tests.verbs.hub_ground import POET, desk_in, repository, send

ALL = None


@pytest.fixture
def desk(tmp_path):
    """Three adapters: ada/poet twice, bob/poet with a tag, bob/writer that everybody may see."""
    desk = desk_in(tmp_path)
    desk.store.publish(entry(1), parse("ada/poet"))
    desk.store.publish(entry(2), parse("ada/poet"))
    desk.store.publish(entry(3, notes=[("tags", {"add": ["verse"]}), ("license", {"id": "MIT"})]), parse("bob/poet"))
    desk.store.publish(entry(4, rank=4), parse("bob/writer"))
    set_private(desk, Name("bob", "writer"), False)
    return desk


def names(desk, **asked):
    return [found.adapter for found, _ in listed(desk, Asked(**{"namespaces": ALL, **asked}))]


def test_each_adapter_is_there_once_the_latest_first(desk):
    assert names(desk) == ["bob/writer", "bob/poet", "ada/poet"]


def test_private_ones_are_for_those_of_their_namespace(desk):
    assert names(desk, namespaces=frozenset()) == ["bob/writer"]
    assert names(desk, namespaces=frozenset({"ada"})) == ["bob/writer", "ada/poet"]


def test_one_that_becomes_private_again_is_seen_no_more(desk):
    assert names(desk, namespaces=frozenset()) == ["bob/writer"]
    set_private(desk, Name("bob", "writer"), True)
    assert names(desk, namespaces=frozenset()) == []


def test_words_authors_tags_formats_licenses_and_bases_are_looked_for(desk):
    assert names(desk, text="POET") == ["bob/poet", "ada/poet"]
    assert names(desk, text="bob poet") == ["bob/poet"]
    assert names(desk, author="Ada") == ["ada/poet"]
    assert names(desk, words=alternatives(["verse"])) == ["bob/poet"]
    assert names(desk, words=alternatives(["peft", "lora", "license:mit"])) == ["bob/poet"]
    assert names(desk, words=alternatives(["transformers"])) == []
    assert len(names(desk, words=alternatives(["base_model:adapter:org/tiny"]))) == 3
    assert len(names(desk, words=alternatives(["base_model:hf:ORG/tiny"]))) == 3
    assert names(desk, words=alternatives(["base_model:org/other"])) == []
    assert names(desk, text="%") == []
    assert (names(desk, text="hf"), names(desk, text="hf:"), len(names(desk, text="hf:org/tiny"))) == ([], [], 3)


def test_a_base_is_found_by_a_part_of_its_name_in_any_case_of_any_script(desk):
    pin = {"evidence": "name", "source": "hf:Ärger/Base_2"}
    desk.store.publish(entry(5, notes=[("base", pin)]), parse("cy/poet"))
    for part, found in (("äRGER/", 1), ("e_2", 1), ("hf:ärger", 1), ("base_model", 0), ("e%2", 0)):
        assert names(desk, base=part) == ["cy/poet"] * found, part
    assert names(desk, words=alternatives(["base_model:Ärger/BASE_2"])) == ["cy/poet"]
    assert len(names(desk, base="TINY")) == 3


def test_a_tag_is_no_license_and_no_base(desk):
    desk.store.note(
        parse("ada/poet"),
        desk.store.say(
            desk.store.resolve(parse("ada/poet")).digest,
            "tags",
            {"add": ["license:mit", "base_model:org/famous", "Odd"]},
        ),
    )
    assert names(desk, words=alternatives(["license:mit"])) == ["bob/poet"]
    assert names(desk, words=alternatives(["base_model:adapter:org/famous"])) == []
    assert names(desk, words=alternatives(["Odd"])) == ["ada/poet"]


def test_parts_of_a_bases_name_and_modules_are_looked_for(desk):
    assert len(names(desk, base="ORG/T")) == 3
    assert names(desk, base="%") == []
    assert names(desk, target="q_proj", author="bob") == ["bob/writer", "bob/poet"]
    assert names(desk, target="q_pro") == []


@pytest.mark.parametrize("question", [{"text": "a " * 60}, {"text": "a" * 60_000}, {"words": (("a",),) * 60}])
def test_a_question_that_no_database_takes_is_refused_and_the_index_stays(desk, question):
    names(desk)
    before = desk.store.layout.index.stat().st_ino
    with pytest.raises(WrongUsage, match="50 words"):
        names(desk, **question)
    assert len(names(desk)) == 3
    assert desk.store.layout.index.stat().st_ino == before


def test_pages_follow_each_other_without_gap(desk):
    seen, at = [], None
    for _ in range(3):
        ((found, _),) = listed(desk, Asked(namespaces=ALL, limit=1, after=at))
        seen.append(found.adapter)
        at = after(cursor(found))
    assert seen == names(desk)
    assert listed(desk, Asked(namespaces=ALL, after=at)) == []


HALF = base64.b64encode(b'["\\ud800", "a"]').decode()


@pytest.mark.parametrize("word", ["?", "bm9wZQ==", "WzFd", HALF])
def test_a_cursor_that_no_page_gave_out_is_refused(word):
    with pytest.raises(WrongUsage, match="none of ours"):
        after(word)


def test_a_full_list_has_versions_and_their_summaries(desk):
    desk.store.alias(parse("ada/poet@1"), "prod")
    caught_up(desk, POET)
    ((_, found),) = listed(desk, Asked(author="ada", namespaces=ALL), full=True)
    told = found.plain()["adapterhub"]
    assert [(one["version"], one["aliases"]) for one in told["versions"]] == [("1", ["prod"]), ("2", [])]
    assert told["summaries"]["2"]["facts"]["rank"] == 2
    assert {file.path for file in found.files} >= {"adapter_config.json", "README.md"}


def test_a_list_lays_nothing_into_histories(desk):
    before = sorted((desk.store.root / "repos").rglob("*"))
    listed(desk, Asked(namespaces=ALL), full=True)
    assert sorted((desk.store.root / "repos").rglob("*")) == before


def test_a_model_tells_its_card_its_files_and_its_versions(tmp_path):
    desk = repository(tmp_path)
    card = b"---\nlicense: mit\npipeline_tag: text-generation\ntags: [verse]\n---\n# Poet\n"
    made = send(desk, {**adapter_files(), "README.md": card})
    told = model(desk, POET, info(desk, POET), *find(desk, POET, "main")).plain(blobs=True)
    assert (told["id"], told["sha"], told["private"]) == ("ada/poet", made.oid, True)
    assert told["cardData"]["license"] == "mit"
    assert set(told["tags"]) == {
        "verse", "peft", "lora", "text-generation", "license:mit", "base_model:org/tiny", "base_model:adapter:org/tiny",
    }  # fmt: skip
    assert told["safetensors"] == {"parameters": {"F32": 32}, "total": 32}
    assert told["adapterhub"]["versions"][0]["commit"] == made.oid
    assert told["adapterhub"]["removed"] == []
    weights = next(file for file in told["siblings"] if file["rfilename"] == "adapter_model.safetensors")
    assert weights["lfs"]["sha256"] == desk.store.history.commit(POET, made.oid).file(weights["rfilename"]).sha256


def test_the_list_forgets_what_is_deleted(desk):
    delete(desk, POET)
    assert names(desk) == ["bob/writer", "bob/poet"]
    with pytest.raises(RepoNotFound):
        info(desk, POET)
