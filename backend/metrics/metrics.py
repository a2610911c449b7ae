"""What is counted, for Prometheus: cameras and queues are read at scrape time, the rest as it happens.

Own registry, no global state. Belongs to the event loop.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from recorder.base.values import CameraStatus, StreamCounters, StreamState

_LAG_EVERY_S = 0.5
_LAG_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_ANSWER_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """Counters of the daemon."""

    def __init__(self) -> None:
        self.registry = self._registry = CollectorRegistry()
        self._at_scrape = _AtScrape()
        self._registry.register(self._at_scrape)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._requests = Counter(
            "hindsight_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._answer_seconds = Histogram(
            "hindsight_http_answer_seconds",
            "From request to the end of the answer, streams left out.",
            buckets=_ANSWER_BUCKETS_S,
            registry=self._registry,
        )
        self._lag_seconds = Histogram(
            "hindsight_event_loop_lag_seconds",
            "How late the event loop ran a timer.",
            buckets=_LAG_BUCKETS_S,
            registry=self._registry,
        )
        self._failures = Counter(
            "hindsight_unforeseen_errors",
            "Errors nobody foresaw, by where they surfaced.",
            ("where",),
            registry=self._registry,
        )
        self.largest_lag_s = 0.0

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """Count an answer; `seconds` None for a stream, whose length says nothing."""
        self._requests.labels(method, route, str(status)).inc()
        if seconds is not None:
            self._answer_seconds.observe(seconds)

    def failed(self, where: str) -> None:
        """Count an error that reached the outermost frame of `where`."""
        self._failures.labels(where).inc()

    async def watch_loop(self) -> None:
        """Measure how late the loop runs, until cancelled."""
        while True:
            due = time.monotonic() + _LAG_EVERY_S
            await asyncio.sleep(_LAG_EVERY_S)
            lag_s = max(0.0, time.monotonic() - due)
            self.largest_lag_s = max(self.largest_lag_s, lag_s)
            self._lag_seconds.observe(lag_s)

    async def render(
        self, cameras: Sequence[CameraStatus], numbers: Mapping[str, float]
    ) -> tuple[bytes, str]:
        """The exposition and its content type. Names of `numbers` that only grow end in `_total`."""
        self._at_scrape.cameras, self._at_scrape.numbers = cameras, numbers
        # In a thread: the process collector reads /proc, and many cameras make many lines.
        return await asyncio.to_thread(generate_latest, self._registry), CONTENT_TYPE_LATEST


class _AtScrape(Collector):
    def __init__(self) -> None:
        self.cameras: Sequence[CameraStatus] = ()
        self.numbers: Mapping[str, float] = {}

    def describe(self) -> Iterable[Metric]:
        return ()  # named at scrape: registration must not read cameras that have not started

    def collect(self) -> Iterator[Metric]:
        cameras = self.cameras
        yield from _gauges(cameras)
        yield _states(cameras)
        for counter in fields(StreamCounters):
            family = CounterMetricFamily(
                f"hindsight_camera_{counter.name}", f"{counter.name} since start.", labels=("camera",)
            )
            for status in cameras:
                family.add_metric((status.camera_id,), getattr(status.counters, counter.name))
            yield family
        for name, number in sorted(self.numbers.items()):
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            yield kind(f"hindsight_{name.removesuffix('_total')}", name.replace("_", " "), value=number)


_GAUGES: tuple[tuple[str, str, Callable[[CameraStatus], float | None]], ...] = (
    ("buffer_frames", "Frames in the newest buffer seconds.", lambda s: s.buffer.frame_count),
    ("buffer_seconds", "Seconds in the buffer.", lambda s: s.buffer.duration_s),
    ("buffer_capacity_seconds", "Seconds the buffer is meant to hold.", lambda s: s.buffer.capacity_s),
    ("buffer_held_bytes", "Bytes held.", lambda s: s.buffer.held_bytes),
    ("buffer_max_bytes", "Bound of the bytes held.", lambda s: s.buffer.max_bytes),
    ("buffer_pinned_bytes", "Bytes kept for replays and recordings.", lambda s: s.buffer.pinned_bytes),
    ("fps", "Frames per second.", lambda s: s.fps),
    ("recordings", "Recordings under way.", lambda s: s.recordings),
    ("viewers", "Live viewers.", lambda s: s.viewers),
    ("listeners", "Who listens to the live sound.", lambda s: s.listeners),
)


def _gauges(cameras: Sequence[CameraStatus]) -> Iterator[Metric]:
    for name, text, value_of in _GAUGES:
        family = GaugeMetricFamily(f"hindsight_camera_{name}", text, labels=("camera",))
        for status in cameras:
            if (value := value_of(status)) is not None:
                family.add_metric((status.camera_id,), value)
        yield family


def _states(cameras: Sequence[CameraStatus]) -> Metric:
    family = GaugeMetricFamily(
        "hindsight_camera_state", "1 for the present state.", labels=("camera", "state")
    )
    for status in cameras:
        for state in StreamState:
            family.add_metric((status.camera_id, state.value), float(status.state is state))
    return family
