"""What Prometheus reads."""

import asyncio
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime

from prometheus_client.parser import text_string_to_metric_families

from backend.metrics.metrics import Metrics
from recorder.base.values import BufferStatus, CameraStatus, ClockState, StreamCounters, StreamState


def _camera() -> CameraStatus:
    moment = datetime(2026, 1, 1)
    buffer = BufferStatus(1800, 60.0, moment, moment, 60.0, 2**28, 1830, 61.0, 30_000_000, 0)
    return CameraStatus(
        camera_id="front",
        name='Front "door"\n',
        source="rtsp://***@h/",
        state=StreamState.STALLED,
        reason="No picture for 3 s.",
        state_since=moment,
        next_try=None,
        last_error=None,
        codec="h264",
        width=1920,
        height=1080,
        fps=None,
        buffer=buffer,
        counters=StreamCounters(units=7, reconnects=2),
        clock=ClockState.SYNCHRONISED,
        recordings=1,
        viewers=0,
    )


async def _read(
    metrics: Metrics, cameras: Sequence[CameraStatus] = (), **numbers: float
) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    body, content_type = await metrics.render(cameras, numbers)
    assert content_type.startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


async def test_every_counter_of_a_camera_is_there_and_an_unknown_rate_is_absent() -> None:
    """A new counter of the recorder shows up without a line here."""
    read = await _read(Metrics(), [_camera()], wrong_keys_total=3, inbox_waiting=1)
    front = (("camera", "front"),)
    for counter in fields(StreamCounters):
        assert (f"hindsight_camera_{counter.name}_total", front) in read
    assert read["hindsight_camera_units_total", front] == 7
    assert read["hindsight_camera_buffer_seconds", front] == 60
    assert ("hindsight_camera_fps", front) not in read
    assert read["hindsight_camera_state", (("camera", "front"), ("state", "stalled"))] == 1
    assert read["hindsight_camera_state", (("camera", "front"), ("state", "live"))] == 0
    assert read["hindsight_wrong_keys_total", ()] == 3
    assert read["hindsight_inbox_waiting", ()] == 1


async def test_answers_and_failures_are_counted_by_declared_route() -> None:
    """Labels come from declarations, so their number is bounded."""
    metrics = Metrics()
    metrics.answered("GET", "/api/clips/{id}", 200, 0.01)
    metrics.answered("GET", "/api/events", 200, None)
    metrics.failed("http")
    read = await _read(metrics)
    labels = (("method", "GET"), ("route", "/api/clips/{id}"), ("status", "200"))
    assert read["hindsight_http_requests_total", labels] == 1
    assert read["hindsight_http_answer_seconds_count", ()] == 1
    assert read["hindsight_unforeseen_errors_total", (("where", "http"),)] == 1


async def test_a_blocked_loop_is_measured() -> None:
    """What makes everything late must be seen."""
    metrics = Metrics()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        watch = group.create_task(metrics.watch_loop())
        while (await _read(metrics))["hindsight_event_loop_lag_seconds_count", ()] < 1:
            await asyncio.sleep(0.05)
        watch.cancel()
    assert metrics.largest_lag_s >= 0
