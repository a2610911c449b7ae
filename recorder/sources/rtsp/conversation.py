"""What the relay between FFmpeg and one camera says to either side. Pure.

FFmpeg only gets addresses of the relay: `DOOR` for the camera, `DOOR/N` for its streams. Whatever the camera
names, hosts and ports of others included, is put into requests on the camera's own connection and nowhere
else. Passwords stay on this side. Not here: sockets (`rtsp.relay`), bytes (`rtsp.messages`).
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from recorder.base.errors import SourceError, SourceLost, SourceUnsupported
from recorder.base.redaction import shown
from recorder.sources.address import CameraAddress, camera_address
from recorder.sources.auth import Account, authorization, is_stale
from recorder.sources.rtsp.messages import Message, ProtocolError, absolute, lines_of, usable_uri

_MOST_WAITING = 16
"""Requests without an answer; FFmpeg sends one after the other, apart from signs of life."""
_MOST_REDIRECTS = 3
_BEFORE_STREAMS = ("OPTIONS", "DESCRIBE")
"""Requests for the camera as a whole: another path of it may be requested instead."""
_TOLD = ("session", "public", "range")
"""Headers of the camera that FFmpeg needs and that name no place."""
_NUMBERED = re.compile(r"(client_port|server_port|interleaved)=(\d{1,5}(?:-\d{1,5})?)", re.IGNORECASE)
_SPEC = re.compile(r"RTP/S?AVPF?(?:/(?:TCP|UDP))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request of FFmpeg that the camera has not answered."""

    method: str
    uri: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    number: str
    """FFmpeg's CSeq."""
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What follows from a message of the camera."""

    to_camera: bytes = b""
    to_player: bytes = b""


class Conversation:
    """One connection. Raises SourceError if the camera sends us elsewhere, else ProtocolError."""

    def __init__(
        self,
        address: CameraAddress,
        peer: str,
        door: str,
        new_nonce: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        """`peer`: the camera's numeric address, as connected; `door`: what FFmpeg opens, a secret."""
        self._address = address
        self._peer = peer
        self._door = door
        self._streams: list[str] = []
        self._base = address.uri
        self._redirects = 0
        self._number = 0
        self._waiting: dict[int, _Request] = {}
        self._answers = None if address.account is None else _Answers(address.account, new_nonce)

    def knows(self, message: Message) -> bool:
        """Whether a first message comes from a client that knows the token."""
        request = message.request
        return request is not None and secrets.compare_digest(
            request[1].encode("latin-1"), self._door.encode("latin-1")
        )

    def from_player(self, message: Message) -> bytes:
        """The camera's own request for one of FFmpeg's; nothing for anything else."""
        request = message.request
        if request is None:
            return b""
        method, uri = request
        number = uri.removeprefix(self._door).removeprefix("/")
        if not uri.startswith(self._door) or (number and not re.fullmatch(r"\d{1,4}", number)):
            raise ProtocolError("FFmpeg requested an address that it was not given")
        if number and int(number) >= len(self._streams):
            raise ProtocolError("FFmpeg requested a stream that there is not")
        left_out = ("cseq", "authorization", "content-length")
        headers = tuple((name, value) for name, value in message.headers if name.lower() not in left_out)
        target = self._streams[int(number)] if number else self._base
        seq = message.get("cseq") or "0"
        return self._sent(_Request(method, target, headers, message.body, seq))

    def from_camera(self, message: Message) -> Reply:
        """What to send to either side. Raises SourceError if the camera sends us on to another place."""
        status = message.status
        if status is None:
            return Reply(to_camera=_answer_to_request(message))
        if status < 200:
            return Reply()
        request = self._answered(message)
        if request is None:
            return Reply()
        if status == 401 and self._may_answer(request, message.all("www-authenticate")):
            return Reply(to_camera=self._sent(request))
        if 300 <= status < 400:
            return Reply(to_camera=self._sent(self._redirected(request, message.get("location") or "")))
        headers = [("CSeq", request.number)]
        headers += [(name, value) for name, value in message.headers if name.lower() in _TOLD]
        body = b""
        if status == 200:
            headers += self._about(request, message)
            body = self._described(message, request.uri) if request.method == "DESCRIBE" else b""
        start = f"RTSP/1.0 {status} {message.reason[:100]}".rstrip()
        return Reply(to_player=Message(start, tuple(headers), body).encoded())

    def _sent(self, request: _Request) -> bytes:
        self._number += 1
        self._waiting[self._number] = replace(request, attempts=request.attempts + 1)
        if len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        headers = [("CSeq", str(self._number)), *request.headers]
        if self._answers and (header := self._answers.header(request.method, request.uri)) is not None:
            headers.append(("Authorization", header))
        start = f"{request.method} {request.uri} RTSP/1.0"
        return Message(start, tuple(headers), request.body).encoded()

    def _answered(self, message: Message) -> _Request | None:
        """The request that is answered; cameras that count wrongly answer in order."""
        given = message.get("cseq") or ""
        number = int(given) if re.fullmatch(r"\d{1,9}", given) else 0
        if number not in self._waiting:
            number = next(iter(self._waiting), 0)
        return self._waiting.pop(number, None)

    def _may_answer(self, request: _Request, challenges: list[str]) -> bool:
        """Take a new challenge, unless this request was refused with an answer to one already."""
        if self._answers is None or request.attempts > (2 if is_stale(challenges) else 1):
            return False
        return self._answers.take(challenges)

    def _redirected(self, request: _Request, location: str) -> _Request:
        """The request for another path of the same server. Raises SourceError for any other place."""
        self._redirects += 1
        if self._redirects > _MOST_REDIRECTS or request.method not in _BEFORE_STREAMS:
            raise SourceLost("The camera keeps sending us on from one address to the next.")
        is_path = location.startswith("/") and not location.startswith("//")
        uri = replace(self._address, target="").uri + location if is_path else location
        try:
            onward = camera_address(usable_uri(uri))
        except SourceError:
            onward = None
        if onward is None or not self._is_here(onward):
            msg = (
                f"The camera sends us on to {shown(location) if location else 'another address'}; "
                "write that address if it is the camera's own."
            )
            raise SourceUnsupported(msg)
        self._base = replace(self._address, target=onward.target).uri
        return replace(request, uri=self._base, attempts=0)

    def _is_here(self, onward: CameraAddress) -> bool:
        return (
            onward.place == self._address.place
            or onward.place == replace(self._address, host=self._peer).place
        )

    def _about(self, request: _Request, message: Message) -> list[tuple[str, str]]:
        """The headers of a success that name places, as FFmpeg may have them."""
        if request.method == "SETUP":
            return [("Transport", given) for given in self._transports(message.get("transport") or "")]
        if request.method == "PLAY":
            return [("RTP-Info", self._play_info(value)) for value in message.all("rtp-info")]
        if request.method == "DESCRIBE":
            return [("Content-Type", "application/sdp")]
        return []

    def _transports(self, given: str) -> list[str]:
        """The transport with what FFmpeg needs; its reports go to the camera itself and nowhere else.

        None for one that was not requested, such as multicast: FFmpeg then gives up.
        """
        spec, *parameters = (part.strip() for part in given.split(";"))
        if "," in given or not _SPEC.fullmatch(spec) or "multicast" in (p.lower() for p in parameters):
            return []
        kept = [found[0].lower() for part in parameters if (found := _NUMBERED.fullmatch(part))]
        ours = [] if spec.upper().endswith("/TCP") else [f"source={self._peer}"]
        return [";".join([spec, "unicast", *kept, *ours])]

    def _described(self, message: Message, uri: str) -> bytes:
        """The session description with streams by number; where they really are is kept here."""
        base = usable_uri(message.get("content-base") or "")
        base = base if absolute(base) else uri
        streams: list[str] = []
        written: list[str] = []
        is_session, has_control = True, False
        for line in lines_of(message.body.decode("latin-1")):
            control = usable_uri(line.removeprefix("a=control:"))
            if not line.startswith("a=control:"):
                written.append(line)
                if line.startswith("m="):
                    is_session, has_control = False, False
            elif is_session:
                base = control if control.startswith(("rtsp://", "rtsps://")) else base
            elif not has_control:
                has_control = True
                written.append(f"a=control:{len(streams)}")
                streams.append(control if absolute(control) else f"{base.removesuffix('/')}/{control}")
        self._base, self._streams = base, streams
        return "".join(f"{line}\r\n" for line in written).encode("latin-1")

    def _play_info(self, given: str) -> str:
        """The first times of the streams, by the addresses that FFmpeg knows."""
        places = {uri: f"{self._door}/{number}" for number, uri in enumerate(self._streams)}

        def local(found: "re.Match[str]") -> str:
            return f"url={places.get(found[1], '-')}"

        return re.sub(r"url=([^;, ]*)", local, given)


class _Answers:
    """The answers to a camera's challenges. The account goes to this camera's connection only."""

    def __init__(self, account: Account, new_nonce: Callable[[], str]) -> None:
        self._account = account
        self._new_nonce = new_nonce
        self._challenges: list[str] = []
        self._used = 0

    def take(self, challenges: list[str]) -> bool:
        """Answer these from now on. Returns False if they cannot be answered."""
        self._challenges, self._used = challenges, 0
        return authorization(challenges, self._account, "OPTIONS", "*", "0") is not None

    def header(self, method: str, uri: str) -> str | None:
        """The Authorization header; None before a challenge."""
        if not self._challenges:
            return None
        self._used += 1
        return authorization(self._challenges, self._account, method, uri, self._new_nonce(), self._used)


def _answer_to_request(message: Message) -> bytes:
    """As FFmpeg answers: a sign of life is fine, anything else is not for a viewer."""
    method = "" if message.request is None else message.request[0]
    status = "200 OK" if method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER") else "501 Not Implemented"
    kept = [(name, value) for name, value in message.headers if name.lower() in ("cseq", "session")]
    return Message(f"RTSP/1.0 {status}", tuple(kept)).encoded()
