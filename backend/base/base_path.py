"""The path below which people reach this daemon: "" or such as `/hindsight`. Pure.

It goes into addresses, cookies and redirects, so it is made of characters that mean nothing in any of them.
It is put before an address once: one that begins with it stays. So no base may be the beginning of an address
of our own.
"""

import re

from backend.base.shipped import CHECK_PAGE

LONGEST = 200
_FORM = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
OWN_ROOTS = frozenset(
    {"api", "assets", "live", "livez", "metrics", "readyz", "replay", "video", CHECK_PAGE, "favicon.ico"}
    | {"apple-touch-icon.png", "apple-touch-icon-precomposed.png", "robots.txt"}
)
"""The first parts of our own addresses."""
_INGRESS = "/api/hassio_ingress/"
"""Home Assistant shows add-ons there: it begins like our addresses, but none of them goes on like that."""


def checked_base_path(text: str) -> str:
    """`text` without a slash at its end. Raises ValueError: words for a person, which do not repeat it."""
    path = text.removesuffix("/")
    if not path:
        return ""
    if len(path) > LONGEST or not _FORM.fullmatch(path):
        raise ValueError(
            "must be a path such as /hindsight: of letters, digits and . _ ~ -, with a slash before each part"
        )
    if path.split("/")[1] in OWN_ROOTS and not path.startswith(_INGRESS):
        raise ValueError("must not begin like an address of Hindsight itself, such as /api or /live")
    return path


def below(base: str, path: str) -> str:
    """`path`, an address of ours from the root, as it is reached below `base`."""
    if not path.startswith("/") or path.startswith(("//", f"{base}/")) or path == base:
        return path
    return base + path


def without(base: str, path: str) -> str:
    """`path` of a request, whose proxy may have left `base` on it, as our routes are declared."""
    if path == base:
        return "/"
    return path.removeprefix(base) if path.startswith(f"{base}/") else path
