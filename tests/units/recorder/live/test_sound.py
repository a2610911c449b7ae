"""Live sound: what a listener gets, who is slow, and what is said when there is nothing to hear."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from recorder.base.bridge import Bridge
from recorder.bitstream.aac import from_adts
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.buffer.shared_ring import LockedSound
from recorder.buffer.sound_ring import SoundRing
from recorder.live.sound import (
    LEAD_FRAMES,
    LiveSound,
    LiveSoundInit,
    LiveSoundMessage,
    LiveSoundMissing,
    LiveSoundPiece,
)

MONO = AudioFormat(48_000, 1, b"\x11\x88")
WIDE = AudioFormat(16_000, 2, b"\x14\x10")
EPOCH = datetime(2026, 1, 1)
START_NS = 10**12


class Ear:
    """A camera's ring of sound and what is put into it."""

    def __init__(self) -> None:
        self._ring = SoundRing()
        self._next = 0
        self._at_ns = START_NS
        self.why = "This camera sends no sound."
        self.bridge = Bridge(asyncio.get_running_loop())
        locked = LockedSound(self._ring, threading.Lock())
        self.live = LiveSound(locked, self.bridge, self.label, lambda: self.why)

    def label(self, ns: int) -> datetime:
        return EPOCH + timedelta(microseconds=(ns - START_NS) // 1000)

    def hear(self, count: int, sound: AudioFormat = MONO, *, hole_ns: int = 0) -> None:
        """So many frames more; each holds its own number."""
        self._at_ns += hole_ns
        for _ in range(count):
            data = self._next.to_bytes(4, "big") * 4
            self._ring.append(AudioUnit(self._next, sound, self._at_ns, data))
            self._next += 1
            self._at_ns += sound.frame_ns
        self.bridge.notify()


def numbers(piece: LiveSoundPiece) -> list[int]:
    """The frames of a piece, by their headers."""
    found, data = [], piece.data
    while data:
        frame = from_adts(data).frame
        found.append(int.from_bytes(frame[:4], "big"))
        data = data[7 + len(frame) :]
    return found


async def following(messages: AsyncGenerator[LiveSoundMessage, None]) -> LiveSoundMessage:
    async with asyncio.timeout(10):
        return await anext(messages)


async def first_of(
    messages: AsyncGenerator[LiveSoundMessage, None], happens: Callable[[], object]
) -> LiveSoundMessage:
    """What a listener is told who was there before `happens`."""
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(following(messages))
        await asyncio.sleep(0)
        happens()
    return waiting.result()


async def piece_of(messages: AsyncGenerator[LiveSoundMessage, None]) -> LiveSoundPiece:
    message = await following(messages)
    assert isinstance(message, LiveSoundPiece)
    return message


async def test_a_listener_gets_whole_pieces_that_can_be_decoded_by_themselves() -> None:
    """The format comes first; each piece brings what a decoder begins with, and the label behind that."""
    ear = Ear()
    ear.hear(10)
    async with aclosing(ear.live.listen()) as messages:
        assert await first_of(messages, lambda: ear.hear(4)) == LiveSoundInit("aac", 48_000, 1)
        first = await piece_of(messages)
        assert numbers(first) == [8, 9, 10, 11, 12, 13]
        assert first.lead_s == pytest.approx(LEAD_FRAMES * 1024 / 48_000, abs=1e-6)
        assert first.label == ear.label(START_NS + 10 * MONO.frame_ns)
        ear.hear(5)
        assert numbers(await piece_of(messages)) == [12, 13, 14, 15, 16, 17, 18]
        assert ear.live.listeners == 1
    assert ear.live.listeners == 0


async def test_a_hole_ends_a_piece_and_the_next_one_is_where_it_belongs() -> None:
    """No decoder is led over a hole, and the page hears the silence."""
    ear = Ear()
    ear.hear(2)
    async with aclosing(ear.live.listen()) as messages:

        def with_a_hole() -> None:
            ear.hear(4)
            ear.hear(4, hole_ns=500_000_000)

        await first_of(messages, with_a_hole)
        assert numbers(await piece_of(messages)) == [0, 1, 2, 3, 4, 5]
        behind = await piece_of(messages)
    assert (numbers(behind), behind.lead_s) == ([6, 7, 8, 9], 0)
    assert behind.label == ear.label(START_NS + 6 * MONO.frame_ns + 500_000_000)


async def test_another_format_is_announced_before_its_first_piece() -> None:
    """A camera that is set to another rate while somebody listens."""
    ear = Ear()
    ear.hear(2)
    async with aclosing(ear.live.listen()) as messages:
        await first_of(messages, lambda: ear.hear(4))
        await piece_of(messages)
        ear.hear(4, WIDE)
        assert await following(messages) == LiveSoundInit("aac", 16_000, 2)
        assert numbers(await piece_of(messages)) == [6, 7, 8, 9]


async def test_who_is_slow_goes_on_at_the_newest_and_that_is_counted() -> None:
    """Old sound beside a live picture is of no use, and nothing is kept for anybody."""
    ear = Ear()
    ear.hear(2)
    async with aclosing(ear.live.listen()) as messages:
        await first_of(messages, lambda: ear.hear(4))
        await piece_of(messages)
        ear.hear(500)
        late = await piece_of(messages)
    assert numbers(late)[-1] == 505
    assert late.label >= ear.label(START_NS + 506 * MONO.frame_ns - 2_100_000_000)
    assert ear.live.drops == pytest.approx(500 - 94, abs=2)


async def test_without_sound_the_reason_is_told_once_and_sound_that_comes_is_announced() -> None:
    """Words instead of silence."""
    ear = Ear()
    ear.why = "The sound is encoded as OPUS."
    async with aclosing(ear.live.listen()) as messages:
        assert await following(messages) == LiveSoundMissing("The sound is encoded as OPUS.")
        ear.hear(4)
        assert isinstance(await following(messages), LiveSoundInit)
        assert numbers(await piece_of(messages)) == [0, 1, 2, 3]


async def test_sound_that_stops_is_told_and_begins_again_with_its_format() -> None:
    """After two seconds of nothing; the page shows it."""
    ear = Ear()
    ear.hear(2)
    async with aclosing(ear.live.listen()) as messages:
        assert isinstance(await following(messages), LiveSoundMissing)
        ear.hear(4, replace(MONO), hole_ns=3_000_000_000)
        assert await following(messages) == LiveSoundInit("aac", 48_000, 1)
