"""`./hindsight bench`: run, print, and on request write the page and the JSON."""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import at_once, catalogue, cheap, jitter, many, playback, ready, web, webcam
from benchmarks.daemon import BenchmarkFailed
from benchmarks.machine import describe
from benchmarks.report import Table, as_json, as_markdown, as_text

PAGE = Path(__file__).parent.parent / "docs" / "ref" / "benchmarks.md"


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when everything asked was measured, 1 when something could not be."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    runs: dict[str, Callable[[Path], list[Table]]] = {
        "at-once": lambda where: [at_once.run(where, options.seconds, options.tries)],
        "cheap": lambda where: cheap.run(where, options.seconds),
        "ready": lambda where: [ready.run(where, options.seconds)],
        "usb": lambda where: webcam.run(where, options.seconds, options.tries),
        "many": lambda where: [many.run(where, options.seconds, options.cameras)],
        "catalogue": lambda where: catalogue.run(where, options.rows),
        "playback": lambda where: playback.run(where, int(options.object_gb * 1e9)),
        "web": lambda where: web.run(where, options.seconds, options.tries, options.clips),
        "jitter": lambda where: [jitter.run(where, options.minutes)],
    }
    machine = describe()
    for name, value in machine:
        print(f"{name:>10}: {value}", file=sys.stderr)
    tables: list[Table] = []
    for name in options.only or runs:
        print(f"\nmeasuring: {name} …", file=sys.stderr, flush=True)
        try:
            with tempfile.TemporaryDirectory(prefix="hindsight-bench-") as where:
                measured = runs[name](Path(where))
        except BenchmarkFailed as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
        tables += measured
        if not options.json:
            print("\n" + "\n\n".join(as_text(table) for table in measured), flush=True)
    if options.json:
        print(as_json(tables, machine))
    if options.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(as_markdown(tables, machine, "./hindsight bench --write"))
        print(f"\nwritten: {PAGE.relative_to(PAGE.parents[2])}", file=sys.stderr)
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hindsight bench", description="What Hindsight's promises cost on this machine."
    )
    parser.add_argument(
        "only",
        nargs="*",
        choices=["at-once", "cheap", "ready", "usb", "many", "catalogue", "playback", "web", "jitter", []],
        metavar="WHAT",
        help="at-once, cheap, ready, usb, many, catalogue, playback, web, jitter; everything when left out",
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the buffer (default 60)")
    parser.add_argument("--tries", type=int, default=30, help="presses for at-once, usb and web (default 30)")
    parser.add_argument("--cameras", type=int, default=8, help="cameras for many (default 8)")
    parser.add_argument("--rows", type=int, default=100_000, help="clips for catalogue (default 100000)")
    parser.add_argument("--object-gb", type=float, default=2.0, help="of playback's clip (default 2)")
    parser.add_argument("--clips", type=int, default=10_000, help="in the list of web (default 10000)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of jitter (default 10)")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else to stdout")
    parser.add_argument(
        "--write", action="store_true", help="write docs/ref/benchmarks.md, the machine named"
    )
    options = parser.parse_args(arguments)
    if options.seconds < 8:
        parser.error("--seconds must be at least 8")
    return options


if __name__ == "__main__":
    sys.exit(main())
