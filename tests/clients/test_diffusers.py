"""The recipes of docs/serving.md for diffusers: a tiny pipeline takes adapters from each place it may ask."""

import pytest

from tests.clients.driving import Client


def test_diffusers_gives_pefts_answer_but_for_a_folder_of_pefts_which_needs_normal_form(served, tmp_path):
    client = Client("diffusers", tmp_path / "home", served.url, served.token)

    def places():
        """Where the adapters lie that the script has just trained."""
        served.hub.add(tmp_path / "own", "ada/own")
        served.hub.add(tmp_path / "peft", "ada/peft")
        normal = served.hub.export("ada/peft", tmp_path / "normal", normal_form=True).folder
        return [str(served.hub.path("ada/own")), str(served.hub.path("ada/peft")), str(normal)]

    said = client.asked("pictures.py", places, tmp_path)
    for how in ("peft, server", "own, path", "own, server", "own, a revision", "normal form"):
        assert said[how] == pytest.approx(said["peft, path"], abs=1e-5), how
    assert said["byte for byte"] != pytest.approx(said["peft, path"], abs=1e-3)
    assert said["byte for byte"] != pytest.approx(said["none"], abs=1e-3)
