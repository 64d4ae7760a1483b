"""The body of a request, handed to something that blocks, a piece at a time: no body is ever held in memory."""

from collections.abc import Callable

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from adapterhub.protocols.hf_hub.answers import Answered
from adapterhub.server.limits import TooSlow
from adapterhub.server.room import Room

__all__ = ["Broken", "each_piece"]

PIECE = 1 << 20
"""Bytes handed over at a time: large enough that changing threads costs little."""

MANY = 256
"""Bits that wait to become a piece: each costs more than its bytes, where a client sends two at a time."""

WRITERS = CapacityLimiter(16)
"""Threads that write: a slow disk must not take those that answer."""


class Broken(Answered):
    """The client went away in the middle of a body; the answer is for the log alone."""

    status = 400


async def each_piece(request: Request, room: Room, take: Callable[[bytes], object]) -> None:
    """Give the body to `take`, in another thread, piece by piece, as long as there is room for it on the disk.

    `Broken` or `TooSlow` where it does not come to its end; what did come has been given, so a client can go on there.
    """

    def kept(came: list[bytes]) -> None:
        piece = b"".join(came)
        room.insist(len(piece))
        take(piece)

    held, size = list[bytes](), 0
    broken: Answered | None = None
    try:
        async for data in request.stream():
            held.append(data)
            size += len(data)
            if len(held) > MANY:
                held = [b"".join(held)]
            if size >= PIECE:
                came, held, size = held, [], 0
                await to_thread.run_sync(kept, came, limiter=WRITERS)
    except ClientDisconnect:
        broken = Broken("the client went away", hint="send it again")
    except TooSlow as error:
        broken = error
    if held:
        await to_thread.run_sync(kept, held, limiter=WRITERS)
    if broken:
        raise broken
