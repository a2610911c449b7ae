"""What recordings will take."""

from backend.catalogue import Recorded
from backend.retention.estimates import Basis, Estimate, bytes_per_second, clip_rate, snapshot_bytes
from tests.support.backend.statuses import a_status

NOTHING = Recorded()
SOME = Recorded(video_bytes=600_000, video_s=6.0, images=4, image_bytes=400_000)


def test_an_h264_camera_takes_what_it_sends_now() -> None:
    """Its clips are its own packets, so yesterday's say less than the buffer."""
    assert bytes_per_second(a_status()) == 500_000
    assert clip_rate(a_status(), SOME) == Estimate(500_000, Basis.BUFFER)


def test_what_is_encoded_is_estimated_by_the_last_clips_and_before_the_first_by_what_is_sent() -> None:
    """A camera's JPEGs are many times its H.264; until there is a clip the larger figure is the safe one."""
    status = a_status(codec="mjpeg")
    assert clip_rate(status, SOME) == Estimate(100_000, Basis.CLIPS)
    assert clip_rate(status, NOTHING) == Estimate(500_000, Basis.BUFFER)


def test_nothing_is_guessed_from_an_empty_buffer() -> None:
    """A camera that has just connected is unknown, not free."""
    fresh = a_status(held_bytes=1000, held_s=0.1)
    assert clip_rate(fresh, NOTHING) is None
    assert clip_rate(fresh, SOME) == Estimate(100_000, Basis.CLIPS)


def test_a_snapshot_takes_what_the_last_ones_took_else_what_the_camera_or_its_size_says() -> None:
    """In this order; a camera that never showed a picture says nothing."""
    assert snapshot_bytes(a_status(), SOME) == Estimate(100_000, Basis.CLIPS)
    jpeg = snapshot_bytes(a_status(codec="mjpeg", held_bytes=30_000_000), NOTHING)
    assert jpeg == Estimate(100_000, Basis.BUFFER)
    assert snapshot_bytes(a_status(), NOTHING) == Estimate(1280 * 720 * 0.15, Basis.SIZE)
    assert snapshot_bytes(a_status(width=None), NOTHING) is None
