"""Check the page's types, format and lint with TypeScript and Biome: `python -m tests.page_checks`.

Both come from npm, once per user and outside the checkout. The page itself has no build step and needs
neither, so on a machine that has no Node.js or cannot fetch them the page goes unchecked, and says so.
Tests of what the page does are elsewhere. One thread, and two runs may fetch at the same time.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FETCH_TIMEOUT_S = 300
CHECK_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Tool:
    """One package of npm and how it is called from the root of the checkout."""

    package: str
    version: str
    script: str
    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of its folder, without the scope: typescript-5.9.3."""
        return f"{self.package.rpartition('/')[2]}-{self.version}"


TOOLS = (
    Tool("typescript", "5.9.3", "typescript/bin/tsc", ("--project", "jsconfig.json")),
    Tool(
        "@biomejs/biome", "2.6.8", "@biomejs/biome/bin/biome", ("ci", "--colors=off", "--error-on-warnings")
    ),
)


class NotFetched(Exception):
    """The tool could not be had; the message says why."""


def main() -> int:
    """Run every tool that can be had, and return 1 if one of them found something."""
    found = False
    for tool in TOOLS:
        try:
            script = fetched(tool)
        except NotFetched as error:
            say(f"{error}: the page was not checked with {tool.name}")
            continue
        command = ["node", str(script), *tool.arguments]
        found |= subprocess.run(command, cwd=ROOT, timeout=CHECK_TIMEOUT_S, check=False).returncode != 0
    return int(found)


def fetched(tool: Tool) -> Path:
    """Return the script that starts the tool, and install it first where this user has none.

    Raises NotFetched.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotFetched("no Node.js with npm here")
    kept = Path.home() / ".cache" / "hindsight" / tool.name
    script = kept / "node_modules" / tool.script
    if not script.exists():
        _install(tool, kept)
    return script


def _install(tool: Tool, kept: Path) -> None:
    """Install beside and move into place, so that neither a stopped nor a second run leaves half of it."""
    say(f"fetching {tool.name} with npm (once)")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{tool.name}.", dir=kept.parent) as beside:
        fresh = Path(beside) / "installed"
        flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        _try(
            ["npm", "install", *flags, "--prefix", str(fresh), f"{tool.package}@{tool.version}"],
            "npm could not",
        )
        # Biome is a program for each kind of machine, and npm installs it without one that it has none for.
        _try(["node", str(fresh / "node_modules" / tool.script), "--version"], "it does not start here")
        if kept.exists() and not (kept / "node_modules" / tool.script).exists():
            shutil.rmtree(kept)
        try:
            fresh.rename(kept)
        except OSError:
            if not kept.exists():
                raise


def _try(command: list[str], complaint: str) -> None:
    try:
        subprocess.run(command, stdout=sys.stderr, timeout=FETCH_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotFetched(complaint) from error


def say(words: str) -> None:
    """Write one line to stderr; stdout belongs to the tools."""
    print(f"page_checks: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
