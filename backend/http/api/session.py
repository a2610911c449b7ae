"""Signing in and out: a key or a one-time code for a cookie, who am I, and the devices that are signed in."""

from aiohttp import web
from pydantic import Field

from backend.access.actions import Action
from backend.access.devices import device_name
from backend.access.principals import PrincipalKind
from backend.catalogue.values import Session
from backend.http.handles import BASE, PRINCIPAL, house
from backend.http.routes import Route, body_of, json_response
from backend.http.wire.times import RequestModel, ResponseModel, Time
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

_ID_LENGTH = 16


class SignInRequest(RequestModel):
    """Either the access key, as `hindsight key show` prints it, or a code of `hindsight open`."""

    key: str | None = Field(default=None, max_length=512, repr=False)
    code: str | None = Field(default=None, max_length=100, repr=False)
    device: str | None = Field(
        default=None, max_length=100, description="Its name in the list of devices; default: from User-Agent."
    )


class SessionJson(ResponseModel):
    """The principal of the request and what it may do."""

    principal: PrincipalKind
    actions: list[Action]


class CodeJson(ResponseModel):
    """An invitation for one more device: a code to type, or a link to follow. Either works once."""

    id: str
    code: str
    path: str = Field(description="To be put behind the address of the page.")
    url: str = Field(
        description="The link: whole if `server.external_url` says where people find the page, else a path."
    )
    expires_in_seconds: float


class CodeStateJson(ResponseModel):
    """Whether an invitation still works."""

    open: bool


class DeviceJson(ResponseModel):
    """A browser that is signed in."""

    id: str
    device: str
    address: str = Field(description="Where it signed in from.")
    created_at: Time
    last_used_at: Time = Field(description="To within ten minutes.")
    expires_at: Time = Field(description="Unless it is used until then.")
    current: bool = Field(description="Whether it is the one that asks.")


class DevicesJson(ResponseModel):
    """Every browser that is signed in, the last used first."""

    sessions: list[DeviceJson]


async def sign_in(request: web.Request) -> web.StreamResponse:
    access, sent = house(request).access, body_of(request, SignInRequest)
    match sent.key, sent.code:
        case (str(key), None):
            await access.check_key(request, key.strip())
        case (None, str(code)):
            access.redeem_code(request, code)
        case _:
            raise Refused(Kind.KEY_OR_CODE, field="key")
    token = await access.sessions.begin(
        access.key.fingerprint,
        device=(sent.device or device_name(request.headers.get("User-Agent", "")))[:100],
        address=access.client_of(request)[:64],
    )
    name = await access.cookie_name(request)
    if before := request[PRINCIPAL].session:
        await access.end_session(before)  # its cookie is replaced, so it would stay in the list unused
    answer = json_response(SessionJson(principal=PrincipalKind.SESSION, actions=sorted(Action)))
    answer.set_cookie(
        name,
        token,
        max_age=int(access.sessions.longest_s),
        path=f"{request[BASE]}/",
        httponly=True,
        samesite="Strict",
        secure=request.secure
        or access.is_external_https(request)
        or request.headers.get("Origin", "").startswith("https://"),
    )
    return answer


async def who_am_i(request: web.Request) -> web.StreamResponse:
    principal = request[PRINCIPAL]
    return json_response(SessionJson(principal=principal.kind, actions=sorted(principal.actions)))


async def sign_out(request: web.Request) -> web.StreamResponse:
    access, answer = house(request).access, web.Response(status=204)
    for sent in await access.sessions_of(request):
        await access.end_session(sent.session.token_hash)
        answer.del_cookie(sent.cookie.name, path=f"{request[BASE]}/", httponly=True, samesite="Strict")
    if access.is_trustworthy(request):  # elsewhere browsers ignore it, with an error on the console
        # Not "cookies" or "storage": they are those of every service under this name. Of the cache, the
        # others lose only what they can fetch again.
        answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


async def make_code(request: web.Request) -> web.StreamResponse:
    access = house(request).access
    invitation, expires_in_s = access.invite()
    path = f"/#code={invitation.token}"
    return json_response(
        CodeJson(
            id=invitation.id,
            code=invitation.code,
            path=path,
            url=(access.rules.external_url or "") + path,
            expires_in_seconds=expires_in_s,
        ),
        status=201,
    )


async def code_state(request: web.Request) -> web.StreamResponse:
    return json_response(CodeStateJson(open=house(request).access.is_invited(request.match_info["code"])))


async def devices(request: web.Request) -> web.StreamResponse:
    access = house(request).access
    sessions = await access.sessions.devices(access.key.fingerprint)
    return json_response(DevicesJson(sessions=[_device(s, request[PRINCIPAL].session) for s in sessions]))


async def sign_out_device(request: web.Request) -> web.StreamResponse:
    access, wanted = house(request).access, request.match_info["session"]
    for session in await access.sessions.devices(access.key.fingerprint):
        if session.token_hash[:_ID_LENGTH] == wanted:
            await access.end_session(session.token_hash)
            return web.Response(status=204)
    raise Refused(Kind.SESSION_UNKNOWN)


async def sign_out_others(request: web.Request) -> web.StreamResponse:
    access = house(request).access
    for session in await access.sessions.devices(access.key.fingerprint):
        if session.token_hash != request[PRINCIPAL].session:
            await access.end_session(session.token_hash)
    return web.Response(status=204)


def _device(session: Session, own: str) -> DeviceJson:
    return DeviceJson(
        id=session.token_hash[:_ID_LENGTH],
        device=session.device,
        address=session.address,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.expires_at,
        current=session.token_hash == own,
    )


_PATH, _CODES, _ALL = "/api/session", "/api/session/codes", "/api/sessions"
_ONE = _ALL + "/{session:[0-9a-f]{16}}"
ROUTES = (
    Route("POST", _PATH, sign_in, None, "Key or code for cookie", body=SignInRequest, response=SessionJson),
    Route("GET", _PATH, who_am_i, Action.VIEW, "The caller and what they may do", response=SessionJson),
    Route("DELETE", _PATH, sign_out, Action.VIEW, "Sign out", status=204),
    Route(
        "POST",
        _CODES,
        make_code,
        Action.ADMIN,
        "A one-time code that signs another device in",
        response=CodeJson,
        status=201,
    ),
    Route(
        "GET",
        _CODES + "/{code:[0-9a-f]{16}}",
        code_state,
        Action.ADMIN,
        "Whether a code still works",
        response=CodeStateJson,
    ),
    Route("GET", _ALL, devices, Action.ADMIN, "The devices that are signed in", response=DevicesJson),
    Route("DELETE", _ALL, sign_out_others, Action.ADMIN, "Sign out every other device", status=204),
    Route("DELETE", _ONE, sign_out_device, Action.ADMIN, "Sign out a device", status=204),
)
