"""The event stream over HTTP."""

from pathlib import Path

from backend.keys import EVENTS
from tests.backend.serving import serving


async def test_events_stream_catches_up_by_last_event_id(tmp_path: Path) -> None:
    """A page that comes back names the last id it saw."""
    async with serving(tmp_path) as served:
        first = served.app[EVENTS].publish("clip", {"n": 1})
        served.app[EVENTS].publish("clip", {"n": 2})
        headers = served.bearer | {"Last-Event-ID": first.id}
        async with served.client.get("/api/events", headers=headers) as answer:
            assert answer.headers["Content-Type"] == "text/event-stream"
            lines = [(await answer.content.readline()).decode().strip() for _ in range(5)]
        assert [line for line in lines if line.startswith("data")] == ['data: {"n":2}']
