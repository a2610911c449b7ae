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

from tests.support.s3_servers import find_minio

IN_CI = os.environ.get("CI") == "true"
OUR_ROOMS = ["backend", "recorder"]
ALSO_WATCHED = ("os.fsync", "os.fdatasync")
LOCKS = ("threading.Lock.acquire", "threading.Lock.acquire_lock")
REAL_TIME = ("browser", "codec", "daemon")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares two cores with cameras, encoders and a browser in real time may be tried twice (adr 75).

    A second try is named in the report with what the first one said. Everything else has one try.
    """
    for item in items:
        if any(item.get_closest_marker(name) for name in REAL_TIME):
            item.add_marker(pytest.mark.flaky(reruns=1))


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
    """MinIO comes in addition to rclone, which is required: its absence is named, and no failure.

    So is every test that needed its second try.
    """
    for report in terminalreporter.stats.get("rerun", []):
        crash = getattr(report.longrepr, "reprcrash", None)
        said = crash.message if crash else report.longreprtext
        terminalreporter.write_line(f"second try: {report.nodeid} after: {said}", yellow=True)
    if find_minio() is None:
        terminalreporter.write_line(
            "MinIO: absent, so the store was shown on rclone's S3 server only "
            "(with Go on PATH, `./hindsight test` builds one)"
        )


def _fail(report: pytest.TestReport | pytest.CollectReport, nodeid: str) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{nodeid} was skipped, and under CI=true nothing may be: {reason}"
