"""One daemon with a small synthetic camera for all tests of this folder: they only read and record."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon
from tests.support.shared_daemon import SharedDaemon

HERE = Path(__file__).parent

_SHARED = pytest.StashKey[SharedDaemon]()


@pytest.fixture(scope="session")
def _shared(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedDaemon]:
    shared = pytestconfig.stash[_SHARED] = SharedDaemon(tmp_path_factory.mktemp("daemon"))
    yield shared
    shared.end()


@pytest.fixture(scope="module")
def daemon(_shared: SharedDaemon) -> Daemon:
    return _shared.running()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, None, None]:
    """End the daemon with the last test of the folder: it takes processor time as long as it runs."""
    yield
    if (shared := item.config.stash.get(_SHARED, None)) and not (nextitem and HERE in nextitem.path.parents):
        shared.end()
