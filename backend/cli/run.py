"""`hindsight run`: the daemon in the foreground until a signal ends it."""

import asyncio
import errno
import logging
import os
import signal
import socket
import sys

from backend.access.access_key import AccessKey
from backend.app import running
from backend.catalogue import CatalogueError
from backend.cli.cameras import with_stand_in
from backend.cli.exits import CommandFailed, Exit
from backend.cli.sources import check_sources
from backend.config import Config
from backend.data_lock import DataDirInUse, DataLock
from backend.ids import RecorderIdDamaged
from backend.redaction import Redactor

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def run(config: Config) -> Exit:
    """Serve until SIGTERM or SIGINT; a second signal ends the process at once."""
    _set_up_logging(config)
    config, stand_in = with_stand_in(config)
    check_sources(config)
    try:
        lock = DataLock.acquire(config.data_dir)
    except DataDirInUse as error:
        raise CommandFailed(Exit.IN_USE, str(error)) from error
    except OSError as error:
        raise CommandFailed(
            Exit.NO_PERMISSION, f"data_dir {config.data_dir} cannot be used: {error.strerror}."
        ) from error
    try:
        return asyncio.run(_serve(config, lock, stand_in))
    except (RecorderIdDamaged, CatalogueError) as error:
        raise CommandFailed(Exit.FAILED, str(error)) from error
    except OSError as error:
        raise _as_failure(error, config) from error
    finally:
        lock.release()


async def _serve(config: Config, lock: DataLock, stand_in: str | None) -> Exit:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, number, stop)
    key = AccessKey(config.data_dir)
    is_new_key = await asyncio.to_thread(key.load)
    if stand_in is not None:
        _say(stand_in)
    async with running(config, key) as address:
        lock.announce(_local(address))
        shown = _reachable(address)
        if is_new_key or sys.stdout.isatty():
            _say(f"Open {shown}/#key={key.value}")
        else:
            _say(f"Open {shown}  (`hindsight key show` prints the key)")
        await stop.wait()
        _say("Stopping; once more ends it at once.")
    return Exit.OK


def _on_signal(number: int, stop: asyncio.Event) -> None:
    if stop.is_set():
        # Recordings under way are on the disk already: the next start finishes them.
        os._exit(128 + number)
    stop.set()


def _say(line: str) -> None:
    """To a person, not to the log: the log hides keys, and this is where one is meant to be read."""
    print(line, flush=True)


def _local(address: str) -> str:
    """The address for the command line on this machine."""
    return address.replace("://0.0.0.0", "://127.0.0.1").replace("://[::]", "://[::1]")


def _reachable(address: str) -> str:
    """The address for a person: one of this box's own where it listens on all of them."""
    if "://0.0.0.0" not in address and "://[::]" not in address:
        return address
    port = address.rpartition(":")[2]
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks the kernel for a route
            return f"http://{probe.getsockname()[0]}:{port}"
    except OSError:
        return f"http://127.0.0.1:{port}"


def _as_failure(error: OSError, config: Config) -> CommandFailed:
    where = f"{config.server.host}:{config.server.port}"
    if error.errno == errno.EADDRINUSE:
        text = f"{where} is in use by another program. Stop it, or configure another server.port."
        return CommandFailed(Exit.IN_USE, text)
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return CommandFailed(Exit.CONFIG, f"server.host: this machine has no such address ({where}).")
    if isinstance(error, PermissionError):
        return CommandFailed(Exit.NO_PERMISSION, f"Not allowed: {error.filename or where}.")
    return CommandFailed(Exit.FAILED, f"Could not start: {error.strerror or error}.")


def _set_up_logging(config: Config) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_LOG_FORMAT))
    handler.addFilter(Redactor(config.secrets()))
    logging.basicConfig(level=config.log_level.upper(), handlers=[handler], force=True)
    # A job that runs every second is no news, nor is a database that is up to date.
    for chatty in ("apscheduler", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
