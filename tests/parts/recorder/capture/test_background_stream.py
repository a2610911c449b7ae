"""The capture thread: it fills the ring, says how it is, and comes back from every loss."""

import logging
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.base.clock import Clock, LabelLine, SystemClock
from recorder.base.errors import SourceLost
from recorder.base.settings import BufferSettings, CameraSettings
from recorder.base.values import CameraStatus, StreamState
from recorder.bitstream.access_unit import SourceUnit
from recorder.capture.background_stream import (
    FIRST_RETRY_S,
    LONGEST_RETRY_S,
    BackgroundStream,
    Opener,
    retry_delay_s,
)
from recorder.sources.open import open_source
from recorder.sources.source import Source, SourceItem
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import Behaviour, RtspCamera
from tests.support.components import require_rtsp_server
from tests.support.counters import counters_of
from tests.support.fakes import NS_PER_S, SimulatedClock, source_units
from tests.support.waiting import wait_until

CARD = "synthetic?size=160x90&fps=60&gop_s=0.5"
SMALL = Material(width=320, height=180, frames=900)


@pytest.fixture
def _rtsp_server() -> None:
    require_rtsp_server()


class Camera:
    """One running stream, and how often it said that something is new."""

    def __init__(self, settings: CameraSettings, opener: Opener = open_source) -> None:
        clock = SystemClock()
        self.settings = settings
        self.news = 0
        self.changes: list[CameraStatus] = []
        self.stream = BackgroundStream(
            settings, clock, LabelLine(clock), on_units=self._on_units, on_change=self._on_change
        )
        self.stream.opener = opener

    @property
    def status(self) -> CameraStatus:
        return self.stream.status()

    def is_in(self, state: StreamState) -> bool:
        return self.status.state is state

    def _on_units(self) -> None:
        self.news += 1

    def _on_change(self) -> None:
        self.changes.append(self.status)


@contextmanager
def running(address: str, opener: Opener = open_source, timeout_s: float = 5.0) -> Iterator[Camera]:
    settings = CameraSettings("cam", "Cam", address, open_timeout_s=timeout_s, read_timeout_s=timeout_s)
    camera = Camera(settings, opener)
    camera.stream.start()
    try:
        yield camera
    finally:
        camera.stream.close()
    assert camera.is_in(StreamState.STOPPED)


@given(failures=st.integers(0, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_the_back_off_grows_from_half_a_second_and_never_exceeds_half_a_minute(
    failures: int, chance: float
) -> None:
    """Jitter only ever makes a try earlier, and by a third at most."""
    delay_s = retry_delay_s(failures, chance)
    assert 0.7 * FIRST_RETRY_S <= delay_s <= LONGEST_RETRY_S
    assert delay_s <= FIRST_RETRY_S * 2.0 ** min(failures, 100)
    assert delay_s >= 0.7 * min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(failures, 100))


def test_a_camera_fills_its_buffer_and_says_what_it_sends() -> None:
    """Frames, size, rate and state are all there after the first second."""
    with running(CARD) as camera:
        wait_until(lambda: camera.status.buffer.frame_count >= 60)
        status = camera.status
        units = camera.stream.units.after(-1)
    assert status.state is StreamState.LIVE
    assert (status.codec, status.width, status.height, status.fps) == ("h264", 160, 90, 60.0)
    assert status.counters.connects == 1
    assert status.counters.reconnects == 0
    assert status.buffer.oldest_frame is not None
    assert status.buffer.newest_frame is not None
    assert status.buffer.oldest_frame < status.buffer.newest_frame
    assert camera.news > 0
    assert [change.state for change in camera.changes] == ["connecting", "live", "stopped"]
    assert [unit.sequence for unit in units] == list(range(len(units)))
    assert counters_of(unit.data for unit in units) == list(range(len(units)))


def test_the_buffer_keeps_to_new_bounds_and_the_camera_answers_to_a_new_name() -> None:
    """Both change while the camera runs, without a new connection."""
    with running(CARD) as camera:
        wait_until(lambda: camera.status.buffer.held_frames >= 60)
        bounds = BufferSettings(seconds=0.5, max_bytes=10_000_000)
        camera.stream.adjust(replace(camera.settings, name="Door", buffer=bounds))
        wait_until(lambda: camera.status.buffer.held_frames <= 90)
        assert (camera.status.buffer.capacity_s, camera.status.name) == (0.5, "Door")
        assert camera.status.counters.connects == 1


def test_closing_is_quick_also_before_the_start_and_while_waiting(tmp_path: Path) -> None:
    """A stop never waits for a back-off or for the next frame."""
    unstarted = Camera(CameraSettings("cam", "Cam", CARD))
    unstarted.stream.close()
    with running("synthetic?size=160x90&fps=1") as slow:
        wait_until(lambda: slow.is_in(StreamState.LIVE))
        slow.stream.close(1.0)
        assert slow.is_in(StreamState.STOPPED)
    with running(f"file:{tmp_path / 'none.mp4'}") as missing:
        wait_until(lambda: missing.status.next_try is not None)
        missing.stream.close(1.0)
        assert missing.is_in(StreamState.STOPPED)


def test_a_loss_is_told_with_its_reason_and_the_next_try(tmp_path: Path) -> None:
    """The person at the camera wants to know what is wrong and whether to wait."""
    with running(f"file:{tmp_path / 'none.mp4'}") as camera:
        wait_until(lambda: camera.status.next_try is not None)
        status = camera.status
    assert status.state is StreamState.RECONNECTING
    assert "No such file" in status.reason
    assert status.last_error == status.reason
    assert status.next_try is not None
    assert 0 < (status.next_try - status.state_since).total_seconds() <= FIRST_RETRY_S


def test_a_camera_of_this_machine_is_asked_often_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever plugs it in sees it at once; until then the log does not grow."""
    with caplog.at_level(logging.INFO), running("/dev/v4l/by-id/usb-nobody") as camera:
        wait_until(lambda: len([change for change in camera.changes if change.next_try]) >= 4)
        tries = [change.next_try for change in camera.changes if change.next_try is not None]
        assert all((later - earlier).total_seconds() < 2.5 for earlier, later in pairwise(tries))
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


def test_what_only_the_operator_can_cure_is_asked_rarely() -> None:
    """A wrong address is told at once and not hammered."""
    with running("gopher://keeper:c4nary@cam/") as camera:
        wait_until(lambda: camera.status.next_try is not None)
        status = camera.status
    assert status.next_try is not None
    assert (status.next_try - status.state_since).total_seconds() == pytest.approx(LONGEST_RETRY_S, abs=0.5)
    assert "c4nary" not in repr(status)


class Script:
    """A source that does what each of its acts says, once per read; the last act goes on for ever."""

    description = "script"
    damaged = 3

    def __init__(self, *acts: Exception | None) -> None:
        self._acts = list(acts)
        self.closed = False

    def open(self) -> None: ...

    def read(self) -> Sequence[SourceItem]:
        act = self._acts.pop(0) if len(self._acts) > 1 else self._acts[0]
        if act is not None:
            raise act
        threading.Event().wait(0.01)
        return []

    def close(self) -> None:
        self.closed = True


def test_an_unexpected_failure_is_counted_scrubbed_and_survived() -> None:
    """A bug in a library must not end a camera for good, and must not print its password."""
    bad = Script(RuntimeError("broke on rtsp://keeper:c4nary@cam/"))
    scripts = [bad]

    def opener(settings: CameraSettings, clock: Clock, stop: threading.Event) -> Source:
        return scripts.pop() if scripts else open_source(replace(settings, source=CARD), clock, stop)

    with running("rtsp://keeper:c4nary@cam/", opener) as camera:
        wait_until(lambda: camera.is_in(StreamState.LIVE))
        status = camera.status
    assert bad.closed
    assert (status.counters.thread_failures, status.counters.units_damaged) == (1, 3)
    assert "RuntimeError" in str(status.last_error)
    assert "c4nary" not in repr([status, *camera.changes])


def test_a_camera_that_sends_everything_but_pictures_is_lost() -> None:
    """Its socket is never silent, so only the stream itself can notice."""
    with running(CARD, lambda *_: Script(None), timeout_s=0.2) as camera:
        wait_until(lambda: "no picture" in camera.status.reason)
        assert camera.is_in(StreamState.RECONNECTING)


class Brief(Script):
    """A camera that is lost after ten units, each time."""

    def __init__(self, card: Source) -> None:
        super().__init__(None)
        self._card = card
        self._left = 10

    def open(self) -> None:
        self._card.open()

    def read(self) -> Sequence[SourceItem]:
        self._left -= 1
        if self._left < 0:
            msg = "Gone."
            raise SourceLost(msg)
        return self._card.read()


def test_the_end_of_a_run_loses_no_unit_that_was_still_held() -> None:
    """The timeline holds the first units of a run until it knows their time; a loss must let them go."""

    def opener(settings: CameraSettings, clock: Clock, stop: threading.Event) -> Source:
        return Brief(open_source(settings, clock, stop))

    with running(CARD, opener) as camera:
        wait_until(lambda: camera.status.buffer.held_frames == 20)
        assert camera.status.counters.reconnects >= 1
        assert len({unit.run for unit in camera.stream.units.after(-1)}) == 2


class Handed(Script):
    """A camera that sends what it is handed, each unit at its time."""

    def __init__(self, clock: SimulatedClock) -> None:
        super().__init__(None)
        self._clock = clock
        self.units: queue.SimpleQueue[SourceUnit] = queue.SimpleQueue()

    def read(self) -> Sequence[SourceItem]:
        with suppress(queue.Empty):
            unit = self.units.get(timeout=0.01)
            self._clock.advance(max(0, unit.arrival_ns - self._clock.monotonic_ns()))
            return [unit]
        return []


def test_a_camera_with_too_few_keyframes_says_so_also_while_the_next_gop_begins() -> None:
    """Words that change twice a second tell nobody anything; half a minute after the last loss they go."""
    clock = SimulatedClock()
    source = Handed(clock)
    settings = CameraSettings("cam", "Cam", CARD, BufferSettings(seconds=5, max_bytes=20_000))
    stream = BackgroundStream(
        settings, clock, LabelLine(clock), on_units=lambda: None, on_change=lambda: None
    )
    stream.opener = lambda *_: source

    def send(first: int, end: int, gop: int) -> None:
        arrival_ns = 2000 * NS_PER_S + first * (NS_PER_S // 30)
        for unit in source_units(end - first, gop=gop, arrival_ns=arrival_ns, first_pts=3000 * first):
            source.units.put(unit)
        wait_until(lambda: stream.status().counters.units == end)

    stream.start()
    try:
        send(0, 310, gop=300)
        wait_until(lambda: stream.status().buffer.held_frames == 10)
        assert "keyframe" in stream.status().reason
        assert "max_bytes" in stream.status().reason
        send(310, 1060, gop=30)
        assert "keyframe" in stream.status().reason
        send(1060, 1240, gop=30)
        assert (stream.status().state, stream.status().reason) == (StreamState.LIVE, "Receiving pictures.")
        assert stream.status().counters.gops_too_large == 1
    finally:
        stream.close()


@pytest.mark.usefixtures("_rtsp_server")
def test_a_camera_that_dies_and_returns_is_live_again_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    """The old frames stay, the new ones follow in a run of their own; no credential shows anywhere."""
    caplog.set_level(logging.DEBUG)
    behaviour = Behaviour(account="keeper:c4nary")
    with RtspCamera(SMALL, behaviour) as server, running(server.url()) as camera:
        wait_until(lambda: camera.status.buffer.frame_count >= 30)
        server.kill()
        wait_until(lambda: camera.is_in(StreamState.RECONNECTING))
        held = camera.status.buffer.held_frames
        assert held >= 30
        server.start()
        wait_until(lambda: camera.status.buffer.held_frames >= held + 30)
        status = camera.status
        units = camera.stream.units.after(-1)
    assert status.state is StreamState.LIVE
    assert status.counters.reconnects == 1
    assert len({unit.run for unit in units}) == 2
    assert all(later.dts_ns >= earlier.dts_ns for earlier, later in pairwise(units))
    assert "c4nary" not in repr([status, *camera.changes]) + caplog.text
    assert any(word in str(status.last_error) for word in ("refused", "broke", "ended"))


@pytest.mark.usefixtures("_rtsp_server")
def test_a_camera_that_freezes_is_stalled_then_lost_then_live_again() -> None:
    """Silence is told after two seconds, given up within ten, and healed once the camera goes on."""
    with RtspCamera(SMALL) as server, running(server.url()) as camera:
        wait_until(lambda: camera.status.buffer.frame_count >= 20)
        server.freeze()
        wait_until(lambda: camera.is_in(StreamState.STALLED), 4.0)
        assert "No picture for" in camera.status.reason
        wait_until(lambda: camera.is_in(StreamState.RECONNECTING), 6.0)
        server.thaw()
        wait_until(lambda: camera.is_in(StreamState.LIVE), 20.0)
        newest = camera.status.buffer.newest_frame
        wait_until(lambda: camera.status.buffer.newest_frame != newest)
