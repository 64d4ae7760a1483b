"""The body of a request, handed to something that blocks, a piece at a time: no body is ever held in memory."""

from collections.abc import Callable

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from adapterhub.protocols.hf_hub.answers import Answered

__all__ = ["Broken", "each_piece"]

PIECE = 1 << 20
"""Bytes handed over at a time: large enough that changing threads costs little."""


class Broken(Answered):
    """The client went away in the middle of a body; the answer is for the log alone."""

    status = 400


async def each_piece(request: Request, take: Callable[[bytes], None]) -> None:
    """Give the body to `take`, in another thread, piece by piece; `Broken` where it does not come to its end."""
    held, whole = bytearray(), True
    try:
        async for data in request.stream():
            held += data
            if len(held) >= PIECE:
                piece, held = bytes(held), bytearray()
                await run_in_threadpool(take, piece)
    except ClientDisconnect:
        whole = False
    if held:  # of a broken body too: the client can go on from there
        await run_in_threadpool(take, bytes(held))
    if not whole:
        raise Broken("the client went away", hint="send it again")
