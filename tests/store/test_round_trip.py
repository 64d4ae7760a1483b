"""What goes in comes out: any files, any manifest, from store to store to folder."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from adapterhub.entry import Entry
from adapterhub.store.check import check
from adapterhub.store.derived import folder_of, write_files
from adapterhub.store.store import Store
from adapterhub.transfer.copy import copy
from tests.builders import POET, entry_of, tree
from tests.words.test_document import JSON, TEXT
from tests.words.test_manifest import PATHS

FILES = st.dictionaries(PATHS, st.binary(max_size=200), max_size=5)
EXTRA = st.fixed_dictionaries(
    {"kind": st.sampled_from(["adapter", "model", "data"])},
    optional={"recipe": st.dictionaries(TEXT, JSON, min_size=1, max_size=2), "later": TEXT.filter(bool)},
)


@settings(max_examples=12)
@given(FILES, EXTRA, st.dictionaries(st.sampled_from("abc"), st.floats(-1, 1), min_size=1))
def test_an_entry_survives_two_stores_and_a_folder(
    files: dict[str, bytes], extra: dict[str, Any], metrics: dict[str, float]
) -> None:
    made = entry_of(files, [("metrics", metrics)], **extra)
    root = Path(tempfile.mkdtemp())
    try:
        first, second = Store(root / "first", "ada"), Store(root / "second", "bob")
        first.publish(made, POET)
        copied = copy(POET, first, second).published
        found = second.open(copied.digest)
        assert (copied.digest, found.manifest, found.notes) == (made.digest, made.manifest, made.notes)
        assert written(found, root / "folder") == files
        assert {k: v for k, v in tree(folder_of(second, made.digest)).items() if v is not None} == files
        assert check(first).ok
        assert check(second).ok
    finally:
        shutil.rmtree(root)


def written(found: Entry, folder: Path) -> dict[str, bytes]:
    write_files(found, folder)
    return {name: data for name, data in tree(folder).items() if data is not None} if folder.exists() else {}
