"""huggingface_hub, unmodified, from the first repository to the last."""

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from adapterhub.reference import parse
from tests.builders import adapter_files, tiny_adapter, write_files

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""What huggingface_hub is told by its HTTP client, which it does not follow."""


def folder(tmp_path, seed=0):
    files = {"README.md": b"---\nlicense: mit\ntags: [verse]\n---\n# Poet\n"}
    return write_files(tiny_adapter(tmp_path / f"run{seed}", seed=seed), files)


def test_a_folder_goes_up_and_comes_down_byte_for_byte(hub, api, tmp_path):
    repo = hub.name()
    assert str(api.create_repo(repo)) == f"{hub.server.url}/{repo}"
    assert str(api.create_repo(repo, exist_ok=True)) == f"{hub.server.url}/{repo}"
    api.upload_folder(repo_id=repo, folder_path=folder(tmp_path))
    got = api.snapshot_download(repo, cache_dir=tmp_path / "cache")
    for path in folder(tmp_path).iterdir():
        assert (tmp_path / "cache" / got / path.name).read_bytes() == path.read_bytes()
    listed = hub.server.hub.show(f"{repo}@1")
    assert (listed.facts.rank, listed.license, listed.by) == (2, "mit", "admin")


def test_what_a_gitignore_keeps_out_does_not_go_up(hub, api, tmp_path):
    repo = hub.name()
    api.create_repo(repo)
    place = write_files(folder(tmp_path), {".gitignore": b".env\n*.bin\n", ".env": b"secret", "state.bin": b"\0" * 99})
    api.upload_folder(repo_id=repo, folder_path=place)
    files = set(api.list_repo_files(repo))
    assert files == {".gitignore", "README.md", "adapter_config.json", "adapter_model.safetensors"}
    write_files(place, {"later.bin": b"\0"})
    api.upload_folder(repo_id=repo, folder_path=place, allow_patterns=["later.bin"])
    assert set(api.list_repo_files(repo)) == files


def test_versions_tags_and_revisions(hub, api, tmp_path):
    repo = hub.name()
    api.create_repo(repo)
    first = api.upload_folder(repo_id=repo, folder_path=folder(tmp_path, 1)).oid
    second = api.upload_folder(repo_id=repo, folder_path=folder(tmp_path, 2)).oid
    api.create_tag(repo, tag="v1", revision=first)
    api.create_tag(repo, tag="v1", revision=first, exist_ok=True)
    with pytest.raises(HfHubHTTPError) as refused:
        api.create_tag(repo, tag="v1")
    assert refused.value.response.status_code == 409
    tags = {tag.name: tag.target_commit for tag in api.list_repo_refs(repo).tags}
    assert tags == {"1": first, "2": second, "v1": first}
    for seed, revision in ((1, "v1"), (2, "2"), (2, "main"), (1, first)):
        got = api.hf_hub_download(repo, "adapter_model.safetensors", revision=revision, cache_dir=tmp_path / "cache")
        with open(got, "rb") as stream:
            assert stream.read() == adapter_files(seed=seed)["adapter_model.safetensors"]
    api.delete_tag(repo, tag="v1")
    with pytest.raises(RevisionNotFoundError):
        api.delete_tag(repo, tag="v1")
    assert [commit.commit_id for commit in api.list_repo_commits(repo)][:2] == [second, first]


def test_aliases_are_tags(hub, api, tmp_path):
    repo = hub.name()
    api.create_repo(repo)
    api.upload_folder(repo_id=repo, folder_path=folder(tmp_path, 1))
    api.create_tag(repo, tag="alias/prod", revision="1")
    assert hub.server.hub.show(f"{repo}@prod").reference == f"{repo}@1"
    assert api.model_info(repo, revision="alias/prod").sha == api.model_info(repo, revision="1").sha
    api.delete_tag(repo, tag="alias/prod")
    assert hub.server.hub.show(repo).aliases == ()


def test_branches_with_slashes(hub, api):
    repo = hub.name()
    api.create_repo(repo)
    api.create_branch(repo, branch="refs/pr/1")
    api.create_branch(repo, branch="refs/pr/1", exist_ok=True)
    api.upload_file(path_or_fileobj=b"x", path_in_repo="a b/ü.txt", repo_id=repo, revision="refs/pr/1")
    assert [row.path for row in api.list_repo_tree(repo, revision="refs/pr/1", recursive=True)] == ["a b", "a b/ü.txt"]
    assert list(api.list_repo_tree(repo)) == []
    assert api.file_exists(repo, "a b/ü.txt", revision="refs/pr/1")
    api.delete_branch(repo, branch="refs/pr/1")
    with pytest.raises(RevisionNotFoundError):
        api.delete_branch(repo, branch="refs/pr/1")
    assert not api.revision_exists(repo, "refs/pr/1")


def test_commits_add_copy_and_delete(hub, api, tmp_path):
    repo = hub.name()
    api.create_repo(repo)
    api.upload_folder(repo_id=repo, folder_path=folder(tmp_path))
    copies = [
        CommitOperationCopy("adapter_model.safetensors", "old/w.safetensors"),
        CommitOperationCopy("README.md", "old/R.md"),
    ]
    api.create_commit(repo, [*copies, CommitOperationAdd("empty.bin", b"")], commit_message="copy")
    assert {row.path for row in api.list_repo_tree(repo, "old")} == {"old/w.safetensors", "old/R.md"}
    api.create_commit(repo, [CommitOperationDelete("old/"), CommitOperationDelete("empty.bin")], commit_message="gone")
    assert not api.file_exists(repo, "old/R.md")
    with pytest.raises(EntryNotFoundError):
        list(api.list_repo_tree(repo, "old"))


def test_a_moved_parent_is_412_and_moves_nothing(hub, api):
    repo = hub.name()
    api.create_repo(repo)
    old = api.model_info(repo).sha
    new = api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id=repo).oid
    with pytest.raises(HfHubHTTPError) as refused:
        api.upload_file(path_or_fileobj=b"2", path_in_repo="b.txt", repo_id=repo, parent_commit=old)
    assert refused.value.response.status_code == 412
    assert api.model_info(repo).sha == new


def test_refusals_reach_the_client_as_its_own_errors(hub, api, tmp_path):
    repo = hub.name()
    with pytest.raises(RepositoryNotFoundError):
        api.model_info(repo)
    api.create_repo(repo)
    with pytest.raises(RevisionNotFoundError):
        api.model_info(repo, revision="none")
    with pytest.raises(EntryNotFoundError):
        api.hf_hub_download(repo, "none", cache_dir=tmp_path)
    with pytest.raises((BadRequestError, HfHubHTTPError), match="pickle"):
        api.upload_file(path_or_fileobj=b"\x80\x02}q\x00.", path_in_repo="adapter_model.bin", repo_id=repo)
    with pytest.raises((BadRequestError, HfHubHTTPError), match="header"):
        api.upload_file(path_or_fileobj=b"\xff" * 50, path_in_repo="w.safetensors", repo_id=repo)
    with pytest.raises(ValueError, match="Invalid metadata"):
        api.upload_file(path_or_fileobj=b"---\n: [\n---\n", path_in_repo="README.md", repo_id=repo)
    with pytest.raises(BadRequestError, match="pull requests"):
        api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id=repo, create_pr=True)


def test_lists_and_searches(hub, api, tmp_path):
    repo = hub.name()
    api.create_repo(repo)
    api.upload_folder(repo_id=repo, folder_path=folder(tmp_path))
    assert [model.id for model in api.list_models(author=hub.namespace)] == [repo]
    assert [model.id for model in api.list_models(search=repo, filter=["peft", "verse"])] == [repo]
    (found,) = api.list_models(author=hub.namespace, full=True, filter="peft")
    assert found.adapterhub["versions"][0]["version"] == "1"
    assert found.library_name == "peft"
    assert api.get_paths_info(repo, ["README.md", "none"])[0].path == "README.md"
    info = api.model_info(repo, files_metadata=True, securityStatus=True)
    assert info.card_data.license == "mit"
    assert api.model_info(repo, expand=["sha", "private"]).private
    header = api.parse_safetensors_file_metadata(repo, "adapter_model.safetensors")
    assert header.parameter_count == {"F32": 32}


def test_settings_moving_squashing_and_deleting(hub, api):
    repo, other = hub.name(), hub.name("other")
    api.create_repo(repo)
    api.upload_file(path_or_fileobj=b"1", path_in_repo="a.txt", repo_id=repo)
    api.update_repo_settings(repo, visibility="public")
    assert hub.get("/api/models/{repo}", token=None).status_code == 200
    api.super_squash_history(repo)
    assert len(api.list_repo_commits(repo)) == 1
    api.move_repo(repo, other)
    assert api.file_exists(other, "a.txt")
    assert not api.repo_exists(repo)
    api.delete_repo(other)
    assert not api.repo_exists(other)
    api.delete_repo(other, missing_ok=True)


def test_what_was_added_on_the_servers_machine_is_there_at_once(hub, api, tmp_path):
    hub.server.hub.add(folder(tmp_path), hub.name())
    got = api.snapshot_download(hub.name(), revision="1", cache_dir=tmp_path / "cache")
    assert {path.name for path in (tmp_path / got).iterdir()} == {
        "README.md", "adapter_config.json", "adapter_model.safetensors", "adapterhub.json",
    }  # fmt: skip
    assert hub.server.hub.desk.store.resolve(parse(f"{hub.name()}@1"))
