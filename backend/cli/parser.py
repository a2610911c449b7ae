"""The shape of the command line."""

import argparse
from pathlib import Path
from urllib.parse import urlsplit

_Parser = argparse.ArgumentParser
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

    commands.add_parser("run", parents=[configured], help="run the daemon")
    help_text = "which cameras are attached, and the lines to configure them"
    commands.add_parser("cameras", parents=[as_json], help=help_text)
    status = commands.add_parser("status", parents=[asking], help="is it ready; what the cameras do")
    status.add_argument("--require-live", action="store_true", help="exit 1 unless every camera is live")
    _add_record(commands.add_parser("record", parents=[asking], help="record a clip"))
    clips = commands.add_parser("clips", help="clips").add_subparsers(dest="action", required=True)
    _add_clips_list(clips.add_parser("list", parents=[asking], help="newest first"))
    _add_many_clips(clips, asking)
    schedules = commands.add_parser("schedules", help="what happens by the clock")
    _add_schedules(schedules.add_subparsers(dest="action", required=True), asking)
    playback = commands.add_parser("playback", help="playing clips")
    check = playback.add_subparsers(dest="action", required=True).add_parser(
        "check", parents=[asking], help="resolve, ranges and seeks, in every way a player may get a clip"
    )
    check.add_argument("clip", nargs="?", metavar="CLIP", help="default: the newest that plays")
    _add_retention(commands.add_parser("retention", parents=[asking], help="what would be deleted, and why"))
    _add_storage(commands.add_parser("storage", help="the object store"), plain)
    fsck = commands.add_parser("fsck", parents=plain, help="prove that catalogue and disk agree")
    fsck.add_argument("--level", choices=LEVELS, default="size", help="how thoroughly (default: size)")
    config = commands.add_parser("config", help="configuration").add_subparsers(dest="action", required=True)
    config.add_parser("check", parents=plain, help="read it and name every mistake")
    config.add_parser("print", parents=plain, help="effective values, secrets hidden")
    bench = commands.add_parser("bench", add_help=False, help="what the promises cost on this machine")
    bench.add_argument("arguments", nargs=argparse.REMAINDER)
    key = commands.add_parser("key", help="access key").add_subparsers(dest="action", required=True)
    key.add_parser("show", parents=plain, help="print it")
    key.add_parser("new", parents=plain, help="replace it and end every session")
    commands.add_parser("version", parents=[as_json], help="which Hindsight this is")
    return parser


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise argparse.ArgumentTypeError("must be an address such as http://127.0.0.1:8080")
    return text


def _add_storage(storage: argparse.ArgumentParser, plain: list[argparse.ArgumentParser]) -> None:
    check = storage.add_subparsers(dest="action", required=True).add_parser(
        "check", parents=plain, help="one round trip, as the daemon and a browser make it"
    )
    check.add_argument(
        "--origin", metavar="URL", help="the page's, for CORS (default: http[s]://localhost:PORT)"
    )


def _add_many_clips(clips: "argparse._SubParsersAction[argparse.ArgumentParser]", asking: _Parser) -> None:
    for name, said in (
        ("publish", "put drafts into the feed, now or later"),
        ("unpublish", "take clips out of the feed again"),
        ("delete", "delete clips and their files"),
        ("retry", "finish failed clips again"),
        ("archive", "download clips as one ZIP"),
    ):
        command = clips.add_parser(name, parents=[asking], help=said)
        command.add_argument("ids", nargs="+", metavar="ID")
        if name == "publish":
            command.add_argument("--caption", metavar="TEXT", help="what people read below")
            command.add_argument("--at", metavar="TIME", help="not before, such as 2026-05-01T18:00:00Z")
        if name == "archive":
            command.add_argument("--output", type=Path, default=Path("clips.zip"), metavar="FILE")


def _add_retention(retention: argparse.ArgumentParser) -> None:
    what = retention.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="list what would go; this is the default")
    what.add_argument("--approve", action="store_true", help="let what waits for a person be deleted")


def _add_schedules(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", asking: argparse.ArgumentParser
) -> None:
    actions.add_parser("list", parents=[asking], help="with the next time of each, by clocks of its zone")
    runs = actions.add_parser("runs", parents=[asking], help="when it ran, or why it did not; newest first")
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
