"""What operators see of playing."""

from prometheus_client import CollectorRegistry

from backend.playback.metrics import Failure, Mode, PlaybackMetrics


def test_everything_counted_is_shown_by_provider_mode_and_reason() -> None:
    """With a histogram for each of the two waits people notice."""
    metrics, registry = PlaybackMetrics(), CollectorRegistry()
    metrics.register(registry)
    metrics.resolved("s3", Mode.DIRECT_URL, 0.02)
    metrics.failed("s3", Mode.DIRECT_URL, Failure.EXPIRED)
    metrics.began("local", 0.004)
    metrics.sent("local", 1000)
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }
    assert found["hindsight_playback_resolved_total", "direct_url", "s3"] == 1
    assert found["hindsight_playback_failures_total", "direct_url", "expired", "s3"] == 1
    assert found["hindsight_playback_resolve_seconds_bucket", "0.025", "direct_url", "s3"] == 1
    assert found["hindsight_playback_first_byte_seconds_count", "local", "proxy_stream"] == 1
    assert found["hindsight_playback_sent_bytes_total", "local", "proxy_stream"] == 1000
    assert found["hindsight_playback_streams",] == 0
