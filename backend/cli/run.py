"""`hindsight run`: the daemon in the foreground until a signal ends it; SIGHUP reloads its configuration."""

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from backend.access.access_key import AccessKey
from backend.app import running
from backend.base.ids import RecorderIdDamaged
from backend.base.machine import descriptors
from backend.base.machine.data_lock import DataDirInUse, DataLock
from backend.base.text.redaction import LogFormatter, Redactor
from backend.catalogue import CatalogueError
from backend.cli.cameras import with_stand_in
from backend.cli.exits import CommandFailed, Exit
from backend.cli.invitations import NOT_ENCRYPTED, invitation_text, is_readable_on_the_way
from backend.cli.sources import check_sources
from backend.config.load import DEFAULT_FILE, load
from backend.config.model import CameraConfig, Config
from backend.foundation.other_accounts import close, openings
from backend.http.tls import check_tls
from backend.reload.reloader import Read

_logger = logging.getLogger(__name__)
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Log:
    """The log on stderr: how much it says, and what it hides."""

    def __init__(self, config: Config) -> None:
        self._redactor = Redactor()
        self._handler = logging.StreamHandler(sys.stderr)
        self._handler.setFormatter(LogFormatter(_LOG_FORMAT, self._redactor))
        self.follow(config)
        logging.basicConfig(handlers=[self._handler], force=True)
        # A job that runs every second is no news, nor is one turn of it passed over because the last is
        # still under way, nor a database that is up to date.
        for chatty, level in (("apscheduler", logging.ERROR), ("alembic", logging.WARNING)):
            logging.getLogger(chatty).setLevel(level)

    def follow(self, config: Config) -> None:
        """Take the level of `config`, and hide its secrets beside those there were before."""
        self._redactor.add(config.secrets())
        logging.getLogger().setLevel(config.log_level.upper())


def run(config: Config, path: Path | None) -> Exit:
    """Serve until SIGTERM or SIGINT; a second signal ends the process at once. `path`: of --config."""
    log = _Log(config)
    descriptors.raise_limit()
    config, stand_in = with_stand_in(config)
    read = _reader(path, log, () if stand_in is None else config.cameras)
    if path is None and not DEFAULT_FILE.is_file():
        _say(f"There is no {DEFAULT_FILE} here: the defaults apply, and clips go to {config.data_dir}.")
        _say(f"`hindsight config sample > {DEFAULT_FILE}` makes one with every key.")
    check_sources(config)
    check_tls(config)
    try:
        lock = DataLock.acquire(config.data_dir)
    except DataDirInUse as error:
        raise CommandFailed(Exit.IN_USE, str(error)) from error
    except OSError as error:
        raise CommandFailed(
            Exit.NO_PERMISSION, f"data_dir {config.data_dir} cannot be used: {error.strerror}."
        ) from error
    try:
        _close_to_others(config, path or DEFAULT_FILE)
        return asyncio.run(_serve(config, lock, stand_in, read))
    except (RecorderIdDamaged, CatalogueError) as error:
        raise CommandFailed(Exit.FAILED, str(error)) from error
    except OSError as error:
        raise _as_failure(error, config) from error
    finally:
        lock.release()


def _close_to_others(config: Config, config_file: Path) -> None:
    closed, left = close(openings(config, config_file))
    if closed:
        names = ", ".join(str(one.path) for one in closed)
        _logger.warning("closed to other accounts of this machine, which could get at it: %s", names)
    for one in left:
        _logger.warning("%s", one.sentence)


def _reader(path: Path | None, log: _Log, stand_in: tuple[CameraConfig, ...]) -> Read:
    cwd = Path.cwd()
    if path is None and (cwd / DEFAULT_FILE).is_file():
        path = DEFAULT_FILE  # to miss it from now on is a mistake and does not mean that there are no cameras

    def read() -> Config:
        fresh = load(path, os.environ, cwd)
        if not fresh.cameras:
            fresh = fresh.model_copy(update={"cameras": stand_in})
        fresh, _ = with_stand_in(fresh)
        check_sources(fresh)
        check_tls(fresh)
        log.follow(fresh)
        return fresh

    return read


async def _serve(config: Config, lock: DataLock, stand_in: str | None, read: Read) -> Exit:
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _on_signal, number, stop)
    loop.add_signal_handler(signal.SIGHUP, _on_hangup, sys.stdin.isatty(), stop, reload)
    key = AccessKey(config.data_dir)
    is_new_key = await asyncio.to_thread(key.load)
    if stand_in is not None:
        _say(stand_in)
    async with running(config, key) as daemon, asyncio.TaskGroup() as group:
        lock.announce(_local(daemon.address))
        reloads = group.create_task(daemon.reloader.follow(reload, read))
        shown = config.server.external_url or _reachable(daemon.address)
        if is_new_key or sys.stdout.isatty():
            invitation, lives_s = daemon.access.invite()
            link = f"{shown}/#code={invitation.token}"
            _say(invitation_text(shown, invitation.code, link, lives_s, qr=sys.stdout.isatty()))
        else:
            _say(f"Open {shown}  (`hindsight open` on this machine signs a browser in)")
        if is_readable_on_the_way(config.server, shown):
            _say(NOT_ENCRYPTED)
        await stop.wait()
        reloads.cancel()
        _say("Stopping; once more ends it at once.")
    return Exit.OK


def _on_signal(number: int, stop: asyncio.Event) -> None:
    if stop.is_set():
        # Recordings under way are on the disk already: the next start finishes them.
        os._exit(128 + number)
    stop.set()


def _on_hangup(had_terminal: bool, stop: asyncio.Event, reload: asyncio.Event) -> None:
    # The same signal says that the window was closed, to a daemon that runs in one.
    is_terminal_gone = had_terminal and not sys.stdin.isatty()
    (stop if is_terminal_gone else reload).set()


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
    scheme, port = address.partition(":")[0], address.rpartition(":")[2]
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only asks the kernel for a route
            return f"{scheme}://{probe.getsockname()[0]}:{port}"
    except OSError:
        return f"{scheme}://127.0.0.1:{port}"


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
