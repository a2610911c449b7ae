"""One daemon and one locked one for all three engines; each engine runs once, for all its tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.locked import locked_daemon
from tests.support.components import require
from tests.support.daemon import Daemon
from tests.support.engines.chromium import Chromium
from tests.support.engines.engine import Engine
from tests.support.engines.firefox import FIREFOX_INSTALL_LINE, Firefox
from tests.support.engines.webkit import PROGRAMS, WEBKIT_INSTALL_LINE, WebKit

FPS = 10
FRONT = {"id": "front", "name": "Front door", "source": f"synthetic?size=320x180&fps={FPS}&gop_s=1"}
FAR_FPS = 5
FAR = {"id": "far", "name": "Far", "source": f"synthetic?size=320x180&fps={FAR_FPS}&gop_s=10&bframes=2"}
"""Nearly every moment of it lies inside a GOP. A busy machine, too, paints that few pictures."""
CLIP_S = 5.4
BUFFERED_S = 16.0


@pytest.fixture(scope="package")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("engines"), [FRONT, FAR]) as started:
        started.wait_for_buffer(BUFFERED_S, "far")
        yield started


@pytest.fixture(scope="package")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with locked_daemon(tmp_path_factory.mktemp("engines-locked"), [FRONT]) as started:
        yield started


@pytest.fixture(scope="package")
def clip(daemon: Daemon) -> Any:
    """It begins inside a GOP of ten seconds, so its file hides pictures before its first."""
    for _ in range(3):
        request = {"camera": "far", "before_seconds": CLIP_S, "after_seconds": 0}
        done = daemon.wait_for_clip(daemon.post("/api/clips", request).json()["id"])
        if done["lead_in_seconds"] > 1:
            return done
        daemon.wait_for_buffer(BUFFERED_S, "far")
    pytest.fail("no clip began inside a GOP")


@pytest.fixture(scope="module", params=["Chromium", "Firefox ESR", "WebKitGTK"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with _started(request, tmp_path_factory.mktemp("engine")) as started:
        yield started


@pytest.fixture(autouse=True)
def _what_the_engine_said(request: pytest.FixtureRequest, engine: Engine) -> Iterator[None]:
    """With the failure of a test, the end of it."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print(f"--- {engine.name} {engine.version}\n{engine.said()}")


def _started(request: pytest.FixtureRequest, folder: Path) -> Engine:
    if request.param == Chromium.name:
        return Chromium(request.getfixturevalue("browser"))
    if request.param == Firefox.name:
        return Firefox(require("firefox-esr", FIREFOX_INSTALL_LINE), folder)
    for program in PROGRAMS:
        require(program, WEBKIT_INSTALL_LINE, shutil.which(program))
    return WebKit(folder)
