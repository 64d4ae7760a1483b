"""An environment is made once, whole, and by one of several who want it."""

import subprocess
import threading
import zipfile
from pathlib import Path

import pytest

from tests.clients import environments
from tests.clients.environments import environment, program

ABOUT = {
    "METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n",
    "WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "RECORD": "tiny.py,,\ntiny-1.dist-info/METADATA,,\ntiny-1.dist-info/WHEEL,,\ntiny-1.dist-info/RECORD,,\n",
}


@pytest.fixture
def made(tmp_path, monkeypatch):
    """What was run to make environments; `tiny` is one, whose package comes from no index."""
    wheel = tmp_path / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "WORD = 'hello'\n")
        for name, text in ABOUT.items():
            file.writestr(f"tiny-1.dist-info/{name}", text)
    monkeypatch.setenv("ADAPTERHUB_CLIENTS", str(tmp_path / "clients"))
    monkeypatch.setitem(environments.PINS, "tiny", (str(wheel),))
    commands, do = [], environments._do
    monkeypatch.setattr(environments, "_do", lambda words, lock: (commands.append(words), do(words, lock)))
    return commands


def word_of_tiny():
    done = subprocess.run(
        [program("tiny", "python"), "-c", "import tiny; print(tiny.WORD)"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_several_who_want_an_environment_make_it_once_and_a_half_made_one_again(made):
    threads = [threading.Thread(target=environment, args=("tiny",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2  # the folder, and what is in it
    assert word_of_tiny() == "hello"
    folder = environment("tiny")
    (folder / "whole").unlink()
    (folder / "half").touch()
    assert environment("tiny") == folder
    assert not (folder / "half").exists()
    assert word_of_tiny() == "hello"


def test_what_cannot_be_fetched_says_what_to_do_and_is_in_a_folder_of_its_own(made, monkeypatch):
    key = environments._key("tiny")
    monkeypatch.setitem(environments.PINS, "tiny", (str(Path("none") / "tiny-2-py3-none-any.whl"),))
    assert environments._key("tiny") != key
    with pytest.raises(AssertionError, match="ADAPTERHUB_CLIENTS"):
        environment("tiny")
    assert not list(Path(environments.os.environ["ADAPTERHUB_CLIENTS"]).glob("*/whole"))
