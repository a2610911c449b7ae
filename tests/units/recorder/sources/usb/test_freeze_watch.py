"""Pictures that a living sensor cannot have sent."""

import random

from recorder.sources.usb.freeze_watch import FROZEN_NS, LONGEST_PATIENCE_NS, FreezeWatch, StaleTailWatch

FRAME_NS = 33_333_333


def frozen_after_ns(freezes: int) -> int:
    watch = FreezeWatch(freezes)
    count = 0
    while not watch.is_frozen(b"same", count * FRAME_NS):
        count += 1
    return count * FRAME_NS


def test_a_picture_is_frozen_after_five_seconds_of_sameness() -> None:
    """And not one frame earlier."""
    assert FROZEN_NS <= frozen_after_ns(0) < FROZEN_NS + FRAME_NS


def test_a_picture_that_reopening_does_not_change_is_left_alone_for_longer() -> None:
    """A closed shutter is no reason to reconnect for hours."""
    assert frozen_after_ns(3) >= 8 * FROZEN_NS
    assert frozen_after_ns(1000) < LONGEST_PATIENCE_NS + FRAME_NS


def test_any_change_begins_anew() -> None:
    """Also one frame in a hundred."""
    watch = FreezeWatch(0)
    assert not any(watch.is_frozen(b"%d" % (n // 100), n * FRAME_NS) for n in range(2000))
    assert watch.has_changed


def test_a_slow_camera_needs_more_than_one_repeat() -> None:
    """One frame in ten seconds that equals the one before says little."""
    watch = FreezeWatch(0)
    assert not any(watch.is_frozen(b"same", n * 10**10) for n in range(5))
    assert watch.is_frozen(b"same", 5 * 10**10)


def noise(seed: int, length: int = 9000) -> bytes:
    return random.Random(seed).randbytes(length)


def test_an_end_that_was_not_written_shows_an_older_picture() -> None:
    """Of three buffers the one that comes again was filled half, or not at all."""
    watch = StaleTailWatch(3)
    pictures = [noise(n) for n in range(3)]
    assert not any(watch.is_stale(memoryview(picture)) for picture in pictures)
    assert watch.is_stale(memoryview(noise(3)[:4500] + pictures[0][4500:]))
    assert watch.is_stale(memoryview(pictures[1]))
    assert not watch.is_stale(memoryview(noise(4)))


def test_a_still_or_plain_picture_is_not_taken_for_a_stale_one() -> None:
    """Test pictures do not change at all, and dark edges are equal by themselves."""
    watch = StaleTailWatch(3)
    assert not any(watch.is_stale(memoryview(noise(1))) for _ in range(10))
    for dark in (True, False, True, True, False, True):
        assert not watch.is_stale(memoryview(bytes(9000) if dark else noise(random.getrandbits(30))))
