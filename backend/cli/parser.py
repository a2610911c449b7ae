"""The shape of the command line."""

import argparse
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

_Parser = argparse.ArgumentParser
_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
LEVELS = ("presence", "size", "hash")


def make_parser() -> argparse.ArgumentParser:
    """Commands set `command`; those with a second word set `action` too."""
    parser = argparse.ArgumentParser(
        prog="hindsight", description="Instant replay for cameras: records what has just been seen."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    configured = argparse.ArgumentParser(add_help=False)
    configured.add_argument("--config", type=Path, metavar="FILE", help="default: ./config.yaml")
    as_json = argparse.ArgumentParser(add_help=False)
    as_json.add_argument("--json", action="store_true", help="print JSON")
    asking = argparse.ArgumentParser(add_help=False, parents=[configured, as_json])
    asking.add_argument("--url", type=_url, metavar="URL", help="default: the daemon of this configuration")
    plain = [configured, as_json]

    _command(commands, "run", parents=[configured], help="run the daemon")
    help_text = "list the cameras that are attached, with the lines to configure them"
    _command(commands, "cameras", parents=[as_json], help=help_text)
    opening = _command(
        commands, "open", parents=[asking], help="sign a browser in: this machine's, or another by a code"
    )
    opening.add_argument("--no-browser", action="store_true", help="print code and link, and open nothing")
    status = _command(
        commands, "status", parents=[asking], help="tell whether it is ready and what the cameras do"
    )
    status.add_argument("--require-live", action="store_true", help="exit 1 unless every camera is live")
    _add_record(_command(commands, "record", parents=[asking], help="record a clip"))
    clips = _group(commands, "clips", help="list, publish, delete, retry or download clips")
    _add_clips_list(_command(clips, "list", parents=[asking], help="list clips, newest first"))
    _add_many_clips(clips, asking)
    _add_schedules(_group(commands, "schedules", help="list what happens by the clock"), asking)
    playback = _group(commands, "playback", help="check how clips play")
    help_text = "try addresses, ranges and seeks, in every way a player may get a clip"
    check = _command(playback, "check", parents=[asking], help=help_text)
    check.add_argument("clip", nargs="?", metavar="CLIP", help="default: the newest that plays")
    _add_retention(
        _command(commands, "retention", parents=[asking], help="tell what would be deleted, and why")
    )
    _add_storage(_group(commands, "storage", help="check the object store"), plain)
    fsck = _command(commands, "fsck", parents=plain, help="prove that catalogue and disk agree")
    fsck.add_argument("--level", choices=LEVELS, default="size", help="how thoroughly (default: size)")
    config = _group(commands, "config", help="check, print or begin a configuration")
    _command(config, "check", parents=plain, help="read the configuration and name every mistake")
    _command(config, "print", parents=plain, help="print the effective values, secrets hidden")
    _command(config, "sample", help="print a config.yaml with every key, its default and what it does")
    bench = _command(commands, "bench", add_help=False, help="measure what the promises cost on this machine")
    bench.add_argument("arguments", nargs=argparse.REMAINDER)
    key = _group(commands, "key", help="show or replace the access key")
    _command(key, "show", parents=plain, help="print the access key")
    _command(key, "new", parents=plain, help="replace the access key and end every session")
    help_text = "switch to another version, and back if it does not answer"
    _add_update(_command(commands, "update", parents=[configured], help=help_text))
    _command(commands, "version", parents=[as_json], help="tell which Hindsight this is")
    return parser


def _command(commands: _Commands, name: str, *, help: str, **options: Any) -> _Parser:
    """A command that says what it does in the list of commands and in its own help."""
    return commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.", **options)


def _group(commands: _Commands, name: str, *, help: str) -> _Commands:
    """A command that is followed by a second word."""
    return _command(commands, name, help=help).add_subparsers(dest="action", required=True)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise argparse.ArgumentTypeError("must be an address such as http://127.0.0.1:8080")
    return text


def _add_storage(actions: _Commands, plain: list[argparse.ArgumentParser]) -> None:
    help_text = "make one round trip, as the daemon and a browser do"
    check = _command(actions, "check", parents=plain, help=help_text)
    check.add_argument(
        "--origin", metavar="URL", help="the page's, for CORS (default: http[s]://localhost:PORT)"
    )


def _add_many_clips(clips: _Commands, asking: _Parser) -> None:
    for name, help_text in (
        ("publish", "put drafts into the feed, now or later"),
        ("unpublish", "take clips out of the feed again"),
        ("delete", "delete clips and their files"),
        ("retry", "finish failed clips again"),
        ("archive", "download clips as one ZIP"),
    ):
        command = _command(clips, name, parents=[asking], help=help_text)
        command.add_argument("ids", nargs="+", metavar="ID")
        if name == "publish":
            command.add_argument("--caption", metavar="TEXT", help="what people read below")
            command.add_argument("--at", metavar="TIME", help="not before, such as 2026-05-01T18:00:00Z")
        if name == "archive":
            command.add_argument("--output", type=Path, default=Path("clips.zip"), metavar="FILE")
            originals = "the files as they were recorded, with the pictures they hide"
            command.add_argument("--original", action="store_true", help=originals)


def _add_retention(retention: argparse.ArgumentParser) -> None:
    what = retention.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="list what would go; this is the default")
    what.add_argument("--approve", action="store_true", help="let what waits for a person be deleted")


def _add_update(update: argparse.ArgumentParser) -> None:
    update.add_argument(
        "target", nargs="?", metavar="FOLDER|TAG", help="default: the newest tag of the git remote"
    )
    update.add_argument("--dry-run", action="store_true", help="print the steps and change nothing")
    update.add_argument(
        "--wait-s", type=float, default=120.0, metavar="N", help="how long it has to answer (default: 120)"
    )
    update.add_argument(
        "--catalogue-is-backed-up",
        action="store_true",
        help="update although PostgreSQL cannot be copied here",
    )
    # The launcher says which checkout it belongs to.
    update.add_argument("--checkout", type=Path, help=argparse.SUPPRESS)


def _add_schedules(actions: _Commands, asking: argparse.ArgumentParser) -> None:
    _command(
        actions, "list", parents=[asking], help="list them, with the next time of each by clocks of its zone"
    )
    runs = _command(actions, "runs", parents=[asking], help="when one ran, or why it did not; newest first")
    runs.add_argument("schedule", metavar="ID", help="as `schedules list` prints it")
    runs.add_argument("--limit", type=int, default=20, metavar="N", help="default: 20")


def _add_record(record: argparse.ArgumentParser) -> None:
    record.add_argument("--camera", metavar="ID", help="default: the first")
    record.add_argument("--before", type=float, metavar="SECONDS", help="look back this far")
    record.add_argument("--after", type=float, metavar="SECONDS", help="and go on this long")
    record.add_argument("--title", help="what people read")
    record.add_argument("--wait", action="store_true", help="until the clip is finished")


def _add_clips_list(clips: argparse.ArgumentParser) -> None:
    clips.add_argument("--status", metavar="LIST", help="such as draft,published")
    clips.add_argument("--camera", metavar="ID")
    clips.add_argument("--q", metavar="WORDS", help="in title, caption and tags")
    clips.add_argument("--limit", type=int, default=20, metavar="N", help="default: 20")
