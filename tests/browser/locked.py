"""A daemon that lets nobody in without a session, and the ways to get one."""

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tests.browser.conftest import HOUSE
from tests.support import daemon as support
from tests.support.daemon import READY_S, Daemon


def locked_daemon(directory: Path, cameras: Sequence[Mapping[str, Any]]) -> AbstractContextManager[Daemon]:
    """Known as HOUSE, too."""
    return support.locked_daemon(directory, cameras, allowed_hosts=[HOUSE])


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
