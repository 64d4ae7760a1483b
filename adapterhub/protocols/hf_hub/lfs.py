"""The batch API of Git LFS, as clients of a Hub use it: what is asked, and what is answered.

Source: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md; the `multipart` transfer is the Hub's own: the
header of an upload holds `chunk_size` and one URL a part, and its `href` is where the file is completed.
"""

from typing import Annotated, Any, Literal, final

from pydantic import BaseModel, Field

__all__ = ["MEDIA", "MOST_PARTS", "Batch", "Completion", "LfsObject", "action", "answered", "refused", "uploads"]

MEDIA = "application/vnd.git-lfs+json"

LARGEST = 1 << 53
"""Above it, a number in JSON is no longer the same for everybody."""

MOST_PARTS = 2000
"""Parts of a file: the word that all were sent, which names each, must fit into a short body."""


@final
class LfsObject(BaseModel):
    """An object: the sha256 of its bytes, and how many."""

    oid: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0, le=LARGEST)]


@final
class Batch(BaseModel):
    """What a client is about to send, or wants to have."""

    operation: Literal["upload", "download"]
    objects: Annotated[list[LfsObject], Field(max_length=1000)]
    transfers: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)] = ["basic"]
    hash_algo: Annotated[str, Field(max_length=20)] = "sha256"

    @property
    def parts(self) -> bool:
        """Whether the client can send a file in parts."""
        return "multipart" in self.transfers

    @property
    def sha256(self) -> bool:
        """Whether objects are named by their sha256; clients write it in two ways."""
        return self.hash_algo.replace("_", "").replace("-", "") == "sha256"


@final
class Part(BaseModel):
    """A part as a client has sent it."""

    partNumber: Annotated[int, Field(ge=1, le=LARGEST)]
    etag: Annotated[str, Field(max_length=200)]


@final
class Completion(BaseModel):
    """The word that all parts of a file are there."""

    oid: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    parts: Annotated[list[Part], Field(max_length=MOST_PARTS)]


def action(href: str, seconds: float, header: dict[str, str] | None = None) -> dict[str, Any]:
    """Where an object is to be sent to or had from."""
    return {"href": href, "expires_in": int(seconds), **({"header": header} if header else {})}


def answered(asked: LfsObject, **actions: Any) -> dict[str, Any]:
    """What is to be done for an object; without actions nothing is: it is there. Only `verify` wants a token."""
    said = {"authenticated": "verify" not in actions, "actions": actions} if actions else {}
    return {"oid": asked.oid, "size": asked.size, **said}


def refused(asked: LfsObject, code: int, message: str) -> dict[str, Any]:
    """Why nothing is to be done for an object."""
    return {"oid": asked.oid, "size": asked.size, "error": {"code": code, "message": message}}


def uploads(objects: list[dict[str, Any]], *, parts: bool = False) -> dict[str, Any]:
    """The answer to a batch."""
    return {"transfer": "multipart" if parts else "basic", "objects": objects, "hash_algo": "sha256"}
