"""One-time codes for people: `hindsight open`, and what the first start prints.

The access key never stands in an address: addresses end up in histories, logs and process lists. What stands
there works once, for ten minutes.
"""

import argparse
import asyncio
import contextlib
import html
import io
import json
import os
import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import segno

from backend.access.peers import is_loopback
from backend.cli.client import DaemonClient, client_for
from backend.cli.exits import Exit
from backend.config.model import Config
from backend.config.server import ServerConfig

NOT_ENCRYPTED = (
    "This address is not encrypted: others in the same network can read along and take over a session. "
    "See docs/guide/https.md."
)
_EVERY_S = 0.25
_LOOKS = 120
"""For so many quarters of a second the file is there that leads the browser to the page."""


def is_readable_on_the_way(server: ServerConfig, address: str) -> bool:
    """Whether people reach `address` in plain text over a network."""
    parts = urlsplit(address)
    return server.tls is None and parts.scheme != "https" and not is_loopback(parts.hostname or "")


def invitation_text(address: str, code: str, link: str, lives_s: float, *, qr: bool) -> str:
    """What a person reads who has no session yet; `qr`: the link as a picture too, for a phone."""
    lines = [f"Open {address} and type this code:  {code}", f"Or open {link}"]
    if qr:
        lines += ["Or scan this with a phone:", _qr_code(link)]
    lines.append(f"It works once, for {lives_s / 60:.0f} minutes; `hindsight open` makes a new one.")
    return "\n".join(lines)


def open_page(config: Config, options: argparse.Namespace) -> Exit:
    """Sign this machine's browser in, or print what signs another one in."""
    return asyncio.run(_open_page(config, options))


async def _open_page(config: Config, options: argparse.Namespace) -> Exit:
    async with client_for(config, options.url) as client:
        made = await client.call("POST", "/api/session/codes")
        link = made["url"] if "://" in made["url"] else client.url + made["path"]
        if options.json:
            print(json.dumps(made | {"url": link}, indent=2))
            return Exit.OK
        print(
            invitation_text(
                link.removesuffix(made["path"]),
                made["code"],
                link,
                made["expires_in_seconds"],
                qr=sys.stdout.isatty(),
            ),
            flush=True,
        )
        if not options.no_browser and _has_display():
            await _follow_in_browser(client, made, link)
    return Exit.OK


async def _follow_in_browser(client: DaemonClient, made: Any, link: str) -> None:
    with _page_that_leads_to(link) as page:
        if not await asyncio.to_thread(webbrowser.open, page.as_uri()):
            return
        for _ in range(_LOOKS):
            await asyncio.sleep(_EVERY_S)
            if not (await client.call("GET", f"/api/session/codes/{made['id']}"))["open"]:
                print("The browser is signed in.")
                return


def _has_display() -> bool:
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


@contextlib.contextmanager
def _page_that_leads_to(link: str) -> Iterator[Path]:
    """A file that only this user reads: every user of a machine sees what a browser is started with."""
    target = html.escape(link)
    text = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={target}">'
    with tempfile.NamedTemporaryFile("w", suffix=".html", prefix="hindsight-") as file:
        file.write(text)
        file.flush()
        yield Path(file.name)


def _qr_code(link: str) -> str:
    drawn = io.StringIO()
    segno.make(link, error="l").terminal(drawn, compact=True, border=2)
    return drawn.getvalue().rstrip("\n")
