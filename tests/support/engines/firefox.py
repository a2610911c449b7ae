"""Firefox ESR without a window, with its default settings, by WebDriver BiDi.

It chooses the port and prints it. The websocket is aiohttp's, on a loop in a thread of its own: Playwright
keeps the loop of the thread that the tests run in.
"""

import asyncio
import base64
import json
import re
import shutil
import threading
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from tests.support.engines import webdriver_keys
from tests.support.engines.engine import HEIGHT_PX, WIDTH_PX, Engine, EngineError, as_function
from tests.support.engines.program import Program

FIREFOX_INSTALL_LINE = "apt-get install firefox-esr libavcodec59"
_CALLS_NOBODY = {
    "app.normandy.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
}
"""All that is not its default: nothing that a page could notice."""
_ANSWER_S = 110.0
_KEPT_LINES = 40

T = TypeVar("T")


def installed_firefox() -> str | None:
    """Its path, or None where there is none."""
    return shutil.which("firefox-esr")


class _Bidi:
    """Commands and their answers, one at a time; the console's lines that come between are kept."""

    def __init__(self, url: str) -> None:
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bidi", daemon=True)
        self._thread.start()
        self._number = 0
        try:
            self._client, self._socket = self._run(self._connect(url))
        except BaseException:
            self._stop()
            raise

    def command(self, method: str, **parameters: object) -> Any:
        """The command's result. Raises EngineError."""
        answer = self._run(self._exchange(method, parameters))
        if answer["type"] == "error":
            raise EngineError(f"{method}: {answer['error']}: {answer['message']}")
        return answer["result"]

    def close(self) -> None:
        with suppress(Exception):  # the browser may be gone, and is ended next in any case
            self._run(self._disconnect())
        self._stop()

    async def _connect(self, url: str) -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse]:
        client = aiohttp.ClientSession()
        try:
            return client, await client.ws_connect(url, max_msg_size=0)
        except BaseException:
            await client.close()
            raise

    async def _exchange(self, method: str, parameters: dict[str, object]) -> Any:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            heard = await self._socket.receive()
            if heard.type is not aiohttp.WSMsgType.TEXT:
                raise EngineError(f"{method}: the browser hung up ({heard.type.name})")
            message = json.loads(heard.data)
            if message.get("method") == "log.entryAdded":
                self.lines.append(f"{message['params']['level']}: {message['params']['text']}")
            if message.get("id") == self._number:
                return message

    async def _disconnect(self) -> None:
        await self._socket.close()
        await self._client.close()

    def _run(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, _ANSWER_S), self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Firefox(Engine):
    """A process with a fresh profile in `folder`, which must exist."""

    name = "Firefox ESR"

    def __init__(self, program: Path, folder: Path) -> None:
        profile = folder / "profile"
        profile.mkdir()
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _CALLS_NOBODY.items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        command = [str(program), "--headless", "--no-remote", "--profile", str(profile)]
        self._program = Program([*command, "--remote-debugging-port", "0"], {}, folder)
        try:
            self._begin(self._program.wait(self._address, "its BiDi address"))
        except BaseException:
            self._program.end()
            raise

    def open(self, url: str) -> None:
        self._page("browsingContext.navigate", url=url, wait="complete")

    def reload(self) -> None:
        self._page("browsingContext.reload", wait="complete")

    def evaluate(self, body: str, /, **values: object) -> Any:
        answer = self._bidi.command(
            "script.evaluate",
            expression=as_function(body, values),
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] != "success":
            raise EngineError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def pointer_click(self, x_px: int, y_px: int) -> None:
        self._page("input.performActions", actions=webdriver_keys.click(x_px, y_px))

    def press(self, key: str) -> None:
        self._page("input.performActions", actions=webdriver_keys.press(key))

    def screenshot(self) -> bytes:
        return base64.b64decode(self._page("browsingContext.captureScreenshot")["data"])

    def resize(self, width_px: int, height_px: int) -> None:
        self._page("browsingContext.setViewport", viewport={"width": width_px, "height": height_px})

    def said(self) -> str:
        return "\n".join([self._program.said(), *self._bidi.lines])

    def close(self) -> None:
        self._bidi.close()
        self._program.end()

    def _address(self) -> str | None:
        found = re.search(r"WebDriver BiDi listening on (ws://\S+)", self._program.printed())
        return f"{found[1]}/session" if found else None

    def _begin(self, address: str) -> None:
        self._bidi = _Bidi(address)
        try:
            made = self._bidi.command("session.new", capabilities={})
            self.version = str(made["capabilities"]["browserVersion"])
            self._bidi.command("session.subscribe", events=["log.entryAdded"])
            tree = self._bidi.command("browsingContext.getTree")
            self._context = tree["contexts"][0]["context"]
            self.resize(WIDTH_PX, HEIGHT_PX)
        except BaseException:
            self._bidi.close()
            raise

    def _page(self, method: str, **parameters: object) -> Any:
        return self._bidi.command(method, context=self._context, **parameters)
