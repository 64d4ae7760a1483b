"""The picture of the demo."""

from pathlib import Path

from registry.scripts.digits import DOMAINS
from registry.scripts.plot import BARS, GROUPS, draw


def test_a_picture_is_written_into_a_new_folder(tmp_path: Path) -> None:
    table = {name: dict.fromkeys(DOMAINS, 0.5) for name in BARS}
    draw(table, tmp_path / "out" / "accuracy.png")
    picture = (tmp_path / "out" / "accuracy.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") == 1820


def test_the_bars_are_of_domains_there_are() -> None:
    assert set(GROUPS) <= set(DOMAINS)
