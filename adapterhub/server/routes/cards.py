"""Whether a card is well formed: what clients ask before they send it."""

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from adapterhub.protocols.hf_hub.card import faults_of
from adapterhub.server.access import caller
from adapterhub.server.errors import plain

router = APIRouter()
LOOKING = CapacityLimiter(1)
"""Cards that are looked at, at once: YAML of the size that is read takes a second, and anybody may ask."""


class Yaml(BaseModel):
    """A card that is to be looked at."""

    content: str
    repoType: str | None = "model"


@router.post("/api/validate-yaml", dependencies=[Depends(caller)])
async def validate(asked: Yaml) -> JSONResponse:
    """Whether a card's front matter can be read. A token is not asked for where reading wants none: the Hub's own
    client sends none with a card alone."""
    faults = await to_thread.run_sync(faults_of, asked.content, limiter=LOOKING)
    errors = [{"message": plain(fault)} for fault in faults]
    return JSONResponse({"errors": errors, "warnings": []}, 400 if faults else 200)
