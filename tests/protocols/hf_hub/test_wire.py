"""The JSON a Hub's clients read: huggingface_hub is the judge."""

from huggingface_hub import ModelInfo
from huggingface_hub.hf_api import GitCommitInfo, GitRefInfo, RepoFile, RepoFolder

from adapterhub.protocols.hf_hub.wire import Model, Stored, commit_row, is_large, moment, pointer, refs, rows

FILES = (
    Stored("README.md", 5, "1" * 40),
    Stored("in/deep/a.json", 7, "2" * 40),
    Stored("in/w.safetensors", 90, "3" * 40, "a" * 64),
    Stored("inside", 1, "4" * 40),
)
MODEL = Model("ada/poet", "c" * 40, "2026-01-02T03:04:05Z", "2026-02-03T04:05:06.789012Z", True, files=FILES)


def test_the_client_reads_a_model_and_its_files():
    read = ModelInfo(**MODEL.plain(blobs=True))
    assert (read.id, read.sha, read.private, read.author) == ("ada/poet", "c" * 40, True, "ada")
    assert read.last_modified.isoformat() == "2026-02-03T04:05:06.789000+00:00"
    assert [(file.rfilename, file.size) for file in read.siblings][:2] == [("README.md", 5), ("in/deep/a.json", 7)]
    assert (read.siblings[2].lfs.sha256, read.siblings[2].lfs.size) == ("a" * 64, 90)
    assert read.siblings[0].lfs is None


def test_sizes_are_told_where_they_are_asked_for():
    assert ModelInfo(**MODEL.plain()).siblings[0].size is None


def test_only_what_is_asked_for_comes_when_fields_are_named():
    assert set(MODEL.expanded(["sha", "nonsense"])) == {"_id", "id", "sha"}


def test_nothing_speaks_of_xet():
    assert "xet" not in str(MODEL.plain(blobs=True)).lower() + str(rows(FILES, "", recursive=True)).lower()


def test_a_folder_is_listed_with_the_folders_in_it():
    assert [(row["type"], row["path"]) for row in rows(FILES, "", recursive=False)] == [
        ("file", "README.md"),
        ("directory", "in"),
        ("file", "inside"),
    ]
    assert [row["path"] for row in rows(FILES, "in", recursive=False)] == ["in/deep", "in/w.safetensors"]
    assert rows(FILES, "none", recursive=True) == []


def test_a_recursive_list_has_every_file_and_folder():
    found = rows(FILES, "", recursive=True)
    assert [row["path"] for row in found] == [
        "README.md", "in", "in/deep", "in/deep/a.json", "in/w.safetensors", "inside",
    ]  # fmt: skip
    assert RepoFile(**found[4]).lfs.sha256 == "a" * 64
    assert RepoFolder(**found[1]).tree_id != RepoFolder(**found[2]).tree_id


def test_the_id_of_a_folder_changes_with_what_is_in_it():
    other = (*FILES[:2], Stored("in/w.safetensors", 90, "5" * 40, "b" * 64))
    ids = [{row["path"]: row["oid"] for row in rows(each, "", recursive=True)} for each in (FILES, other)]
    assert ids[0]["in"] != ids[1]["in"]
    assert ids[0]["in/deep"] == ids[1]["in/deep"]


def test_the_client_reads_refs_and_commits():
    told = refs({"main": "a" * 40}, {"1": "b" * 40}, pulls=True)
    assert GitRefInfo(**{"name": "main", "ref": "refs/heads/main", "target_commit": "a" * 40}).name == "main"
    assert told["branches"] == [{"name": "main", "ref": "refs/heads/main", "targetCommit": "a" * 40}]
    assert told["tags"][0]["ref"] == "refs/tags/1"
    assert (told["converts"], told["pullRequests"]) == ([], [])
    row = commit_row("a" * 40, "a title", "more", "2026-01-02T03:04:05Z", "")
    assert row["authors"] == [{"user": "unknown"}]
    assert GitCommitInfo.__annotations__.keys() >= {"title", "message"}


def test_large_files_are_known_by_name_size_or_a_zero_byte():
    assert is_large("W.SAFETENSORS", 1, b"")
    assert is_large("a.txt", 2 << 20, b"text")
    assert is_large("picture", 10, b"a\0b")
    assert not is_large("a.json", 10, b"{}")
    assert not is_large("empty.bin", 0, b"")  # LFS knows no empty files


def test_a_pointer_is_what_git_lfs_writes():
    assert pointer("a" * 64, 12).startswith(b"version https://git-lfs.github.com/spec/v1\noid sha256:aaaa")
    assert pointer("a" * 64, 12).endswith(b"\nsize 12\n")


def test_a_time_that_is_none_is_the_first():
    assert moment("yesterday") == "1970-01-01T00:00:00.000Z"
    assert moment("2026-01-02T03:04:05+02:00") == "2026-01-02T01:04:05.000Z"
