"""The one address of each thing, and the way back to the page from anywhere below it. Pure.

Relative, so that it is right below the sub-path of a proxy too. Not here: routes (`routes`).
"""

import re

from aiohttp import web

OWN_PATH: web.RequestKey[str] = web.RequestKey("own path")
"""The path of a request as routes are declared: percent-encoded, and without `server.base_path`, which a
proxy may leave before it."""
_INDEX = "/index.html"


def canonical(path: str) -> str | None:
    """What `path` is another way of writing: slashes doubled or at the end, index.html; None: it is none."""
    single = re.sub("/{2,}", "/", path)
    bare = single.removesuffix("/") or "/"
    better = "/" if bare == _INDEX else bare
    return None if better == path else better


def to_root(path: str) -> str:
    """The page, as an address relative to `path`, which begins with a slash."""
    return "../" * (path.count("/") - 1) or "./"


def relative(path: str, target: str) -> str:
    """`target` as an address relative to `path`; both begin with a slash."""
    return to_root(path) + target.removeprefix("/")
