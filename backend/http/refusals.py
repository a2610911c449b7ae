"""How a refusal is written: a problem document for programs, a small page for a person in a browser.

The page has no script, loads nothing, and leads back to Hindsight. Not here: statuses (`problems`).
"""

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from aiohttp import web

from backend.http.canonical import OWN_PATH, to_root
from backend.http.problems import Problem, problem_response
from backend.problems.kinds import Kind

_STYLE = """
:root{color-scheme:light dark;--canvas:light-dark(#f4f5f7,#0d0f13);--surface:light-dark(#fff,#16191f);
--line:light-dark(#dde1e7,#2b303a);--ink:light-dark(#171a20,#eceef2);--soft:light-dark(#566071,#9aa4b4)}
*{box-sizing:border-box;margin:0}
body{min-block-size:100dvh;display:grid;place-items:center;padding:1rem;background:var(--canvas);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",sans-serif}
main{inline-size:min(30rem,100%);padding:2.25rem 1.5rem;display:grid;gap:.75rem;justify-items:start;
background:var(--surface);border:1px solid var(--line);border-radius:1.125rem;overflow-wrap:anywhere}
h1{font-size:1.25rem;line-height:1.3;text-wrap:balance}
a{margin-block-start:.75rem;padding:.625rem 1.25rem;border-radius:999px;background:#d22f38;color:#fff;
font-weight:600;text-decoration:none}
a:focus-visible{outline:3px solid light-dark(#2463eb,#7aa7ff);outline-offset:2px}
small{color:var(--soft);font-size:.8125rem}
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src 'self'; base-uri 'none'; form-action 'none'"
)
"""It names no `frame-ancestors`: a dashboard that may show the page also shows why it was refused, and to
others `X-Frame-Options` says no as for every answer."""
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title} · Hindsight</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>{style}</style>
<main>
<h1>{title}</h1>
<p>{detail}</p>
{link}<small>{status} {code}</small>
</main>
</html>
"""
_LINK = '<a href="{root}">Open Hindsight</a>\n'

_SIGN_IN = ("Sign in first", "Open Hindsight and sign in. Then open this address again.")
_FOR_PEOPLE: dict[Kind, tuple[str, str]] = {
    Kind.ACCESS_KEY_NEEDED: _SIGN_IN,
    Kind.ACCESS_KEY_NEEDED_HERE: _SIGN_IN,
    Kind.ROUTE_UNKNOWN: (
        "Nothing here",
        "There is nothing at this address. It may be mistyped or cut off.",
    ),
    Kind.PAGE_OUTDATED: ("No such file", "Hindsight has been updated since. Open it again."),
    Kind.ORIGIN_FOREIGN: (
        "Not from another site",
        "Another site led here. Open Hindsight and look there.",
    ),
}
"""Titles and sentences for a browser, where those of the problem document speak to a program."""

_JSON = ("application/json", "application/problem+json")


def refusal(request: web.Request, problem: Problem) -> web.Response:
    """The answer to `request` that says `problem`, in the form that its client reads best."""
    reads = request.method in {"GET", "HEAD"}
    is_page = reads and prefers_page(request.headers.getall("Accept", []))
    answer = _page(problem, request[OWN_PATH]) if is_page else problem_response(problem)
    if reads:
        answer.headers["Vary"] = "Accept"
    return answer


def prefers_page(accept: Iterable[str]) -> bool:
    """Whether `Accept` names HTML, and JSON no higher: a tab does, scripts and players do not."""
    weights = dict(map(_weighed, ",".join(accept).lower().split(",")))
    html = weights.get("text/html", 0.0)
    return html > 0 and html >= max(weights.get(name, 0.0) for name in _JSON)


def _weighed(entry: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in entry.split(";"))
    given = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return name, float(given)
    except ValueError:
        return name, 0.0


def _page(problem: Problem, path: str) -> web.Response:
    refused = problem.refused
    title, detail = _FOR_PEOPLE.get(refused.kind, (refused.title, refused.detail))
    # At a host that is not ours, the link would lead to the same refusal.
    link = "" if refused.kind is Kind.HOST_UNKNOWN else _LINK.format(root=escape(to_root(path)))
    text = _PAGE.format(
        title=escape(title),
        detail=escape(detail),
        style=_STYLE,
        link=link,
        status=problem.status,
        code=escape(refused.kind.code),
    )
    headers = {**problem.headers, "Content-Security-Policy": _POLICY}
    return web.Response(
        text=text, status=problem.status, headers=headers, content_type="text/html", charset="utf-8"
    )
