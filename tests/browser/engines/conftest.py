"""One daemon and one locked one for all three engines; each engine runs once, for all its tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.engines.ways import BUFFERED_S, FAR, FRONT, HIDDEN_S, Clip, record_inside_a_gop
from tests.browser.locked import locked_daemon
from tests.support.components import require
from tests.support.daemon import Daemon
from tests.support.engines.chromium import Chromium
from tests.support.engines.engine import Engine
from tests.support.engines.firefox import FIREFOX_INSTALL_LINE, Firefox
from tests.support.engines.webkit import PROGRAMS, WEBKIT_INSTALL_LINE, WebKit


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("engines"), [FRONT, FAR]) as started:
        started.wait_for_buffer(BUFFERED_S, "far")
        yield started


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with locked_daemon(tmp_path_factory.mktemp("engines-locked"), [FRONT]) as started:
        yield started


@pytest.fixture(scope="module")
def clips(daemon: Daemon) -> dict[str, Clip]:
    """By what their files hide."""
    return {hides: record_inside_a_gop(daemon, hides) for hides in HIDDEN_S}


@pytest.fixture(scope="module", params=["Chromium", "Firefox ESR", "WebKitGTK"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with _started(request, tmp_path_factory.mktemp("engine")) as started:
        yield started


def _started(request: pytest.FixtureRequest, folder: Path) -> Engine:
    if request.param == Chromium.name:
        return Chromium(request.getfixturevalue("browser"))
    if request.param == Firefox.name:
        return Firefox(require("firefox-esr", FIREFOX_INSTALL_LINE), folder)
    for program in PROGRAMS:
        require(program, WEBKIT_INSTALL_LINE, shutil.which(program))
    return WebKit(folder)
