"""The event stream over HTTP."""

from pathlib import Path

from tests.support.backend.serving import serving


async def test_events_stream_catches_up_by_last_event_id(tmp_path: Path) -> None:
    """A page that comes back names the last id it saw."""
    async with serving(tmp_path) as served:
        first = served.rooms.events.publish("clip", {"n": 1})
        served.rooms.events.publish("clip", {"n": 2})
        headers = served.bearer | {"Last-Event-ID": first.id}
        async with served.client.get("/api/events", headers=headers) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            lines = [(await answer.content.readline()).decode().strip() for _ in range(8)]
        assert [line for line in lines if line.startswith("data")][1:] == ['data: {"n":2}']


async def test_a_stream_begins_with_what_needs_somebody(tmp_path: Path) -> None:
    """With an id to catch up from; who catches up keeps the one it named."""
    async with serving(tmp_path) as served:
        served.rooms.health.concern("storage", "The store is away.")
        last = served.rooms.events.publish("clip", {"n": 1}).id
        for given, first in (({}, f"id: {last}"), ({"Last-Event-ID": last}, "event: hello")):
            async with served.client.get("/api/events", headers=served.bearer | given) as answer:
                lines = [(await answer.content.readline()).decode().strip() for _ in range(4)]
            assert lines[1] == first
            assert 'data: {"concerns": {"storage": "The store is away."}}' in lines
