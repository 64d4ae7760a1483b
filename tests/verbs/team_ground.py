"""A store with something to move, and a remote to move it to."""

from pathlib import Path

from adapterhub.hub import Hub
from tests.builders import tiny_adapter


def team_hub(folder: Path) -> Hub:
    """A hub with two adapters and one remote, `team`."""
    hub = Hub.open(folder / "store")
    for seed, name in enumerate(("ada/poet", "ada/x")):
        hub.add(tiny_adapter(folder / str(seed), seed=seed), name)
    hub.remote_add("team", f"file://{folder}/team")
    return hub
