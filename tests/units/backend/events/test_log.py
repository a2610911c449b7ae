"""The event log: catch-up by id, resets, bounds."""

import pytest

from backend.events.log import EventLog, as_server_sent


async def test_a_new_subscriber_hears_only_what_comes_after_it() -> None:
    """What was before, the page has read over HTTP."""
    log = EventLog("boot")
    log.publish("clip", {"id": 1})
    with log.subscription() as subscription:
        log.publish("clip", {"id": 2})
        assert [e.data for e in await subscription.next(1) or []] == [{"id": 2}]
        assert await subscription.next(0.001) == []


async def test_a_known_id_catches_up_without_loss_or_repeat() -> None:
    """A page that lost its connection for a moment misses nothing."""
    log = EventLog("boot")
    ids = [log.publish("n", {"n": n}).id for n in range(5)]
    with log.subscription(ids[2]) as subscription:
        assert [e.data["n"] for e in await subscription.next(1) or []] == [3, 4]
    with log.subscription(log.last_id) as subscription:
        assert await subscription.next(0.001) == []


@pytest.mark.parametrize("unknown", ["other-3", "boot-999", "boot-x", "boot--1", "", "boot-" + "9" * 40])
async def test_an_unknown_id_gets_one_reset(unknown: str) -> None:
    """Another boot, the future or nonsense all mean: read everything again."""
    log = EventLog("boot")
    log.publish("n", {})
    with log.subscription(unknown) as subscription:
        assert [e.type for e in await subscription.next(1) or []] == ["reset"]
        log.publish("n", {"n": 1})
        assert [e.type for e in await subscription.next(1) or []] == ["n"]
    assert log.resets == 1


async def test_a_subscriber_slower_than_the_history_gets_a_reset_and_is_counted() -> None:
    """The bound is the history; nobody's slowness grows memory."""
    log = EventLog("boot", history=3)
    with log.subscription() as subscription:
        for n in range(4):
            log.publish("n", {"n": n})
        assert [e.type for e in await subscription.next(1) or []] == ["reset"]
    assert log.resets == 1


async def test_closing_ends_streams_after_the_last_event() -> None:
    """Open pages do not hold up a shutdown."""
    log = EventLog("boot")
    with log.subscription() as subscription:
        log.publish("bye", {})
        log.close()
        assert [e.type for e in await subscription.next(1) or []] == ["bye"]
        assert await subscription.next(10) is None


async def test_the_wire_form_is_one_event_of_three_lines() -> None:
    """Newlines inside the data never break the framing."""
    event = EventLog("b").publish("clip", {"title": "a\nb"})
    assert as_server_sent(event) == b'id: b-1\nevent: clip\ndata: {"title":"a\\nb"}\n\n'
