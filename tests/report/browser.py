"""Headless Chromium through its driver: opens a page at a size and a colour scheme, says what went wrong in it."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)

PLOTS = """
return [...document.querySelectorAll('svg')].map(svg => {
  const box = svg.getBoundingClientRect();
  const text = svg.querySelector('text');
  const fill = text ? getComputedStyle(text).fill : '';
  return {label: svg.getAttribute('aria-labelledby'), width: box.width, height: box.height, fill: fill,
          drawn: svg.getBBox().width > 0, named: !!document.getElementById(
            (svg.getAttribute('aria-labelledby') || '').split(' ')[0])?.textContent};
});
"""


class Page:
    """An open page."""

    def __init__(self, driver: Any, width: int) -> None:
        self.driver, self.width = driver, width

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def log(self) -> list[Any]:
        return self.driver.get_log("browser")

    @property
    def scrolls_sideways(self) -> bool:
        return self.run("return document.scrollingElement.scrollWidth > innerWidth")

    def plots(self) -> list[dict[str, Any]]:
        return self.run(PLOTS)

    def screenshot(self, path: Path) -> None:
        height = self.run("return document.documentElement.scrollHeight")
        clip = {"x": 0, "y": 0, "width": self.width, "height": height, "scale": 1}
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A driver; `profile` is an empty folder."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def open_page(driver: Any, path: Path, width: int, dark: bool) -> Page:
    """Load `path` at `width` pixels in a light or a dark scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    driver.get(path.as_uri())
    return Page(driver, width)
