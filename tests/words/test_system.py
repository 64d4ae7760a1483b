"""What the system refuses names the file, says what to do next, and has an exit code of its own."""

import errno
import io
from pathlib import Path

import pytest

from adapterhub.digest import copy_and_hash
from adapterhub.durable import beside
from adapterhub.errors import Conflict, Corrupt, NotFound, Refused, Unreachable, WrongUsage
from adapterhub.system import SYSTEM, from_system, naming


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, NotFound),
        (errno.ENODEV, NotFound),
        (errno.EACCES, Refused),
        (errno.EPERM, Refused),
        (errno.EROFS, Refused),
        (errno.ENOSPC, Refused),
        (errno.EDQUOT, Refused),
        (errno.EFBIG, Refused),
        (errno.EMFILE, Refused),
        (errno.EISDIR, Refused),
        (errno.EBADF, Refused),
        (errno.EEXIST, Conflict),
        (errno.ENAMETOOLONG, WrongUsage),
        (errno.EIO, Corrupt),
        (errno.ETIMEDOUT, Unreachable),
    ],
)
def test_every_refusal_has_its_kind_its_file_and_a_hint(number, kind):
    error = from_system(OSError(number, "what it says", "/some/file"))
    assert type(error) is kind
    assert str(error) == "/some/file: what it says"
    assert error.hint


@pytest.mark.parametrize("number", SYSTEM)
def test_no_refusal_is_a_fault_of_ours(number):
    assert from_system(OSError(number, "no")).code > 1


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError("only words"), Refused, "the system: only words"),
        (io.UnsupportedOperation("seek"), Refused, "the system: seek"),
        (TimeoutError(), Unreachable, "the system: TimeoutError"),
        (ConnectionResetError("gone"), Unreachable, "the system: gone"),
        (OSError(errno.EXDEV, "other disk", "/a", None, "/b"), Refused, "/a → /b: other disk"),
        (OSError(errno.EIO, "bad", b"/a\xff"), Corrupt, "/a\udcff: bad"),
        (OSError(errno.EIO, "bad", 3), Corrupt, "the system: bad"),
    ],
)
def test_what_the_system_leaves_out_is_no_hindrance(error, kind, message):
    told = from_system(error)
    assert (type(told), str(told)) == (kind, message)


def test_an_error_gets_the_name_of_its_file_and_keeps_one_it_has():
    with pytest.raises(OSError, match="full") as nameless, naming("/a"):
        raise OSError(errno.ENOSPC, "full")
    assert nameless.value.filename == "/a"
    with pytest.raises(OSError, match="full") as named, naming("/a"):
        raise OSError(errno.ENOSPC, "full", "/b")
    assert named.value.filename == "/b"


def test_what_cannot_be_written_is_named(tmp_path: Path):
    with pytest.raises(OSError, match="full") as refusal, beside(tmp_path):
        raise OSError(errno.ENOSPC, "full")
    assert str(refusal.value.filename).startswith(str(tmp_path))


def test_a_copy_that_cannot_read_names_what_it_read(tmp_path: Path):
    class Rotten(io.RawIOBase):
        name = "/disk/rotten"

        def readinto(self, buffer: object) -> int:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input") as refusal, beside(tmp_path) as (sink, _):
        copy_and_hash(Rotten(), sink)  # type: ignore[arg-type]
    assert refusal.value.filename == "/disk/rotten"
