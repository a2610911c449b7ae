"""The program: parses the command line, reads the configuration, runs one command, ends with its code."""

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backend.base.machine.file_modes import UMASK
from backend.cli.exits import CommandFailed, Exit
from backend.cli.parser import make_parser
from backend.config.load import ConfigError, load
from backend.config.model import Config

Command = Callable[[Config, argparse.Namespace], Exit]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return int(_dispatch(given))
    except CommandFailed as error:
        print(f"hindsight: {error}", file=sys.stderr)
        return int(error.code)
    except ConfigError as error:
        for line in error.lines:
            print(f"hindsight: {line}", file=sys.stderr)
        return int(Exit.CONFIG)
    except KeyboardInterrupt:
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has closed it, as `head` does; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.OK)


def _dispatch(given: list[str]) -> int:
    from backend.cli import local

    if given[:1] == ["bench"]:
        return local.bench(given[1:])  # its own options, unread by us
    options = make_parser().parse_args(given)
    if options.command == "update":
        from backend.cli.update.command import update

        return update(options)  # reads the configuration of the daemon that runs
    if options.command == "version":
        return local.version(options)
    if options.command == "cameras":
        from backend.cli.cameras import cameras

        return cameras(options)
    if (options.command, getattr(options, "action", None)) == ("config", "sample"):
        return local.config_sample()
    command = _command(options)
    try:
        with _private_files():
            return command(load(options.config, os.environ, Path.cwd()), options)
    except ConfigError as error:
        if command is local.config_check and options.json:
            print(json.dumps({"ok": False, "mistakes": error.lines}, indent=2))
        raise


@contextmanager
def _private_files() -> Iterator[None]:
    """What is written meanwhile, also by workers, is for the account that runs the command only."""
    before = os.umask(UMASK)
    try:
        yield
    finally:
        os.umask(before)


def _command(options: argparse.Namespace) -> Command:
    """Each command loads only what it needs: `status` must not wait for video libraries."""
    from backend.cli import local, remote

    match (options.command, getattr(options, "action", None)):
        case ("run", _):
            run = _load_daemon()
            return lambda config, options: run(config, options.config)
        case ("fsck", _):
            from backend.cli.fsck import fsck

            return fsck
        case ("retention", _):
            from backend.cli.retention import retention

            return retention
        case ("status", _):
            return remote.status
        case ("record", _):
            return remote.record
        case ("open", _):
            from backend.cli.invitations import open_page

            return open_page
        case ("clips", action):
            from backend.cli import many_clips

            return many_clips.command(str(action))
        case ("schedules", action):
            from backend.cli import schedules

            return schedules.list_schedules if action == "list" else schedules.list_runs
        case (subject, "check"):
            return _check_of(subject)
        case ("config", "print"):
            return local.config_print
        case ("key", action):
            return local.key_show if action == "show" else local.key_new
    raise AssertionError(f"the parser let an unknown command through: {options.command}")


def _load_daemon() -> Callable[[Config, Path | None], Exit]:
    """All its modules stay until the end: the collector waits while they load, and then passes them over."""
    gc.disable()
    from backend.cli.run import run

    gc.freeze()
    gc.enable()
    return run


def _check_of(subject: str) -> Command:
    match subject:
        case "playback":
            from backend.cli.playback_check import playback_check

            return playback_check
        case "storage":
            from backend.cli.storage import storage_check

            return storage_check
    from backend.cli.local import config_check

    return config_check


if __name__ == "__main__":
    sys.exit(main())
