"""How a refusal is written: a problem document for programs, a small page for a person in a browser.

The page has no script, loads nothing, and leads back to Hindsight. What people meet most it says in German to
a browser that prefers it; problem documents are English. Not here: statuses (`problems`).
"""

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from aiohttp import web

from backend.http.canonical import OWN_PATH, to_root
from backend.http.problems import Problem, problem_response
from backend.http.refusal_words import FOR_PEOPLE, OPEN
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
"""Who may show it in a frame is the same for every answer, and added by `server`."""
_PAGE = """<!doctype html>
<html lang="{language}">
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
_LINK = '<a href="{root}">{words}</a>\n'

_JSON = ("application/json", "application/problem+json")


def refusal(request: web.Request, problem: Problem) -> web.Response:
    """The answer to `request` that says `problem`, in the form that its client reads best."""
    reads = request.method in {"GET", "HEAD"}
    is_page = reads and prefers_page(request.headers.getall("Accept", []))
    answer = _page(problem, request) if is_page else problem_response(problem)
    if reads:
        answer.headers["Vary"] = "Accept, Accept-Language"
    return answer


def prefers_page(accept: Iterable[str]) -> bool:
    """Whether `Accept` names HTML, and JSON no higher: a tab does, scripts and players do not."""
    weights = dict(map(_weighed, ",".join(accept).lower().split(",")))
    html = weights.get("text/html", 0.0)
    return html > 0 and html >= max(weights.get(name, 0.0) for name in _JSON)


def language_for(accept_language: Iterable[str]) -> str:
    """Of the languages that the page speaks, the one the browser prefers; English if it names neither."""
    weighed = map(_weighed, ",".join(accept_language).lower().split(","))
    wanted = ((weight, name.partition("-")[0]) for name, weight in weighed if weight > 0)
    spoken = [(weight, name) for weight, name in wanted if name in FOR_PEOPLE]
    return max(spoken, key=lambda entry: entry[0], default=(0.0, "en"))[1]


def _weighed(entry: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in entry.split(";"))
    given = next((part[2:] for part in parameters if part.startswith("q=")), "1")
    try:
        return name, float(given)
    except ValueError:
        return name, 0.0


def _page(problem: Problem, request: web.Request) -> web.Response:
    refused, language = problem.refused, language_for(request.headers.getall("Accept-Language", []))
    if refused.kind not in FOR_PEOPLE[language]:
        language = "en"  # the sentences of problem documents
    title, detail = FOR_PEOPLE[language].get(refused.kind, (refused.title, refused.detail))
    link = _LINK.format(root=escape(to_root(request[OWN_PATH])), words=OPEN[language])
    text = _PAGE.format(
        language=language,
        title=escape(title),
        detail=escape(detail),
        style=_STYLE,
        # At a host that is not ours, the link would lead to the same refusal.
        link="" if refused.kind is Kind.HOST_UNKNOWN else link,
        status=problem.status,
        code=escape(refused.kind.code),
    )
    headers = {**problem.headers, "Content-Security-Policy": _POLICY}
    return web.Response(
        text=text, status=problem.status, headers=headers, content_type="text/html", charset="utf-8"
    )
