"""How playing goes, for Prometheus: by provider, mode and reason of failure.

Here: the counters and their labels, each from a closed list. Not here: playing (`playback`). Event loop.
"""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from backend.playback.forms import Form

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Mode(StrEnum):
    """How a player gets the bytes."""

    DIRECT_URL = "direct_url"
    """From the store itself, by an address that soon expires."""
    PROXY_STREAM = "proxy_stream"
    """Through the daemon."""


class Failure(StrEnum):
    """Why a player got nothing, or not all. For a store's failures see `FailureCause`."""

    NOT_READY = "not_ready"
    NOT_A_VIDEO = "not_a_video"
    FILE_MISSING = "file_missing"
    DISK = "disk"
    OTHER_CONTENT = "other_content"
    """The store holds another size under the clip's name."""
    PAGE_COULD_NOT_PLAY = "page_could_not_play"
    """The page came back and said so: the address does not reach the browser, or the store refuses it."""
    EXPIRED = "expired"
    """The page came back because the time of its address had run out."""
    STOPPED_READING = "stopped_reading"


class PlaybackMetrics:
    """Shown once `register` has been called."""

    def __init__(self) -> None:
        labels = ("provider", "mode")
        self._resolved = Counter(
            "hindsight_playback_resolved", "Players sent to an address.", labels, registry=None
        )
        self._clean = Counter(
            "hindsight_playback_clean",
            "Of those, players sent to a clean form: exact, because they ignore edit lists; clean, because "
            "they may not have what the clip's own file hides.",
            ("form",),
            registry=None,
        )
        self._failures = Counter(
            "hindsight_playback_failures",
            "Players that got nothing, or not all, by reason.",
            (*labels, "reason"),
            registry=None,
        )
        self._resolve_seconds = Histogram(
            "hindsight_playback_resolve_seconds",
            "From the question to the address.",
            labels,
            buckets=_SECONDS,
            registry=None,
        )
        self._first_byte_seconds = Histogram(
            "hindsight_playback_first_byte_seconds",
            "From the request to the first byte of the answer's body.",
            labels,
            buckets=_SECONDS,
            registry=None,
        )
        self._sent_bytes = Counter(
            "hindsight_playback_sent_bytes", "Bytes sent to players by the daemon.", labels, registry=None
        )
        self.open_streams = Gauge(
            "hindsight_playback_streams", "Players that are being sent bytes now.", registry=None
        )

    def register(self, registry: CollectorRegistry) -> None:
        """Show everything in `registry`."""
        counted = (self._resolved, self._failures, self._resolve_seconds, self._first_byte_seconds)
        for metric in (*counted, self._clean, self._sent_bytes, self.open_streams):
            registry.register(metric)

    def resolved(self, provider: str, mode: Mode, seconds: float) -> None:
        """A player got an address."""
        self._resolved.labels(provider, mode.value).inc()
        self._resolve_seconds.labels(provider, mode.value).observe(seconds)

    def sent_to_clean(self, form: Form) -> None:
        """A player got the address of a clean form."""
        self._clean.labels(form.value).inc()

    def failed(self, provider: str, mode: Mode, reason: str) -> None:
        """A player got nothing, or not all. `reason`: a `Failure`, or the `FailureCause` of a store."""
        self._failures.labels(provider, mode.value, reason).inc()

    def began(self, provider: str, seconds: float) -> None:
        """The first byte went out."""
        self._first_byte_seconds.labels(provider, Mode.PROXY_STREAM.value).observe(seconds)

    def sent(self, provider: str, count: int) -> None:
        """So many bytes went out."""
        self._sent_bytes.labels(provider, Mode.PROXY_STREAM.value).inc(count)
