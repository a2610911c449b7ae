"""WebKitGTK's own small browser by WebDriver, on a virtual screen: as near to Safari as Debian comes.

Xvfb chooses the display. The sandbox is off: it needs namespaces, which containers forbid.
"""

import base64
import http.client
import json
import os
import select
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.daemon import free_port
from tests.support.engines import webdriver_keys
from tests.support.engines.engine import HEIGHT_PX, WIDTH_PX, Engine, EngineError, as_function
from tests.support.engines.program import START_S, Program

WEBKIT_INSTALL_LINE = "apt-get install webkit2gtk-driver xvfb dbus-daemon gstreamer1.0-libav"
PROGRAMS = ("WebKitWebDriver", "Xvfb", "dbus-run-session")
_ANSWER_S = 110.0
_BESIDE_THE_PAGE_PX = 200
"""The window is larger than its page by its tool bar."""
_ENVIRONMENT = {
    "GDK_BACKEND": "x11",
    "GSETTINGS_BACKEND": "memory",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "NO_AT_BRIDGE": "1",
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
}
_SCRIPT = """
const done = arguments[arguments.length - 1];
{promise}.then((json) => done({{ json }}), (error) => done({{ error: String(error) }}));
"""


class WebKit(Engine):
    """Processes of their own with a fresh profile in `folder`, which must exist."""

    name = "WebKitGTK"

    def __init__(self, folder: Path) -> None:
        self._programs: list[Program] = []
        self._session = ""
        try:
            display = self._start_screen(folder)
            self._start_driver(folder, display)
            self._begin()
        except BaseException:
            self.close()
            raise

    def open(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def reload(self) -> None:
        self._call("POST", "/refresh", {})

    def evaluate(self, body: str, /, **values: object) -> Any:
        script = _SCRIPT.format(promise=as_function(body, values))
        answer = self._call("POST", "/execute/async", {"script": script, "args": []})
        if "error" in answer:
            raise EngineError(answer["error"])
        return json.loads(answer["json"])

    def pointer_click(self, x_px: int, y_px: int) -> None:
        self._call("POST", "/actions", {"actions": webdriver_keys.click(x_px, y_px)})

    def press(self, key: str) -> None:
        self._call("POST", "/actions", {"actions": webdriver_keys.press(key)})

    def screenshot(self) -> bytes:
        return base64.b64decode(self._call("GET", "/screenshot"))

    def resize(self, width_px: int, height_px: int) -> None:
        inner = self.evaluate("return [outerWidth - innerWidth, outerHeight - innerHeight]")
        size = {"width": width_px + inner[0], "height": height_px + inner[1]}
        self._call("POST", "/window/rect", size)

    def said(self) -> str:
        return "\n".join(program.said() for program in self._programs)

    def close(self) -> None:
        with suppress(EngineError, OSError):  # it may be gone, and is ended next in any case
            if self._session:
                self._call("DELETE", "")
        self._session = ""
        for program in reversed(self._programs):
            program.end()

    def _start_screen(self, folder: Path) -> str:
        reading, writing = os.pipe()
        size = f"{WIDTH_PX + _BESIDE_THE_PAGE_PX}x{HEIGHT_PX + _BESIDE_THE_PAGE_PX}x24"
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
        try:
            self._programs.append(Program(command, {}, folder, pass_fds=[writing]))
            os.close(writing)
            writing = -1
            self._programs[0].wait(lambda: select.select([reading], [], [], 0)[0], "its display")
            return f":{os.read(reading, 16).decode().strip()}"
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)

    def _start_driver(self, folder: Path, display: str) -> None:
        self._port = free_port()
        command = ["dbus-run-session", "--", "WebKitWebDriver", f"--port={self._port}"]
        self._programs.append(Program(command, {**_ENVIRONMENT, "DISPLAY": display}, folder))
        self._programs[1].wait(self._is_ready, "answering")

    def _is_ready(self) -> bool:
        with suppress(OSError):
            return bool(self._request("GET", "/status", None)["ready"])
        return False

    def _begin(self) -> None:
        made = self._request("POST", "/session", {"capabilities": {}}, START_S)
        self._session = f"/session/{made['sessionId']}"
        self.version = str(made["capabilities"]["browserVersion"])
        self._call("POST", "/timeouts", {"script": int(_ANSWER_S * 1000), "pageLoad": int(START_S * 1000)})
        self.resize(WIDTH_PX, HEIGHT_PX)

    def _call(self, method: str, path: str, body: object = None) -> Any:
        return self._request(method, self._session + path, body)

    def _request(self, method: str, path: str, body: object, deadline_s: float = _ANSWER_S) -> Any:
        """The value of the answer. Raises EngineError, or OSError where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=deadline_s)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            value = json.loads(answer.read())["value"]
        except http.client.HTTPException as error:
            raise EngineError(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise EngineError(f"{method} {path}: {value['error']}: {value['message']}")
        return value
