"""What the page's modules weigh, read from web/: which one needs which, and their bytes as served."""

import re
from pathlib import Path

from backend.http.static import as_served

WEB = Path(__file__).parents[2] / "web"
TYPES_ONLY = {"types.js"}
INDEX = (WEB / "index.html").read_text()
SCRIPTS = sorted(p for p in WEB.rglob("*.js") if p.relative_to(WEB).as_posix() not in TYPES_ONLY)
STYLES = sorted(WEB.rglob("*.css"))
LANGUAGES = set((WEB / "messages").glob("*.js"))


def needs(path: Path) -> set[Path]:
    """The module and everything it imports before it runs."""
    found: set[Path] = set()
    waiting = {path}
    while waiting:
        module = waiting.pop()
        found.add(module)
        names = re.findall(r'^(?:import|export)[^;]*? from "(\.[^"]+)";', module.read_text(), re.MULTILINE)
        waiting |= {(module.parent / name).resolve() for name in names} - found
    return found


def served_bytes(paths: set[Path]) -> int:
    """Of the languages English counts: only one is fetched, and they are about as long."""
    return sum(len(as_served(path)) for path in paths)


def later() -> set[Path]:
    """Modules that are fetched when they are wanted."""
    names = [
        (p.parent / n).resolve()
        for p in SCRIPTS
        for n in re.findall(r'(?:import|new URL)\("(\.[^"]+\.js)"', p.read_text())
    ]
    return set(names)


FIRST = needs(WEB / "start.js") | needs(WEB / "app.js")
"""What has to arrive before the live picture does."""
FIRST_STYLES = {path for path in STYLES if f"styles/{path.name}" in INDEX}


def added() -> dict[str, int]:
    """Script bytes by module that is fetched later, beyond what the first screen brought."""
    return {path.name: served_bytes(needs(path) - FIRST) for path in sorted(later() - LANGUAGES)}
