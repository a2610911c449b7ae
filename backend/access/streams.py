"""Every answer that lasts: whose it is, how many one session may have at once, and how it is ended.

A session that has its share is refused; the others still get in, because no share is the whole. A session
that is over takes its answers with it: a WebSocket is closed with a code that says so, other connections are
aborted, so that a client which does not read cannot keep them. Not here: which sessions are over (`sessions`,
`access_key`), HTTP (an answer brings the function that aborts its connection). Event loop only.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from backend.access.principals import Principal
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

GOODBYE_S = 2.0
"""How long a WebSocket has to say why it is closed."""
_RETRY_AFTER_S = 5


class StreamKind(StrEnum):
    """What the answer is, which decides how many there may be."""

    LIVE = "live"
    """Live pictures, by WebSocket or as MJPEG."""
    SOUND = "sound"
    EVENTS = "events"
    ARCHIVE = "archive"
    CLIP = "clip"
    """The bytes of a clip or a replay."""
    CLEAN = "clean"
    """A clean form, which may have to be made first."""
    STILLS = "stills"
    """Pictures decoded from the buffer: short answers, but expensive ones."""


@dataclass(frozen=True, slots=True)
class Bound:
    """How many streams of a kind there may be, in all and of one session; why a further one is refused."""

    in_all: int
    per_holder: int
    refusal: Kind


BOUNDS: Mapping[StreamKind, Bound] = {
    # A wall of 16 cameras in four tabs, and as many again for the others.
    StreamKind.LIVE: Bound(144, 72, Kind.TOO_MANY_VIEWERS),
    StreamKind.SOUND: Bound(64, 32, Kind.TOO_MANY_VIEWERS),
    # One per browser, or one per tab where browsers share none.
    StreamKind.EVENTS: Bound(144, 72, Kind.TOO_MANY_PAGES),
    StreamKind.ARCHIVE: Bound(6, 4, Kind.TOO_MANY_ARCHIVES),
    StreamKind.CLIP: Bound(128, 32, Kind.TOO_MANY_CLIPS_SENT),
    # With its archives, a session leaves one of nine places for a clean form free.
    StreamKind.CLEAN: Bound(16, 4, Kind.TOO_MANY_CLEAN_COPIES),
    StreamKind.STILLS: Bound(48, 16, Kind.TOO_MANY_STILLS),
}


@dataclass(slots=True, eq=False)
class Stream:
    """One answer that lasts."""

    principal: Principal
    kind: StreamKind
    abort: Callable[[], None]
    """Closes the connection at once, whether its client reads or not."""
    says_goodbye: bool = False
    """Whether the handler closes by itself once `ended` is set: it has `goodbye_s` for that."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when its session is over."""
    deadline: asyncio.TimerHandle | None = None


class OpenStreams:
    """The streams that are open now."""

    def __init__(self, bounds: Mapping[StreamKind, Bound] = BOUNDS, *, goodbye_s: float = GOODBYE_S) -> None:
        self._bounds = bounds
        self._goodbye_s = goodbye_s
        self._open: set[Stream] = set()
        self._in_all: Counter[StreamKind] = Counter()
        self._of_holder: Counter[tuple[StreamKind, str]] = Counter()
        self._refused: Counter[StreamKind] = Counter()
        self._ended: Counter[StreamKind] = Counter()

    @contextmanager
    def open(self, principal: Principal, kind: StreamKind, abort: Callable[[], None]) -> Iterator[Stream]:
        """One stream, for as long as the context is open. Refused if there are too many."""
        bound, mine = self._bounds[kind], (kind, principal.holder)
        full = self._in_all[kind] >= bound.in_all
        if full or self._of_holder[mine] >= bound.per_holder:
            self._refused[kind] += 1
            open_ = self._in_all[kind] if full else self._of_holder[mine]
            raise Refused(bound.refusal, retry_after_s=_RETRY_AFTER_S, open=open_)
        stream = Stream(principal, kind, abort)
        self._open.add(stream)
        self._in_all[kind] += 1
        self._of_holder[mine] += 1
        try:
            yield stream
        finally:
            self._left(stream)

    def count(self, *kinds: StreamKind) -> int:
        """How many of these kinds are open."""
        return sum(self._in_all[kind] for kind in kinds)

    @property
    def is_empty(self) -> bool:
        """Whether nobody watches."""
        return not self._open

    def sessions(self) -> frozenset[str]:
        """The sessions that have streams open: empty on a box that nobody watches."""
        return frozenset(stream.principal.session for stream in self._open if stream.principal.session)

    def end_session(self, session: str) -> int:
        """End every stream of a session; returns how many there were. Idempotent."""
        return self.end_where(lambda principal: session != "" and principal.session == session)

    def end_where(self, is_over: Callable[[Principal], bool]) -> int:
        """End every stream whose principal has lost its access; returns how many there were. Idempotent."""
        over = [s for s in self._open if not s.ended.is_set() and is_over(s.principal)]
        for stream in over:
            self._end(stream)
        return len(over)

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        found: dict[str, float] = {
            "live_viewers_refused_total": self._refused[StreamKind.LIVE] + self._refused[StreamKind.SOUND],
            "archives_refused_total": self._refused[StreamKind.ARCHIVE],
        }
        for kind in StreamKind:
            found[f"streams_{kind}_open"] = self._in_all[kind]
            found[f"streams_{kind}_refused_total"] = self._refused[kind]
            found[f"streams_{kind}_ended_total"] = self._ended[kind]
        return found

    def _end(self, stream: Stream) -> None:
        self._ended[stream.kind] += 1
        stream.ended.set()
        if stream.says_goodbye:
            loop = asyncio.get_running_loop()
            stream.deadline = loop.call_later(self._goodbye_s, stream.abort)
        else:
            stream.abort()

    def _left(self, stream: Stream) -> None:
        if stream.deadline is not None:
            stream.deadline.cancel()
        self._open.discard(stream)
        self._in_all[stream.kind] -= 1
        mine = (stream.kind, stream.principal.holder)
        self._of_holder[mine] -= 1
        if not self._of_holder[mine]:
            del self._of_holder[mine]
