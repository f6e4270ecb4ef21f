"""A real browser that looks at pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    """One tab of one browser, without a network; what it asks for and what breaks is noted."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra dev: playwright")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_context(offline=True, viewport={"width": 1300, "height": 900}).new_page()
        tab.noted = noted = []
        tab.on("request", lambda request: noted.append(request.url))
        tab.on("pageerror", lambda error: noted.append(f"error: {error}"))
        yield tab
        browser.close()
