"""The page and its files: read once, served from memory.

Scripts leave without their comments, scripts and styles without their indentation: both are for readers of
the source, not for a phone. Lines stay where they are, so that an error names the line of the file.

All of web/ lies under one address that holds a keyed hash of the whole tree, so the files may be cached
for ever and relative imports between them always get one consistent version. The page itself is
never cached and is the only one that names the hash. No file names the path below which a proxy shows it
(`web/base.js` finds out in the browser), so every request gets the same bytes.
"""

import base64
import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from backend.base.shipped import CHECK_PAGE
from backend.http.routes import Route
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

PLACEHOLDER = "/assets/HASH/"
"""As written in web/. Served relative to the page, which may be shown below any path."""
_ICON = "icon-512.png"
_ICON_ADDRESSES = ("/favicon.ico", "/apple-touch-icon.png", "/apple-touch-icon-precomposed.png")
"""Where bookmarks, feed readers and monitors look without reading the page."""
_ROBOTS = b"User-agent: *\nDisallow: /\n"

_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' blob: data:",
    "media-src": "'self' blob:",
    "connect-src": "'self'",
    "manifest-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "require-trusted-types-for": "'script'",
    # Only the worker that shares one event stream between pages (web/shared_events.js).
    "trusted-types": "hindsight-worker",
}
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
_TEXT = frozenset({*_TYPES.values(), "application/json", "text/plain"})
_TYPE_NOTE = re.compile(r"/\*\* @type [^*]*\*/ ?")
_SMALLEST_TO_COMPRESS_BYTES = 1024


@dataclass(frozen=True, slots=True)
class PagePolicy:
    """What browsers let pages of ours do, and pages of others do with them."""

    media_origin: str | None = None
    """Scheme, host and port of the object store that browsers may fetch clips from."""
    frame_ancestors: tuple[str, ...] = ()
    """The origins whose pages may show ours in a frame; `'self'` is our own."""

    def headers(self, **extra: str) -> dict[str, str]:
        """Those of every answer; `extra` names directives with - written as _."""
        directives = _POLICY | {name.replace("_", "-"): value for name, value in extra.items()}
        if self.media_origin is not None:
            for name in ("img-src", "media-src", "connect-src"):
                directives[name] += f" {self.media_origin}"
        policy = "; ".join([*(f"{name} {value}" for name, value in directives.items()), self.framing])
        return {"Content-Security-Policy": policy} | self._frame_options()

    @property
    def framing(self) -> str:
        """The directive of every answer's policy that says who may show it in a frame."""
        return "frame-ancestors " + (" ".join(self.frame_ancestors) or "'none'")

    def _frame_options(self) -> dict[str, str]:
        """For browsers that know no `frame-ancestors`. The header can name no other origin."""
        if not self.frame_ancestors:
            return {"X-Frame-Options": "DENY"}
        return {"X-Frame-Options": "SAMEORIGIN"} if self.frame_ancestors == ("'self'",) else {}


STRICT = PagePolicy()
"""No pictures from elsewhere, no frames."""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it leaves: `compressed` is None where gzip does not pay."""

    content_type: str
    body: bytes
    compressed: bytes | None
    headers: Mapping[str, str]


class Site:
    """The files of web/ and the pages at the root. Reading them blocks: make it before serving."""

    def __init__(
        self,
        web_dir: Path,
        check_page: Path | None = None,
        policy: PagePolicy = STRICT,
        box: str = "",
    ) -> None:
        """`box`: what only this box knows, at most 64 bytes.

        The hash is keyed with it: of a public tree alone it would name the version to any stranger.
        """
        self._policy = policy
        files = {
            str(path.relative_to(web_dir)): as_served(path)
            for path in sorted(web_dir.rglob("*"))
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(web_dir).parts)
        }
        digest = hashlib.blake2b(key=box.encode(), digest_size=8)
        for name, body in files.items():
            digest.update(f"{name}\0{len(body)}\0".encode() + body)
        self.hash = digest.hexdigest()
        cached = {"Cache-Control": "public, max-age=31536000, immutable"}
        self._assets = {n: _file(n, b, cached) for n, b in files.items() if n != "index.html"}
        self._icon = self._assets.get(_ICON)
        self._robots = _file("robots.txt", _ROBOTS, {})
        self._index = self._page("index.html", files.get("index.html", b"<!doctype html>"))
        self._check_page: StaticFile | None = None
        if check_page is not None and check_page.is_file():
            self._check_page = self._page(CHECK_PAGE, check_page.read_bytes())

    def routes(self) -> tuple[Route, ...]:
        """The page, its files and the playback check: open to everybody, they hold nothing private."""
        served = {
            "/": self._answer_index,
            "/assets/{hash:[0-9a-f]+}/{path:.+}": self._answer_asset,
            f"/{CHECK_PAGE}": self._answer_check_page,
            "/robots.txt": self._answer_robots,
            **dict.fromkeys(_ICON_ADDRESSES, self._answer_icon),
        }
        return tuple(
            Route(
                "GET",
                path,
                handler,
                None,
                "The page",
                ignores_unknown_query=True,
                also_head=True,
                documented=False,
            )
            for path, handler in served.items()
        )

    def _page(self, name: str, body: bytes) -> StaticFile:
        text = body.decode().replace(PLACEHOLDER, f"./assets/{self.hash}/")
        headers = {"Cache-Control": "no-store"}
        scripts, styles = _inline_hashes(text, "script"), _inline_hashes(text, "style")
        if scripts or styles:
            headers |= self._policy.headers(script_src=f"'self' {scripts}", style_src=f"'self' {styles}")
        return _file(name, text.encode(), headers)

    async def _answer_index(self, request: web.Request) -> web.StreamResponse:
        return _answer(request, self._index)

    async def _answer_asset(self, request: web.Request) -> web.StreamResponse:
        file = self._assets.get(request.match_info["path"])
        if file is None or request.match_info["hash"] != self.hash:
            raise Refused(Kind.PAGE_OUTDATED)
        return _answer(request, file)

    async def _answer_robots(self, request: web.Request) -> web.StreamResponse:
        return _answer(request, self._robots)

    async def _answer_icon(self, request: web.Request) -> web.StreamResponse:
        if self._icon is None:
            raise Refused(Kind.PAGE_MISSING, name=_ICON)
        # Its address stays with the next version: kept for a day, not for ever.
        return _answer(request, replace(self._icon, headers={"Cache-Control": "public, max-age=86400"}))

    async def _answer_check_page(self, request: web.Request) -> web.StreamResponse:
        if self._check_page is None:
            raise Refused(Kind.PAGE_MISSING, name=CHECK_PAGE)
        return _answer(request, self._check_page)


def slim_script(script: str) -> str:
    """Drop the indentation, the notes of types and the text of whole-line comments.

    A string that spans lines would lose its indentation, so web/ holds none (tests/parts/web/test_files.py).
    """
    kept, inside = [], False
    for line in script.split("\n"):
        words = line.strip()
        begins = not inside and words.startswith("/*") and "*/" not in words[2:-2]
        if inside or begins:
            inside = not words.endswith("*/")
            kept.append("")
        else:
            kept.append("" if words.startswith("//") else _TYPE_NOTE.sub("", words))
    return "\n".join(kept)


def slim_style(style: str) -> str:
    """Drop the indentation of a style sheet."""
    return "\n".join(line.strip() for line in style.split("\n"))


def as_served(path: Path) -> bytes:
    """Read one file of web/ and return the bytes that leave, before compression."""
    body = path.read_bytes()
    slim = _SLIM.get(path.suffix)
    return slim(body.decode()).encode() if slim else body


_SLIM = {".js": slim_script, ".css": slim_style}


def _file(name: str, body: bytes, headers: Mapping[str, str]) -> StaticFile:
    guessed = _TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    compressed = None
    if guessed in _TEXT and len(body) >= _SMALLEST_TO_COMPRESS_BYTES:
        compressed = gzip.compress(body, 9, mtime=0)
    return StaticFile(guessed, body, compressed, headers)


def _answer(request: web.Request, file: StaticFile) -> web.Response:
    headers = dict(file.headers)
    charset = "; charset=utf-8" if file.content_type in _TEXT else ""
    headers["Content-Type"] = file.content_type + charset
    body = file.body
    if file.compressed is not None:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = file.compressed
    return web.Response(body=body, headers=headers)


def _inline_hashes(page: str, tag: str) -> str:
    """CSP sources for the inline scripts or styles of a page that must also work from a file."""
    found = re.findall(rf"<{tag}(?![^>]*\bsrc=)[^>]*>(.*?)</{tag}>", page, re.DOTALL | re.IGNORECASE)
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found)
    return " ".join(f"'sha256-{value}'" for value in hashes)
