"""The event stream over HTTP."""

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from backend.http.api import events as api_events
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
            hello = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
            assert hello["concerns"] == {"storage": "The store is away."}


async def next_event(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """Its fields: `event`, `data` and, if it has one, `id`."""
    fields: dict[str, Any] = {}
    async with asyncio.timeout(10):
        while line := (await answer.content.readline()).decode().strip():
            name, _, value = line.partition(": ")
            fields[name] = json.loads(value) if name == "data" else value
    return fields


async def test_a_quiet_stream_beats_so_that_a_page_can_tell_it_from_a_lost_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the server's time and when the next beat is due, and no id: there is nothing to catch up on."""
    monkeypatch.setattr(api_events, "BEAT_S", 0.02)
    async with serving(tmp_path) as served, served.client.get("/api/events", headers=served.bearer) as answer:
        hello = await next_event(answer)
        assert (hello["event"], hello["data"]["beat_seconds"]) == ("hello", 0.02)
        for _ in range(3):
            beat = await next_event(answer)
            assert (beat["event"], beat["data"]["beat_seconds"]) == ("beat", 0.02)
            age_s = (datetime.now(UTC) - datetime.fromisoformat(beat["data"]["at"])).total_seconds()
            assert 0 <= age_s < 60
            assert "id" not in beat


async def test_a_stream_beats_however_much_else_it_carries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page does not listen for every event, and may not see those of every camera."""
    monkeypatch.setattr(api_events, "BEAT_S", 0.05)
    async with serving(tmp_path) as served, served.client.get("/api/events", headers=served.bearer) as answer:
        await next_event(answer)
        heard: list[str] = []
        # A busy machine may need as long for one event as from beat to beat.
        while heard.count("beat") < 2 or heard.count("archive") < 3:
            served.rooms.events.publish("archive", {"n": len(heard)})
            heard.append((await next_event(answer))["event"])
    assert set(heard) == {"archive", "beat"}


async def test_a_page_that_takes_nothing_loses_its_stream_without_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A laptop asleep closes no connection; it comes back with its last id."""
    monkeypatch.setattr(api_events, "WRITE_TIMEOUT_S", 0.05)
    async with serving(tmp_path) as served, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(served.host, served.port, limit=1024)
        authorization = f"Authorization: {served.bearer['Authorization']}"
        writer.write(f"GET /api/events HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n\r\n".encode())
        await reader.readuntil(b"event: hello")
        while served.rooms.events.subscribers:
            served.rooms.events.publish("archive", {"n": "x" * 100_000})
            await asyncio.sleep(0)
        writer.close()
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING] == []
