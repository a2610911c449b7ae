"""The key for a cookie, who am I, and good-bye."""

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.access.principals import PrincipalKind
from backend.access.sessions import COOKIE
from backend.http.handles import PRINCIPAL, house
from backend.http.routes import Route, body_of, json_response
from backend.http.wire.times import RequestModel, ResponseModel


class KeyExchange(RequestModel):
    """The access key, as `hindsight key show` prints it."""

    key: str = Field(max_length=512, repr=False)


class SessionJson(ResponseModel):
    """The principal of the request and what it may do."""

    principal: PrincipalKind
    actions: list[Action]


async def sign_in(request: web.Request) -> web.StreamResponse:
    access = house(request).access
    await access.check_key(request, body_of(request, KeyExchange).key.strip())
    token = await access.sessions.begin(access.key.fingerprint)
    answer = json_response(SessionJson(principal=PrincipalKind.SESSION, actions=sorted(Action)))
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(access.sessions.lifetime_s),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=request.secure or request.headers.get("Origin", "").startswith("https://"),
    )
    return answer


async def who_am_i(request: web.Request) -> web.StreamResponse:
    principal = request[PRINCIPAL]
    return json_response(SessionJson(principal=principal.kind, actions=sorted(principal.actions)))


async def sign_out(request: web.Request) -> web.StreamResponse:
    if token := request.cookies.get(COOKIE):
        await house(request).access.sessions.end(token)
    answer = web.Response(status=204)
    answer.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return answer


_PATH = "/api/session"
ROUTES = (
    Route("POST", _PATH, sign_in, None, "Key for cookie", body=KeyExchange, response=SessionJson),
    Route("GET", _PATH, who_am_i, Action.VIEW, "The caller and what they may do", response=SessionJson),
    Route("DELETE", _PATH, sign_out, Action.VIEW, "Sign out", status=204),
)
