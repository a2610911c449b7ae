"""RTSP messages (RFC 2326), and taking a connection apart into messages and interleaved frames. Pure.

Not here: what a message means (`rtsp.conversation`), sockets (`rtsp.relay`).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_HEADER_BYTES = 16 * 1024
MOST_BODY_BYTES = 256 * 1024
"""A session description has some hundred bytes for each stream."""

_FRAME_HEAD_BYTES = 4
_DOLLAR = 0x24
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_BLANK = re.compile(rb"[\r\n]+")
_STATUS = re.compile(r"RTSP/\d\.\d +(\d{3})(?: +(.*))?")
_REQUEST = re.compile(r"([A-Z_]{3,20}) +(\S+) +RTSP/\d\.\d")
_BEGINS = re.compile(rb"RTSP/\d|[A-Z_]{3,20} ")
_MAY_BEGIN = re.compile(rb"[A-Z_/]{1,20}")
_RESUME = re.compile(rb"\$|RTSP/\d")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\x80-\xff]")


class ProtocolError(ValueError):
    """The peer speaks no RTSP, or more of it than is taken. The text is the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response. Text is bytes in Latin-1, so that nothing changes on its way."""

    start: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def status(self) -> int | None:
        """The status of a response; None for a request."""
        found = _STATUS.fullmatch(self.start)
        return None if found is None else int(found[1])

    @property
    def reason(self) -> str:
        """The words behind the status."""
        found = _STATUS.fullmatch(self.start)
        return "" if found is None else found[2] or ""

    @property
    def request(self) -> tuple[str, str] | None:
        """Method and URI of a request; None for a response."""
        found = _REQUEST.fullmatch(self.start)
        return None if found is None else (found[1], found[2])

    def all(self, name: str) -> list[str]:
        """The values of every header called `name`, which is lower case."""
        return [value for given, value in self.headers if given.lower() == name]

    def get(self, name: str) -> str | None:
        """The first of them; None if there is none."""
        return next(iter(self.all(name)), None)

    def encoded(self) -> bytes:
        """The message as it is sent; its length is added."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        # No header can end its line and begin one of its own.
        head = "\r\n".join(_UNPRINTABLE.sub("", line) for line in lines)
        return head.encode("latin-1") + b"\r\n\r\n" + self.body


class Splitter:
    """Takes one direction of a connection apart. Holds at most one message, and never the data of a frame."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._wanted = 0
        """How many bytes must be held before another look is worth it."""
        self._frame_left = 0

    def feed(self, data: bytes) -> list[bytes | Message]:
        """What `data` completes: messages, and between them the bytes of frames, whole or not.

        Bytes that are neither are dropped up to the next that may be. Raises ProtocolError.
        """
        if self._held:
            self._held += data
            if len(self._held) < self._wanted:
                return []
            data = bytes(self._held)
            self._held.clear()
        self._wanted = 0
        return list(self._pieces(data))

    def _pieces(self, data: bytes) -> Iterator[bytes | Message]:
        at = run = 0
        while at < len(data):
            if self._frame_left:
                step = min(self._frame_left, len(data) - at)
                self._frame_left -= step
                at += step
            elif data[at] == _DOLLAR:
                if len(data) - at < _FRAME_HEAD_BYTES:
                    break
                self._frame_left = _FRAME_HEAD_BYTES + int.from_bytes(data[at + 2 : at + 4])
            else:
                if at > run:
                    yield data[run:at]
                message, run = self._message(data, at)
                if message is not None:
                    yield message
                elif run == at:
                    break
                at = run
        if at > run:
            yield data[run:at]
        self._held += data[at:]

    def _message(self, data: bytes, at: int) -> tuple[Message | None, int]:
        """The message at `at`, and where what follows begins; `at` again if more bytes are needed."""
        if (blank := _BLANK.match(data, at)) is not None:
            return None, blank.end()
        if not _BEGINS.match(data, at):
            may_begin = _MAY_BEGIN.fullmatch(data, at)
            resume = _RESUME.search(data, at + 1)
            return None, at if may_begin else len(data) if resume is None else resume.start()
        end = _HEADER_END.search(data, at, at + MOST_HEADER_BYTES + 4)
        if end is None:
            if len(data) - at > MOST_HEADER_BYTES:
                raise ProtocolError("the camera sent headers without end")
            return None, at
        message = _parsed(data[at : end.start()])
        length = _length(message)
        if len(data) < end.end() + length:
            self._wanted = end.end() + length - at
            return None, at
        body = data[end.end() : end.end() + length]
        return Message(message.start, message.headers, body), end.end() + length


def absolute(uri: str) -> bool:
    """Whether a URI names its scheme."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", uri) is not None


def usable_uri(uri: str) -> str:
    """A URI that a peer named, without what would end a request line or a field of it."""
    return re.sub(r"\s", "%20", _UNPRINTABLE.sub("", uri.strip()))


def lines_of(text: str) -> Iterable[str]:
    """The lines of a session description, however they end."""
    return (line for line in re.split(r"[\r\n]+", text) if line)


def _parsed(head: bytes) -> Message:
    lines: list[str] = []
    for line in re.split(r"\r?\n", head.decode("latin-1")):
        if line[:1] in (" ", "\t") and len(lines) > 1:
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
    pairs = (line.partition(":") for line in lines[1:])
    return Message(
        lines[0].strip(), tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)
    )


def _length(message: Message) -> int:
    given = message.get("content-length") or "0"
    if not re.fullmatch(r"\d{1,12}", given) or int(given) > MOST_BODY_BYTES:
        raise ProtocolError("the camera announced a message that is too long")
    return int(given)
