"""A server of ours is a registry like any other."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from adapterhub.digest import Digest
from adapterhub.errors import Conflict, NotFound, Refused, Unreachable
from adapterhub.hub import Hub
from adapterhub.protocols.hf_hub.layout import MANIFEST
from adapterhub.reference import parse
from adapterhub.registry import Registry
from adapterhub.remotes.hub import HubRemote
from adapterhub.remotes.table import open_remote
from tests.builders import CARD, POET, digest_of, entry, tiny_adapter, tiny_base, write_files
from tests.contract import RegistryContract, library
from tests.server.running import Running, running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("shelf")) as found:
        library(found.home)
        yield found


class TestHub(RegistryContract):
    @pytest.fixture
    def registry(self, server: Running) -> Registry:
        return open_remote(f"hub+{server.url}")

    @pytest.fixture
    def shelf(self, served: Running, monkeypatch: pytest.MonkeyPatch) -> Registry:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setenv("ADAPTERHUB_TOKEN", served.token)
        return open_remote(f"hub+{served.url}")


@pytest.fixture
def mine(tmp_path: Path, server: Running) -> Hub:
    """A store that knows the server as its remote, with one adapter in it."""
    hub = Hub.open(tmp_path / "mine")
    hub.remote_add("team", f"hub+{server.url}")
    hub.add(write_files(tiny_adapter(tmp_path / "run"), {"README.md": CARD}), "ada/poet", metrics={"accuracy": 0.5})
    return hub


@pytest.fixture
def other(tmp_path: Path, server: Running) -> Hub:
    """Somebody else's store."""
    hub = Hub.open(tmp_path / "other")
    hub.remote_add("team", f"hub+{server.url}")
    return hub


def api(server: Running) -> HfApi:
    return HfApi(server.url, token=server.token)


def test_what_is_known_of_an_entry_travels_with_it(mine: Hub, other: Hub, tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    mine.tag("ada/poet", ["calm"])
    mine.pin("ada/poet", base)
    mine.push(["ada/poet"], "team")
    other.pull(["ada/poet"], "team")
    here, there = mine.show("ada/poet"), other.show("ada/poet")
    assert (there.digest, there.metrics, there.tags, there.card) == (
        here.digest,
        {"accuracy": 0.5},
        ("calm",),
        here.card,
    )
    assert there.base == here.base
    assert [card.layout_digest for card in other.base_list()] == [mine.base_show(base).layout_digest]


def test_an_entry_on_a_hub_is_a_model_repository(mine: Hub, server: Running) -> None:
    mine.push(["ada/poet"], "team", aliases=["prod"])
    info = api(server).model_info("ada/poet")
    assert info.private
    assert info.card_data is not None
    assert info.card_data.base_model == "org/tiny"
    assert info.card_data.library_name == "peft"
    assert "adapterhub" in (info.tags or ())
    (result,) = info.card_data.eval_results
    assert (result.metric_name, result.metric_value) == ("accuracy", 0.5)
    tags = {tag.name for tag in api(server).list_repo_refs("ada/poet").tags}
    assert tags == {"1", "alias/prod"}


def test_the_persons_words_stand_below_ours(mine: Hub, server: Running, tmp_path: Path) -> None:
    mine.push(["ada/poet"], "team")
    path = api(server).hf_hub_download("ada/poet", "README.md", cache_dir=tmp_path / "cache")
    assert Path(path).read_text().endswith("# Gedicht\nfür dich\n")


def test_who_may_not_make_it_public_hears_so_before_any_byte_travels(mine: Hub, server: Running, monkeypatch, tmp_path):
    mine.push(["ada/poet"], "team")
    mine.add(tiny_adapter(tmp_path / "new", seed=8), "ada/ode")
    monkeypatch.setenv("ADAPTERHUB_TOKEN", server.new_token(f"writer{tmp_path.name}", "write", "ada"))
    mine.note("ada/poet", {"for": "the readers"})
    before = len(server.lines())
    with pytest.raises(Refused, match="ada/ode: to make it public wants a token for admin of ada") as refusal:
        mine.push(["ada/poet", "ada/ode"], "team", public=True)
    assert "push without --public" in refusal.value.hint
    assert "--role admin --namespace ada" in refusal.value.hint
    assert {line["method"] for line in server.lines()[before:] if "method" in line} == {"GET"}
    assert mine.push(["ada/poet"], "team", public=True)[0].reference == "ada/poet@1"  # nothing new becomes public
    assert mine.push(["ada/ode"], "team")[0].reference == "ada/ode@1"


def test_a_strangers_hub_is_asked_by_the_push_itself_what_may_be_public(mine: Hub, stranger: Running, monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi.whoami", lambda _: {"name": "ada", "auth": {}})
    mine.push(["ada/poet"], "team", public=True)
    assert api(stranger).model_info("ada/poet").private is False


@pytest.mark.parametrize("whose", ["server", "stranger"])
def test_a_gitignore_that_keeps_files_of_an_entry_out_is_told_and_nothing_named(mine, tmp_path, request, whose) -> None:
    server = request.getfixturevalue(whose)
    api(server).create_repo("ada/poet")
    api(server).upload_file(path_or_fileobj=b"*.safetensors\n", path_in_repo=".gitignore", repo_id="ada/poet")
    with pytest.raises(
        Refused, match=r"ada/poet: the \.gitignore there keeps out adapter_model\.safetensors"
    ) as refusal:
        mine.push(["ada/poet"], "team")
    assert "change that file" in refusal.value.hint
    assert api(server).list_repo_refs("ada/poet").tags == []
    api(server).delete_file(".gitignore", "ada/poet")
    assert mine.push(["ada/poet"], "team")[0].reference == "ada/poet@1"


def test_what_is_new_is_private_unless_it_is_to_be_public(mine: Hub, server: Running, tmp_path: Path) -> None:
    mine.push(["ada/poet"], "team", public=True)
    assert api(server).model_info("ada/poet").private is False
    with pytest.raises(Refused, match="only what lies on a Hub"):
        mine.push(["ada/poet"], str(tmp_path / "folder"), public=True)


def test_a_push_that_finds_everything_makes_no_commit(mine: Hub, server: Running) -> None:
    first = mine.push(["ada/poet"], "team")
    assert first[0].bytes_sent > 0
    before = api(server).list_repo_commits("ada/poet")
    assert mine.push(["ada/poet"], "team")[0].bytes_sent == 0
    assert [one.commit_id for one in api(server).list_repo_commits("ada/poet")] == [one.commit_id for one in before]


def test_what_is_noted_later_is_pushed_without_the_files(mine: Hub, other: Hub) -> None:
    mine.push(["ada/poet"], "team")
    mine.note("ada/poet", {"rouge": 0.25})
    assert mine.push(["ada/poet"], "team")[0].bytes_sent == 0
    other.pull(["ada/poet"], "team")
    assert other.show("ada/poet").metrics == {"accuracy": 0.5, "rouge": 0.25}


def test_a_push_that_was_cut_off_before_its_tag_only_sets_the_tag(mine: Hub, server: Running) -> None:
    mine.push(["ada/poet"], "team")
    api(server).delete_tag("ada/poet", tag="1")
    commits = len(api(server).list_repo_commits("ada/poet"))
    assert mine.push(["ada/poet"], "team")[0].bytes_sent == 0
    assert len(api(server).list_repo_commits("ada/poet")) == commits


def test_whoever_is_overtaken_builds_on_what_the_other_did(mine: Hub, server: Running, monkeypatch) -> None:
    mine.push(["ada/poet"], "team")
    asked: list[str] = []
    commit = HfApi.create_commit

    def overtaken(self: HfApi, *args: object, **more: object) -> object:
        if not asked:
            asked.append("once")
            api(server).upload_file(path_or_fileobj=b"x", path_in_repo="other.txt", repo_id="ada/poet")
        return commit(self, *args, **more)

    monkeypatch.setattr(HfApi, "create_commit", overtaken)
    remote = open_remote(f"hub+{server.url}")
    assert remote.publish(entry(5), POET).reference.pin == "2"
    files = api(server).list_repo_files("ada/poet", revision="2")
    assert {"other.txt", MANIFEST, "adapter_model.safetensors"} <= set(files)


def test_files_of_the_version_before_go_with_it(server: Running) -> None:
    from tests.builders import adapter_files, entry_of

    remote = open_remote(f"hub+{server.url}")
    remote.publish(entry_of({**adapter_files(), "vocab.txt": b"a"}), POET)
    remote.publish(entry(1), POET)
    assert "vocab.txt" in api(server).list_repo_files("ada/poet", revision="1")
    assert "vocab.txt" not in api(server).list_repo_files("ada/poet", revision="2")


def on_a_branch(server: Running, repo: str, folder: Path) -> None:
    """A commit that has no tag, on a branch of its own."""
    api(server).create_branch(repo, branch="dev")
    api(server).upload_folder(repo_id=repo, folder_path=folder, revision="dev", delete_patterns=MANIFEST)


def test_what_has_no_version_gets_a_number_that_means_nothing_there_either(mine, other, server, tmp_path) -> None:
    mine.push(["ada/poet"], "team")
    on_a_branch(server, "ada/poet", tiny_adapter(tmp_path / "dev", seed=7))
    assert other.pull(["team:ada/poet@dev"])[0].reference == "ada/poet@2"
    assert other.pull(["team:ada/poet@dev"])[0].reference == "ada/poet@2"
    assert other.pull(["team:ada/poet@1"])[0].reference == "ada/poet@1"
    other.add(tiny_adapter(tmp_path / "own", seed=8), "ada/poet")
    assert {row.reference for row in other.list()} == {"ada/poet@1", "ada/poet@2", "ada/poet@3"}


def test_what_is_pulled_by_its_digest_takes_no_number_of_another_version_there(mine, other, server, tmp_path) -> None:
    mine.add(tiny_adapter(tmp_path / "second", seed=6), "ada/poet")
    mine.push(["ada/poet@1", "ada/poet@2"], "team")
    other.add(tiny_adapter(tmp_path / "own", seed=8), "ada/poet")
    first = mine.show("ada/poet@1").digest
    assert other.pull([f"team:ada/poet@{first}"])[0].reference == "ada/poet@3"
    assert other.pull(["team:ada/poet@2"])[0].reference == "ada/poet@2"


def test_an_alias_moves_only_when_it_is_named_and_is_as_it_was_thought_to_be(server: Running) -> None:
    remote = open_remote(f"hub+{server.url}")
    assert isinstance(remote, HubRemote)
    for seed in range(2):
        remote.publish(entry(seed), POET)
    assert remote.alias(POET.at("1"), "prod").aliases == ("prod",)
    assert remote.alias(POET.at("2"), "prod", "1").aliases == ("prod",)
    assert remote.resolve(POET.at("prod")).reference.pin == "2"
    with pytest.raises(Conflict, match="the alias prod means 2, not 1"):
        remote.alias(POET.at("1"), "prod", "1")
    with pytest.raises(Conflict, match="is a version"):
        remote.alias(POET.at("1"), "2")


def test_bytes_that_are_there_under_another_name_are_not_sent_again(server: Running) -> None:
    remote = open_remote(f"hub+{server.url}")
    remote.publish(entry(size=400), POET)
    again = remote.publish(entry(size=400), parse("ada/twin"))
    assert again.received < entry(size=400).manifest.size


def test_without_a_token_nothing_is_written_and_the_reason_is_told(mine: Hub, monkeypatch) -> None:
    monkeypatch.delenv("ADAPTERHUB_TOKEN")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", "/nowhere")
    with pytest.raises(Refused, match="no token was sent"):
        mine.push(["ada/poet"], "team")
    with pytest.raises(NotFound, match="no token was sent"):
        mine.pull(["ada/poem"], "team")


def test_a_wrong_token_is_told_apart_from_a_missing_repository(mine: Hub, monkeypatch) -> None:
    with pytest.raises(NotFound, match="ada/none: no such repository, or one that this token may not see"):
        mine.pull(["ada/none"], "team")
    monkeypatch.setenv("ADAPTERHUB_TOKEN", "ah_wrong")
    with pytest.raises((Refused, NotFound)) as refusal:
        mine.pull(["ada/poet"], "team")
    assert "ah_wrong" not in f"{refusal.value}{refusal.value.hint}"


@pytest.mark.parametrize("how", ["option", "variable"])
def test_offline_nothing_is_asked(mine: Hub, monkeypatch, how: str) -> None:
    if how == "variable":
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    hub = Hub.open(mine.store, offline=how == "option")
    with pytest.raises(Unreachable, match="not asked"):
        hub.pull(["ada/poet"], "team")


def test_a_remote_says_who_one_is_there(mine: Hub, server: Running) -> None:
    mine.push(["ada/poet"], "team")
    assert mine.remote_test("team").kind == "as admin, admin, 1 version"


def test_what_lies_on_a_hub_can_be_looked_at_without_pulling_it(mine: Hub, other: Hub) -> None:
    mine.push(["ada/poet"], "team")
    assert other.show("team:ada/poet@1").facts.rank == 2
    assert [line.reference for line in other.list("team")] == ["ada/poet@1"]


def test_a_pull_that_broke_goes_on_where_it_stopped(server: Running, other: Hub, monkeypatch) -> None:
    whole = entry(size=400)
    open_remote(f"hub+{server.url}").publish(whole, POET)
    (file,) = (file for file in whole.manifest.files if file.path == "adapter_model.safetensors")
    with whole.files.open(file) as stream:
        part = stream.read(file.size // 2)
    other.desk.store.create()
    write_files(other.store, {f"incoming/{Digest(file.sha256).hex}.part": part})
    assert other.pull(["ada/poet"], "team")[0].bytes_received < whole.manifest.size
    assert digest_of(other.desk.store, "ada/poet") == whole.digest
