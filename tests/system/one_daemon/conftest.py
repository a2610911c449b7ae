"""One daemon with a small synthetic camera for all tests of this folder: they only read and record."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.daemon import Daemon
from tests.support.shared_daemon import SharedDaemon

_SHARED = pytest.StashKey[SharedDaemon]()


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedDaemon]:
    @contextmanager
    def started() -> Iterator[Daemon]:
        with Daemon(tmp_path_factory.mktemp("daemon")) as daemon:
            daemon.wait_for_buffer(3.0)
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
