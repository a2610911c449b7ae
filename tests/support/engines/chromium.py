"""Chromium by Playwright, as a tab of a browser that runs already."""

import json
from collections import deque
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error

from tests.support.engines.engine import HEIGHT_PX, WIDTH_PX, Engine, EngineError, as_function

_KEPT_LINES = 40


class Chromium(Engine):
    """A context of its own in `browser`, which its owner closes."""

    name = "Chromium"

    def __init__(self, browser: Browser) -> None:
        self.version = browser.version
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._context = browser.new_context(viewport={"width": WIDTH_PX, "height": HEIGHT_PX}, locale="en-GB")
        self._page = self._context.new_page()
        self._page.on("console", self._console)

    def open(self, url: str) -> None:
        self._page.goto(url)

    def reload(self) -> None:
        self._page.reload()

    def evaluate(self, body: str, /, **values: object) -> Any:
        try:
            return json.loads(self._page.evaluate(as_function(body, values)))
        except Error as error:
            raise EngineError(str(error)) from error

    def pointer_click(self, x_px: int, y_px: int) -> None:
        self._page.mouse.click(x_px, y_px)

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)

    def screenshot(self) -> bytes:
        return self._page.screenshot()

    def resize(self, width_px: int, height_px: int) -> None:
        self._page.set_viewport_size({"width": width_px, "height": height_px})

    def said(self) -> str:
        return "\n".join(self._lines)

    def close(self) -> None:
        self._context.close()

    def _console(self, message: ConsoleMessage) -> None:
        self._lines.append(f"{message.type}: {message.text}")
