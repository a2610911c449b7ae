"""One daemon with four cameras for all tests of this folder: they only read and record.

A plain camera, one with long GOPs and B-frames, one that is away, and one that sends JPEG.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import HOUSE
from tests.browser.one_daemon.test_page import CAMERAS
from tests.browser.one_daemon.test_rewind import JPEG
from tests.support.cameras.rtsp import RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.daemon import Daemon
from tests.support.shared_daemon import SharedDaemon

BUFFERED_S = 7.0
"""More than a look back and a recording of five seconds need."""

_SHARED = pytest.StashKey[SharedDaemon]()


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedDaemon]:
    require_rtsp_server()

    @contextmanager
    def started() -> Iterator[Daemon]:
        with RtspCamera(JPEG) as camera:
            jpeg: dict[str, Any] = {
                "id": "jpeg",
                "name": "Jpeg",
                "source": camera.url(),
                "buffer": {"codec": "source"},
            }
            directory = tmp_path_factory.mktemp("daemon")
            with Daemon(directory, [*CAMERAS, jpeg], server={"allowed_hosts": [HOUSE]}) as daemon:
                for name in ("front", "far", "jpeg"):
                    daemon.wait_for_buffer(BUFFERED_S, name)
                yield daemon

    made = pytestconfig.stash[_SHARED] = SharedDaemon(started)
    yield made
    made.end()


@pytest.fixture(scope="module")
def daemon(shared: SharedDaemon) -> Daemon:
    return shared.running()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    yield
    if shared := item.config.stash.get(_SHARED, None):
        shared.end_unless_needed(Path(__file__).parent, nextitem)
