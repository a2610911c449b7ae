"""The status endpoints whose names and fields were given."""

from datetime import datetime

import pytest

from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_given_status_endpoints_speak_as_specified(app: WholeApp) -> None:
    """Fixed names, naive UTC, and the same times with a zone beside them."""
    status = (await app.get("/api/debug/background-stream-status")).json()
    assert status["stream_running"] is True
    buffer = status["buffer"]
    assert buffer["frame_count"] > 0
    assert buffer["duration_seconds"] == pytest.approx(buffer["frame_count"] / 30)
    for name in ("oldest_frame", "newest_frame"):
        assert datetime.fromisoformat(buffer[name]).tzinfo is None
        assert buffer[f"{name}_utc"] == buffer[name] + "Z"
    status = (await app.get("/video/buffer/status")).json()
    assert {"capacity_seconds", "held_bytes", "fps", "codec"} <= set(status)
    assert (await app.get("/api/debug/background-stream-status?camera=nowhere")).status == 404
