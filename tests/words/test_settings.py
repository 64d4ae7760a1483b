"""settings.json, and where the store lies."""

from pathlib import Path

import pytest

from adapterhub.errors import Corrupt
from adapterhub.settings import Remote, Settings, home, load, save, who


def test_settings_are_read_again_with_what_a_later_version_wrote(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_bytes(b'{"colour":"blue","remotes":{"team":{"url":"file:///x","proxy":"p"}}}')
    settings = load(tmp_path)
    save(tmp_path, settings.model_copy(update={"user": "ada"}))
    assert (tmp_path / "settings.json").read_bytes() == (
        b'{"colour":"blue","remotes":{"team":{"proxy":"p","url":"file:///x"}},"user":"ada"}\n'
    )


def test_without_a_file_there_are_no_settings(tmp_path: Path) -> None:
    assert load(tmp_path) == Settings()


@pytest.mark.parametrize("data", [b"", b"{", b'{"remotes":[]}', b'{"remotes":{"a":{"url":""}}}'])
def test_settings_that_cannot_be_read_name_the_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(data)
    with pytest.raises(Corrupt, match=r"settings\.json: "):
        load(tmp_path)


def test_the_environment_says_where_the_store_lies_and_who_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADAPTERHUB_HOME", "/srv/adapters")
    monkeypatch.setenv("ADAPTERHUB_USER", "ada")
    assert home() == Path("/srv/adapters")
    assert who(Settings(user="bob")) == "ada"
    monkeypatch.delenv("ADAPTERHUB_USER")
    assert who(Settings(user="bob", remotes={"team": Remote(url="file:///x")})) == "bob"


def test_settings_that_cannot_be_read_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_bytes(b"{")
    with pytest.raises(Corrupt) as refusal:
        load(tmp_path)
    assert refusal.value.hint.startswith(f"correct {tmp_path}/settings.json by hand, or move it away")
