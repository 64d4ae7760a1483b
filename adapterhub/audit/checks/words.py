"""How checks say what they found."""

from adapterhub.audit.pair import Pair
from adapterhub.finding import Finding

__all__ = ["info", "which_base"]


def info(check: str, place: str, message: str, remedy: str) -> Finding:
    """Something worth knowing."""
    return Finding(check=check, severity="info", place=place, message=message, remedy=remedy)


def which_base(pair: Pair) -> str:
    """What is known of the base an adapter was trained on."""
    pin = pair.adapter.pin
    source = pair.adapter.facts.base_called(pin.source if pin else None)
    return f"it was trained on {source}" if source else "find out which base it was trained on"
