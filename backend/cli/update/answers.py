"""Asks a daemon over HTTP whether it is ready and which version it is. Blocking; needs no running loop."""

import asyncio
import time
from collections.abc import Callable

from backend.cli.client import client_for
from backend.cli.exits import CommandFailed, Exit
from backend.config.model import Config

_EVERY_S = 0.2


def version_of(config: Config, patience_s: float) -> str:
    """The version of the daemon that answers and is ready. Raises CommandFailed."""
    return asyncio.run(_ask(config, patience_s))


async def _ask(config: Config, patience_s: float) -> str:
    try:
        async with asyncio.timeout(patience_s), client_for(config, None) as client:
            await client.call("GET", "/readyz")
            system = await client.call("GET", "/api/system")
    except TimeoutError:
        raise CommandFailed(Exit.UNAVAILABLE, "It accepts connections but does not answer.") from None
    try:
        return str(system["version"])
    except (KeyError, TypeError):
        raise CommandFailed(Exit.FAILED, "It does not say which version it is.") from None


def wait_until_answers(
    config: Config, version: str, why_ended: Callable[[], str | None], wait_s: float
) -> None:
    """Return when the daemon is ready and is `version`.

    Raises:
        CommandFailed: it ended, is another version, or was not ready within `wait_s`.
    """
    end_s = time.monotonic() + wait_s
    while True:
        left_s = max(0.1, end_s - time.monotonic())
        try:
            found = version_of(config, left_s)
        except CommandFailed as error:
            last = str(error)
        else:
            if found == version:
                return
            raise CommandFailed(Exit.FAILED, f"Version {found} answers instead of {version}.")
        if (why := why_ended()) is not None:
            raise CommandFailed(Exit.FAILED, f"Version {version} does not run: {why}.")
        if time.monotonic() >= end_s:
            raise CommandFailed(Exit.FAILED, f"Version {version} was not ready within {wait_s:g} s: {last}")
        time.sleep(_EVERY_S)
