"""Word from a thread reaches the loop once, soon, and never as a flood."""

import asyncio
import threading
import time

from recorder.base.bridge import Bridge


async def test_a_notice_from_a_thread_wakes_everybody_who_waits() -> None:
    """All waiters see the same new version."""
    bridge = Bridge(asyncio.get_running_loop())
    waiters = [asyncio.ensure_future(bridge.wait_beyond(0, 5.0)) for _ in range(3)]  # noqa: TID251
    await asyncio.sleep(0)
    threading.Thread(target=bridge.notify).start()
    assert await asyncio.gather(*waiters) == [1, 1, 1]


async def test_a_notice_that_came_before_is_not_waited_for() -> None:
    """Nothing is lost between two calls, however late the reader comes back."""
    bridge = Bridge(asyncio.get_running_loop())
    bridge.notify()
    bridge.notify()
    assert await bridge.wait_beyond(0, 5.0) == 2
    assert await bridge.wait_beyond(1, 5.0) == 2


async def test_without_news_the_wait_ends_at_its_timeout() -> None:
    """The reader gets the version it has, and can look at its own deadlines."""
    bridge = Bridge(asyncio.get_running_loop())
    assert await bridge.wait_beyond(0, 0.01) == 0


async def test_a_blocked_loop_is_not_flooded() -> None:
    """Ten thousand notices leave one call behind and a count of the rest."""
    bridge = Bridge(asyncio.get_running_loop())
    waiter = asyncio.ensure_future(bridge.wait_beyond(0, 5.0))  # noqa: TID251
    await asyncio.sleep(0)

    def shout() -> None:
        for _ in range(10_000):
            bridge.notify()

    thread = threading.Thread(target=shout)
    thread.start()
    thread.join()  # blocks the loop on purpose
    assert await waiter == 10_000
    assert (bridge.wake_ups, bridge.coalesced) == (1, 9_999)


async def test_a_loop_that_waits_for_nothing_is_left_to_sleep() -> None:
    """Thirty wake-ups a second for nobody would be most of what an idle camera costs."""
    bridge = Bridge(asyncio.get_running_loop())
    for _ in range(100):
        bridge.notify()
    await asyncio.sleep(0)
    assert (bridge.wake_ups, bridge.coalesced, bridge.version) == (0, 100, 100)


async def test_a_reader_that_follows_sees_every_last_notice() -> None:
    """However notices and waits interleave, the reader ends at the newest version."""
    bridge = Bridge(asyncio.get_running_loop())

    def speak() -> None:
        for _ in range(300):
            bridge.notify()
            time.sleep(0)

    thread = threading.Thread(target=speak)
    thread.start()
    version = 0
    while version < 300:
        before, version = version, await bridge.wait_beyond(version, 5.0)
        assert version > before
    thread.join()


def test_a_notice_after_the_loop_has_closed_is_counted_not_raised() -> None:
    """The capture thread may outlive the loop for a moment at shutdown."""
    loop = asyncio.new_event_loop()
    bridge = Bridge(loop)
    waiting = bridge.wait_beyond(0, 5.0)
    waiter = loop.create_task(waiting)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    bridge.notify()
    bridge.notify()
    assert bridge.dropped_after_close == 2
    waiting.close()
    assert not waiter.done()
