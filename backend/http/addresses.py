"""Our addresses on their way out: inside the daemon they begin at its root, outside with the request's base.

Rows, events and kept answers are shared by viewers who come by different ways, so none of them holds a base.
It is put before each address where an answer or an event leaves: in `Location`, and in JSON before what
stands under `url` or a name that ends with `_url`. Addresses of the object store are whole and stay.
"""

import re
from dataclasses import replace
from functools import lru_cache

from aiohttp import web

from backend.base.base_path import below
from backend.http.routes import Route


def routes_below(base: str, routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """`routes` as a proxy that strips nothing requests them; the base itself leads to the page."""
    if not base:
        return ()
    to_page = Route("GET", base, _to_page, None, "The page", also_head=True, documented=False)
    return (to_page, *(replace(route, path=base + route.path) for route in routes))


def show_below(base: str, answer: web.StreamResponse) -> None:
    """Put `base` before our addresses in `answer`, which has not begun to leave."""
    if not base or answer.prepared:
        return
    if (location := answer.headers.get("Location")) is not None:
        answer.headers["Location"] = below(base, location)
    is_json = answer.content_type == "application/json"
    if is_json and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
        answer.body = json_below(base, answer.body)


def json_below(base: str, json: bytes) -> bytes:
    """`json`, or events that hold some, with `base` before our addresses.

    Inside a string of JSON each quotation mark has a backslash before it, so nothing that people write looks
    like a name and its value.
    """
    return _address(base).sub(rb"\1" + base.encode(), json) if base else json


@lru_cache(maxsize=64)
def _address(base: str) -> re.Pattern[bytes]:
    """What stands before an address that begins with a slash, and does not lie below `base` already."""
    return re.compile(rb'("(?:[a-z_]+_)?url": ?")(?=/)(?!//)(?!' + re.escape(base.encode()) + rb'[/"])')


async def _to_page(request: web.Request) -> web.StreamResponse:
    return web.Response(status=302, headers={"Location": "/"})
