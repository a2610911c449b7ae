"""What every test shares: skips that count, loops that may not block, and nothing else.

Fixtures for one room live in that room's own conftest; servers and media live in modules beside this
one and are imported by name.
"""

import gc
import inspect
import os
from collections.abc import Generator, Iterator

import pytest
from blockbuster import BlockBuster, BlockBusterFunction
from hypothesis import settings

from tests import report, spread
from tests.support.s3_servers import find_minio

IN_CI = os.environ.get("CI") == "true"
OUR_ROOMS = ["backend", "recorder"]
ALSO_WATCHED = ("os.fsync", "os.fdatasync")
LOCKS = ("threading.Lock.acquire", "threading.Lock.acquire_lock")
WHOLE = "--whole-campaigns"

settings.register_profile("default", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("whole", deadline=None, max_examples=400, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        WHOLE, action="store_true", help="run every campaign at its full length, as `--all` does"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(report, "report")
    config.pluginmanager.register(spread, "spread")
    settings.load_profile("whole" if config.getoption(WHOLE) else "default")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser's tests last: the event loop of its driver cannot hold those of asynchronous tests."""
    items.sort(key=lambda item: "browser" in item.path.parts)


def pytest_collection() -> None:
    """Imports leave nothing that is garbage: looking for it took a tenth of the collection."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Nor is it looked through after each file, which took a third of the lane."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def is_whole(pytestconfig: pytest.Config) -> bool:
    """Whether campaigns run at their full length (`./hindsight test --all`)."""
    return bool(pytestconfig.getoption(WHOLE))


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_left_open() -> Iterator[None]:
    """Sockets that the tests of a file leave to the collector fail that file, not whichever comes next."""
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _no_blocking_on_the_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """Our own code that blocks a running event loop fails the test.

    Only coroutine tests are watched, and only calls that come through backend/ or recorder/: a test
    itself may read a file. Locks are exempt, because those that the loop takes cover constant or
    logarithmic work. Mark a test `blocking` where the loop is its own and blocking is the point.
    """
    if not inspect.iscoroutinefunction(request.function) or request.node.get_closest_marker("blocking"):
        yield
        return
    watcher = BlockBuster(scanned_modules=OUR_ROOMS)
    for name in ALSO_WATCHED:
        watcher.functions[name] = BlockBusterFunction(None, name, scanned_modules=OUR_ROOMS)
    for name in LOCKS:
        watcher.functions.pop(name, None)
    watcher.activate()
    try:
        yield
    finally:
        watcher.deactivate()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where CI=true, a test that was skipped has not shown what it promises: it fails."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report, item.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole file that skips itself counts the same."""
    report = yield
    if IN_CI and report.skipped:
        _fail(report, collector.nodeid)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """MinIO comes in addition to rclone, which is required: its absence is named, and no failure."""
    if find_minio() is None:
        terminalreporter.write_line(
            "MinIO: absent, so the store was shown on rclone's S3 server only "
            "(with Go on PATH, `./hindsight test` builds one)"
        )


def _fail(report: pytest.TestReport | pytest.CollectReport, nodeid: str) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{nodeid} was skipped, and under CI=true nothing may be: {reason}"
