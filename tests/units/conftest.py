"""The units lane: decisions and values. What needs a process, socket, codec or database has other lanes."""

import sys
from collections.abc import Generator, Iterator

import pytest

_BELONGS_TO_PARTS = frozenset(
    {"os.fork", "os.posix_spawn", "socket.bind", "socket.connect", "sqlite3.connect", "subprocess.Popen"}
)
_CODECS = ("av", "cv2")
_watching = False


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if _watching and event in _BELONGS_TO_PARTS:
        raise AssertionError(f"{event} in the units lane: this test belongs to tests/parts")


sys.addaudithook(_audit)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a file that imports a codec, however indirectly: collecting the lane must stay cheap."""
    before = _loaded_codecs()
    report = yield
    if fresh := _loaded_codecs() - before:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} imports {', '.join(sorted(fresh))}: it belongs to tests/parts"
    return report


def _loaded_codecs() -> set[str]:
    return {name for name in _CODECS if name in sys.modules}


@pytest.fixture(autouse=True)
def _decides_only() -> Iterator[None]:
    """Fail a test that leaves its process, opens a database or loads a codec."""
    global _watching  # noqa: PLW0603 - an audit hook can be added but never removed
    loaded = _loaded_codecs()
    _watching = True
    try:
        yield
    finally:
        _watching = False
    fresh = _loaded_codecs() - loaded
    assert not fresh, f"{fresh} loaded in the units lane: this test belongs to tests/parts"
