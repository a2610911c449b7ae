"""The memory of all cameras, made of the configuration."""

import pytest

from backend.cameras.cameras import camera_settings
from backend.config.model import Config

MIB = 1 << 20


@pytest.mark.parametrize(("total", "each"), [(4000 * MIB, 256 * MIB), (500 * MIB, 200 * MIB)])
def test_buffers_leave_room_for_the_replays_beside_them(total: int, each: int) -> None:
    """A quarter of each buffer is for open replays, and all of it stays within `total_bytes`."""
    cameras = [{"id": name, "source": "synthetic"} for name in ("front", "back")]
    config = Config.model_validate({"cameras": cameras, "buffer": {"total_bytes": total}})
    buffers = [settings.buffer for settings in camera_settings(config)]
    assert [buffer.max_bytes for buffer in buffers] == [each, each]
    assert sum(buffer.max_bytes + buffer.most_pinned_bytes for buffer in buffers) <= total
