"""What the suite does with a browser, whichever engine it is: a window with one page, real clicks and keys.

`chromium.py`, `firefox.py` and `webkit.py` beside this file drive theirs. The page decides nothing of it: a
click is a pointer event of the browser at the middle of an element, so the page takes it for a person's.

    with firefox(folder) as engine:
        engine.open(daemon.url)
        engine.wait_for("return document.querySelector('video')?.readyState === 4", "a picture")
        engine.click(".record-button")

Blocking, from one thread.
"""

import json
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

WIDTH_PX, HEIGHT_PX = 1280, 800
WAIT_S = 20.0
"""A deadline here only ends what hangs."""
_BETWEEN_LOOKS_S = 0.05
_MIDDLE_OF = """
  const element = document.querySelector(selector);
  if (!element) return null;
  element.scrollIntoView({ block: "nearest", behavior: "instant" });
  const { x, y, width, height } = element.getBoundingClientRect();
  const at = [Math.round(x + width * along), Math.round(y + height / 2)];
  const hit = width && height && document.elementFromPoint(...at);
  return hit && (element.contains(hit) || hit.closest("label")?.control === element) ? at : null;
"""


class EngineError(Exception):
    """The browser refused a command, or a script in its page threw."""


class Engine(ABC):
    """One browser with a fresh profile and one page."""

    name: str
    version: str

    @abstractmethod
    def open(self, url: str) -> None:
        """Load the address and wait until it has loaded. Another fragment of the same page loads nothing."""

    @abstractmethod
    def reload(self) -> None:
        """Load the page again."""

    @abstractmethod
    def evaluate(self, body: str, /, **values: object) -> Any:
        """Run the body of an async function in the page, with JSON-able `values` as its constants.

        Returns what it returns, by way of JSON. Raises EngineError.
        """

    @abstractmethod
    def pointer_click(self, x_px: int, y_px: int) -> None:
        """Press and release the pointer at a place of the page's window."""

    @abstractmethod
    def press(self, key: str) -> None:
        """Press and release a key: one character, or a name such as "Enter", "Escape", "ArrowLeft"."""

    @abstractmethod
    def screenshot(self) -> bytes:
        """What the window shows, as PNG."""

    @abstractmethod
    def resize(self, width_px: int, height_px: int) -> None:
        """Give the page a window of this size."""

    @abstractmethod
    def said(self) -> str:
        """The end of what the browser printed, and of what its console said where it tells."""

    @abstractmethod
    def close(self) -> None:
        """End the browser and every process of it. Idempotent."""

    def write(self, text: str) -> None:
        """Type where the focus is."""
        for character in text:
            self.press(character)

    def click(self, selector: str, along: float = 0.5) -> None:
        """Click the first element that matches, once it can be hit.

        `along` is the place between its left edge (0) and its right one (1).
        """
        x_px, y_px = self.wait_for(_MIDDLE_OF, f"{selector} can be clicked", selector=selector, along=along)
        self.pointer_click(x_px, y_px)

    def wait_for(self, body: str, what: str, /, deadline_s: float = WAIT_S, **values: object) -> Any:
        """What the body returns once it is true. Raises AssertionError at the deadline."""
        end_s = time.monotonic() + deadline_s
        found = None
        while True:
            try:
                if found := self.evaluate(body, **values):
                    return found
            except EngineError:
                # While a page gives way to another, neither can be asked.
                if time.monotonic() > end_s:
                    raise
            assert time.monotonic() < end_s, f"{self.name}: not within {deadline_s} s: {what} ({found!r})"
            time.sleep(_BETWEEN_LOOKS_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                print(f"--- {self.name}\n{self.said()}")
        finally:
            self.close()


def as_function(body: str, values: dict[str, object]) -> str:
    """JavaScript for the promise of a body's value as JSON; `values` are its constants."""
    constants = f"const {{{', '.join(values)}}} = {json.dumps(values)};" if values else ""
    return f"(async () => JSON.stringify(await (async () => {{ {constants} {body} }})()) ?? 'null')()"
