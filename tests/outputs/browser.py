"""A real browser for the pages, at the width of a laptop and of a phone."""

import shutil
from contextlib import contextmanager

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
LAPTOP, PHONE = (1280, 900), (390, 844)
READABLE_PX = 11
"""Smallest letters on a page: those of captions on a phone."""
SMALL_LETTERS = """
return [...document.querySelectorAll("body *")]
  .filter(e => e.offsetParent && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
  .map(e => [e.textContent.trim().slice(0, 30), parseFloat(getComputedStyle(e).fontSize)])
  .filter(([text, size]) => size < arguments[0])
"""
SVG_LETTERS = "return document.querySelectorAll('svg text').length"


def start():
    """The browser; skips the test where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver")
    if BROWSER is None or DRIVER is None:
        pytest.skip("no Chromium with its driver here")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"):
        options.add_argument(word)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))


@contextmanager
def page_shown(driver, path, size, *, dark=False, downloads=None):
    """A page from a file, at a size; nothing may be wrong in its script."""
    screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    if downloads is not None:
        allowed = {"behavior": "allow", "downloadPath": str(downloads)}
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", allowed)
    driver.get(path.as_uri())
    yield driver
    assert [entry["message"] for entry in driver.get_log("browser")] == []


def assert_fits(driver, size):
    """Nothing is cut off at the right, and all text is large enough to be read."""
    assert driver.execute_script("return document.documentElement.scrollWidth") <= size[0]
    assert driver.execute_script(SMALL_LETTERS, READABLE_PX) == []
    assert driver.execute_script(SVG_LETTERS) == 0  # they would shrink with the picture


def brightness(driver):
    """Of the page's ground, 0 to 255."""
    color = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    red, green, blue = (int(v) for v in color.strip("rgba()").split(",")[:3])
    return (red + green + blue) / 3
