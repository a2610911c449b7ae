"""What happens, as numbered events with a bounded memory for those who come back.

There is no queue per subscriber: each holds a position in one bounded history and reads on from
there. A client that falls out of the history, or names an id of another boot, gets one `reset` event, which
means "read everything again"; it is counted. Belongs to the event loop; not thread-safe.
"""

import asyncio
import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

HISTORY_EVENTS = 2000


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `camera` is what per-camera rights are judged by; None concerns everybody."""

    id: str
    type: str
    data: Mapping[str, Any]
    camera: str | None = None


@dataclass(slots=True, eq=False)
class _Subscriber:
    next_number: int
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class EventLog:
    """Publishes to all subscribers. `boot` makes ids of different starts of the daemon distinct."""

    def __init__(self, boot: str, *, history: int = HISTORY_EVENTS) -> None:
        self._boot = boot
        self._history: deque[Event] = deque(maxlen=history)
        self._next_number = 1
        self._subscribers: set[_Subscriber] = set()
        self._closed = False
        self.resets = 0

    @property
    def subscribers(self) -> int:
        """How many streams are open."""
        return len(self._subscribers)

    @property
    def published(self) -> int:
        """How many events there have been since start."""
        return self._next_number - 1

    @property
    def last_id(self) -> str:
        """The id to catch up from later: everything after now."""
        return self._id(self._next_number - 1)

    def publish(self, type: str, data: Mapping[str, Any], *, camera: str | None = None) -> Event:
        """Append an event and wake the subscribers; `data` must be plain JSON values."""
        event = Event(self._id(self._next_number), type, data, camera)
        self._history.append(event)
        self._next_number += 1
        self._wake_all()
        return event

    def close(self) -> None:
        """End every stream, so that the server can stop without waiting for open pages."""
        self._closed = True
        self._wake_all()

    @contextmanager
    def subscription(self, last_event_id: str | None = None) -> Iterator["Subscription"]:
        """Read from after `last_event_id` (None: from now on)."""
        start = self._next_number if last_event_id is None else self._number_after(last_event_id)
        subscriber = _Subscriber(start)
        self._subscribers.add(subscriber)
        try:
            yield Subscription(self, subscriber)
        finally:
            self._subscribers.discard(subscriber)

    def _number_after(self, last_event_id: str) -> int:
        """The number to go on from; 0 (never in the history) for an id we do not know."""
        boot, _, number = last_event_id.rpartition("-")
        if boot != self._boot or not number.isascii() or not number.isdigit() or len(number) > 18:
            return 0
        after = int(number) + 1
        return after if after <= self._next_number else 0

    def _take(self, subscriber: _Subscriber) -> list[Event]:
        oldest = self._next_number - len(self._history)
        if subscriber.next_number < oldest:
            self.resets += 1
            subscriber.next_number = self._next_number
            return [Event(self.last_id, "reset", {})]
        found = list(islice(self._history, subscriber.next_number - oldest, None))
        subscriber.next_number = self._next_number
        return found

    def _id(self, number: int) -> str:
        return f"{self._boot}-{number}"

    def _wake_all(self) -> None:
        for subscriber in self._subscribers:
            subscriber.wake.set()


class Subscription:
    """One reader's view of the log."""

    def __init__(self, log: EventLog, subscriber: _Subscriber) -> None:
        self._log = log
        self._subscriber = subscriber

    async def next(self, timeout_s: float) -> list[Event] | None:
        """The events since the last call, waiting for the first; [] after `timeout_s`, None when closed."""
        if not (events := self._log._take(self._subscriber)):
            await self._wait(timeout_s)
            events = self._log._take(self._subscriber)
        return events if events or not self._log._closed else None

    async def _wait(self, timeout_s: float) -> None:
        self._subscriber.wake.clear()
        if not self._log._closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._subscriber.wake.wait(), timeout_s)


def as_server_sent(event: Event) -> bytes:
    """The event in the text/event-stream form."""
    data = json.dumps(event.data, separators=(",", ":"), allow_nan=False)
    return f"id: {event.id}\nevent: {event.type}\ndata: {data}\n\n".encode()
