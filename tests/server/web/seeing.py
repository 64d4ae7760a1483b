"""A real browser without a window, as a person uses it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from tests.server.running import WAIT, Running

OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
MISSING = "Failed to load resource"
"""What the console says of a page whose status is an error, before it shows it."""


class Reader:
    """A browser on a server's pages."""

    def __init__(self, server: Running, driver: webdriver.Chrome) -> None:
        self.server, self.driver = server, driver

    def log_in(self, token: str) -> None:
        """As a person does: any name, and the token as the password."""
        self.driver.get(self.server.url.replace("//", f"//me:{token}@") + "/login")

    def open(self, path: str) -> "Reader":
        """Go to a page, which must ask nobody else and break no rule."""
        self.driver.get(self.server.url + path)
        assert self.complaints() == []
        return self

    def complaints(self) -> list[str]:
        """What the console says since it was asked last."""
        return [line["message"] for line in self.driver.get_log("browser") if MISSING not in line["message"]]

    def size(self, width: int, height: int = 800) -> None:
        """The size of a screen."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def dark(self, on: bool) -> None:
        """Whether the reader likes it dark."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def scripts(self, on: bool) -> None:
        """Whether scripts run."""
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not on})

    def ask(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        return [found.text for found in self.all(selector)]

    @property
    def text(self) -> str:
        return str(self.one("body").text)

    @property
    def path(self) -> str:
        """Where it is, without the server."""
        return "/" + str(self.driver.current_url).split("/", 3)[3]

    def follow(self, words: str) -> "Reader":
        """Click on a link, and wait for its page."""
        link = self.driver.find_element(By.LINK_TEXT, words)
        link.click()
        WebDriverWait(self.driver, WAIT).until(staleness_of(link))
        return self

    def search(self, words: str, field: str = "q") -> "Reader":
        """Type into a field of the search, and wait for the answer."""
        typed = self.one(f"#{field}")
        typed.send_keys(f"{words}\n")
        WebDriverWait(self.driver, WAIT).until(staleness_of(typed))
        return self

    def press(self, *keys: str) -> str:
        """Press keys, and tell which element has the focus then: its id, else its words."""
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)
        return str(self.ask("const at = document.activeElement; return at.id || at.textContent.trim()"))


TAB, ENTER = Keys.TAB, Keys.ENTER


@contextlib.contextmanager
def browser(server: Running, folder: Path) -> Iterator[Reader]:
    """Debian's chromium with a profile of its own, which finds no other host than this machine."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for word in (*OPTIONS, f"--user-data-dir={folder}"):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    try:
        reader = Reader(server, driver)
        reader.size(1200)
        yield reader
    finally:
        driver.quit()
