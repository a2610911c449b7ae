"""A daemon that lets nobody in without a session, and the ways to get one."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.browser.conftest import HOUSE
from tests.support.daemon import READY_S, Daemon


@contextmanager
def locked_daemon(directory: Path, cameras: Sequence[Mapping[str, Any]]) -> Iterator[Daemon]:
    """Even /readyz is closed, so it is waited for at the page itself. Known as HOUSE, too."""
    server = {"loopback_without_key": False, "allowed_hosts": [HOUSE]}
    daemon = Daemon(directory, cameras, server=server)

    def answers() -> bool:
        with suppress(OSError):
            return daemon.get("/").status == 200
        return False

    daemon.start(wait=False)
    try:
        daemon.wait(answers, READY_S, "serving")
        yield daemon
    finally:
        daemon.stop()


def house_url(daemon: Daemon) -> str:
    """The daemon by a name that is not loopback: there, nothing is encrypted and nobody is at home."""
    return f"http://{HOUSE}:{daemon.port}"


def access_key(daemon: Daemon) -> str:
    """As `hindsight key show` reads it."""
    return (daemon.data_dir / "access_key").read_text().strip()


def by_key(daemon: Daemon) -> dict[str, str]:
    """The header that lets a program in."""
    return {"Authorization": f"Bearer {access_key(daemon)}"}


def invitation(daemon: Daemon) -> Any:
    """As `hindsight open` makes it: `code` to type, `path` to put behind the address."""
    answer = daemon.request("POST", "/api/session/codes", headers=by_key(daemon))
    assert answer.status == 201, answer.body
    return answer.json()


def first_link(daemon: Daemon) -> str:
    """The link that the first start prints."""

    def printed() -> re.Match[str] | None:
        return re.search(r"http\S+/#code=\S+", daemon.log_path.read_text())

    return daemon.wait(printed, READY_S, "its first link")[0]
