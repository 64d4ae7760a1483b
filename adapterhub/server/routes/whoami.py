"""/api/whoami-v2: whom a token is for."""

from typing import Any

from fastapi import APIRouter, Request

from adapterhub.server.access import caller

router = APIRouter()


@router.get("/api/whoami-v2")
def whoami(request: Request) -> dict[str, Any]:
    """The caller as a user of a Hub: his name is the namespace of what he names without one. Our own client reads
    what his role is, and in which namespaces (none: in all), under a key of ours."""
    who = caller(request)
    who.insist_known()
    home = who.home
    return {
        "type": "user",
        "id": who.id,
        "name": home,
        "fullname": who.name,
        "isPro": False,
        "canPay": False,
        "orgs": [{"type": "org", "name": name, "roleInOrg": who.role} for name in who.namespaces if name != home],
        "auth": {"type": "access_token", "accessToken": {"displayName": who.name, "role": who.role}},
        "adapterhub": {"role": who.role, "namespaces": list(who.namespaces)},
    }
