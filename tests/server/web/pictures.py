"""Pictures of the pages: by day and by night, on a desk and on a phone.

python -m tests.server.web.pictures FOLDER [NAME…]
"""

import base64
import sys
import tempfile
from pathlib import Path

from tests.server.running import Running, running
from tests.server.web.seeing import Reader, browser
from tests.server.web.team import fill

SIZES = {"desk": (1180, 860), "phone": (390, 780)}
LIGHTS = {"light": False, "dark": True}
PAGES = {
    "list": "/",
    "adapter": "/ada/topics",
    "base": "",
    "bases": "/bases",
    "old": "/ada/topics/tree/3",
    "many": "/support/tickets-nightly",
    "one": "/lea/sentiment",
    "merged": "/lea/topics-and-sentiment",
    "finding": "/lea/intents",
    "partial": "/lea/from-twelve-layers",
    "long": "/customer-relations/escalations-by-urgency-and-language-distilled-from-the-large-model",
    "nothing": "/?q=nothing+has+this+name",
    "file": "/ada/topics/blob/8/adapter_model.safetensors",
    "history": "/ada/topics/commits/main",
    "missing": "/no/such",
}
"""Name -> page; that of the base is told by its digest."""

NAMES = tuple(f"{page}-{size}-{light}" for page in PAGES for size in SIZES for light in LIGHTS)
TALLEST = 2600


def path_of(server: Running, page: str) -> str:
    """Where a page is."""
    if PAGES[page]:
        return PAGES[page]
    return next(
        f"/bases/{one.card.removeprefix('sha256:')}" for one in server.hub.base_list() if one.name == "minilm-l6"
    )


def take(reader: Reader, folder: Path, name: str, whole: bool = True) -> Path:
    """A picture of one page, down to its end, or as much of it as a screen shows."""
    page, size, light = name.split("-")
    reader.size(*SIZES[size])
    reader.dark(LIGHTS[light])
    reader.driver.get(reader.server.url + path_of(reader.server, page))
    width, height = SIZES[size]
    end = min(TALLEST, max(height, int(reader.ask("return document.documentElement.scrollHeight"))))
    reader.size(width, end)  # so that no scroll bar is in it
    clip = {"x": 0, "y": 0, "width": width, "height": end if whole else height, "scale": 1}
    taken = reader.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "clip": clip})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(base64.b64decode(taken["data"]))
    return folder / f"{name}.png"


def main(folder: Path, names: list[str]) -> None:
    """Take the pictures that are asked for, those of a desk as a screen shows them; else all, each to its end."""
    with tempfile.TemporaryDirectory() as place, running(Path(place)) as server:
        fill(server.hub, Path(place))
        with browser(server, Path(place) / "profile") as reader:
            reader.log_in(server.new_token("lea", "read"))
            for name in names or NAMES:
                print(take(reader, folder, name, whole=not names or "phone" in name))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
