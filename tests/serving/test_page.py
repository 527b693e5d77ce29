"""The page of ``likewise serve``, as a person uses it in a browser, and the server's process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import encoded_picture

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="needs chromium and chromedriver",
)
WAIT = 60
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def address(pictures_run: Path, words_run: Path) -> Iterator[str]:
    """The address that the command prints; it ends without an error when it is interrupted."""
    command = [sys.executable, "-m", "likewise", "serve", str(pictures_run), str(words_run)]
    environment = os.environ | {"LIKEWISE_TOKEN": "s3cret"}
    with subprocess.Popen(
        [*command, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        found = (re.match(r"page +(http://127\.0\.0\.1:\d+/#token=\S+)", x) for x in server.stdout)
        try:
            yield next((one[1] for one in found if one), "")
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=WAIT) in (0, 130)
            assert "Traceback" not in server.stderr.read()


@pytest.fixture(scope="module")
def browser(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver

    assert address
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for one in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(one)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(str(shutil.which("chromedriver")))
    driver = webdriver.Chrome(options, service)
    driver.get(address)
    try:
        yield driver
    finally:
        driver.quit()


def until(browser: Any, condition: str, *arguments: Any) -> Any:
    """Wait until a JavaScript expression is true, and return it."""
    from selenium.webdriver.support.ui import WebDriverWait

    script = f"return {condition}"
    return WebDriverWait(browser, WAIT, 0.1).until(
        lambda one: one.execute_script(script, *arguments)
    )


def complaints(browser: Any) -> list[str]:
    return [entry["message"] for entry in browser.get_log("browser")]


def fill(browser: Any, name: str, text: str) -> None:
    field = browser.find_element("id", name)
    field.clear()
    field.send_keys(text, "\n")


def ids_of(browser: Any, run: int) -> list[str]:
    script = (
        "return [...document.querySelectorAll('.runs > .run')[arguments[0]]"
        ".querySelectorAll('.grid .quiet')].map(one => one.textContent)"
    )
    return browser.execute_script(script, run)


@pytest.mark.parametrize("width", WIDTHS)
def test_search_look_and_explain(browser: Any, width: int, tmp_path: Path) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    until(browser, "document.body.dataset.ready")
    # A product of the catalogue, by both runs, with pictures that are drawn.
    fill(browser, "product", "p4")
    until(browser, "document.querySelector('#query').textContent.includes('Product p4')")
    until(browser, "document.querySelectorAll('#runs .grid li').length === 24")
    until(browser, "[...document.querySelectorAll('#query img')].every(i => i.naturalWidth === 24)")
    assert set(ids_of(browser, 0)[:3]) == {"p24", "p44", "p64"}
    # Words: only the second run reads them.
    fill(browser, "text", "lamp 21 of kind1")
    until(browser, "document.querySelector('#query').textContent.includes('lamp 21')")
    until(browser, "document.querySelector('#runs .grid .quiet').textContent === 'p21'")
    until(browser, "document.querySelector('.note').textContent.includes('reads no texts')")
    assert (ids_of(browser, 0), ids_of(browser, 1)[0]) == ([], "p21")
    # Keys: from card to card, and why.
    browser.execute_script("document.querySelector('.grid .card').focus()")
    keys = browser.switch_to.active_element
    keys.send_keys("\ue014")  # the right arrow
    assert (
        browser.execute_script(
            "return [...document.querySelectorAll('.grid .card')].indexOf(document.activeElement)"
        )
        == 1
    )
    browser.switch_to.active_element.send_keys("w")
    until(browser, "document.querySelectorAll('#why .units tr').length >= 4")
    assert browser.execute_script("return document.querySelector('#why').open")
    browser.switch_to.active_element.send_keys("\ue00c")  # Escape
    until(browser, "!document.querySelector('#why').open")
    # A picture of one's own.
    picture = tmp_path / "own.png"
    picture.write_bytes(encoded_picture("RGB", (40, 30)))
    browser.find_element("id", "picture").send_keys(str(picture))
    until(browser, "document.querySelector('#query').textContent.includes('own.png')")
    until(browser, "document.querySelectorAll('#runs .grid li').length === 12")
    assert len(ids_of(browser, 0)) == 12
    # The history goes back, nothing is wider than the window, and nobody complained.
    browser.back()
    until(browser, "document.querySelector('#query').textContent.includes('Product p4')")
    until(browser, "document.querySelectorAll('#runs .grid li').length === 24")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return innerWidth") == width
    assert complaints(browser) == []


def test_the_log_would_show_a_complaint(browser: Any) -> None:
    browser.execute_script("fetch('/nowhere')")
    until(browser, "true")
    browser.execute_async_script("setTimeout(arguments[0], 300)")
    assert any("nowhere" in one for one in complaints(browser))


def test_dark_mode_follows_the_system(browser: Any) -> None:
    script = "return getComputedStyle(document.body).backgroundColor"
    grounds = []
    for scheme in ("light", "dark"):
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        grounds.append(browser.execute_script(script))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]
