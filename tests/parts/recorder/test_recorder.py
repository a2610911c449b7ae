"""The façade over a real synthetic camera: a moment goes in, a file that proves it comes out."""

import asyncio
import io
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import av
import pytest
import pytest_asyncio

from recorder.base.errors import Busy, SpanOutsideBuffer, UnknownRecording
from recorder.base.settings import BufferSettings
from recorder.base.values import (
    ClockState,
    RecordingFinished,
    RecordingProcessing,
    RecordingProgressed,
    RecordRequest,
    StreamState,
)
from recorder.live.feed import LiveChunk, LiveInit
from recorder.mp4.frame_times import read_frame_times
from recorder.recording.clip_files import ClipFiles
from recorder.recording.finishing import finish_part
from recorder.sources.test_picture.test_card import read_counter
from recorder.stills.replay import MOST_REPLAYS
from tests.support.recorder_rig import Rig, counter_in, counters_of, media_seconds, running_recorder

pytestmark = pytest.mark.asyncio(loop_scope="module")
FRAME = timedelta(seconds=1 / 30)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """A synthetic camera with a few seconds in its buffer."""
    directory = tmp_path_factory.mktemp("recorder")
    async with running_recorder("synthetic?size=320x240&fps=30&gop_s=1", directory) as running:
        await running.buffered(4)
        yield running


async def test_a_look_back_is_finished_before_the_answer_and_holds_exactly_its_frames(rig: Rig) -> None:
    """Two seconds back at 30 fps: sixty consecutive frames, the first shown at the asked label."""
    newest = rig.recorder.status().buffer.newest_frame
    assert newest is not None
    request = RecordRequest(rig.new_id(), newest, before_s=2.0, after_s=0.0)
    started = await rig.recorder.record(request)
    await rig.recorder.acknowledge(request.recording_id)
    clip = started.finished
    assert clip is not None
    counters = counters_of(clip.path)
    assert counters == list(range(counters[0], counters[0] + 60))
    assert counters[0] == counter_in((await rig.recorder.frame(clip.start_time)).jpeg)
    assert counters[-1] + 1 == counter_in((await rig.recorder.frame(newest)).jpeg)
    assert (clip.frame_count, clip.duration_s, clip.gaps) == (60, 2.0, ())
    assert media_seconds(clip.path) == 2.0
    assert started.covered_before_s == pytest.approx(2.0, abs=0.034)


async def test_before_and_after_meet_without_a_seam(rig: Rig) -> None:
    """The pre-roll and what came live are one row of counters."""
    clip = await rig.clip(before_s=1.5, after_s=1.0)
    counters = counters_of(clip.path)
    assert counters == list(range(counters[0], counters[0] + 75))
    assert clip.duration_s == 2.5


async def test_an_absolute_span_begins_inside_a_gop(rig: Rig) -> None:
    """Start and end are labels; a frame is in if and only if start ≤ label < end."""
    newest = rig.recorder.status().buffer.newest_frame
    assert newest is not None
    first = (await rig.recorder.frame(newest - timedelta(seconds=2.4))).label
    last = (await rig.recorder.frame(newest - timedelta(seconds=0.9))).label
    clip = await rig.clip(span=(first, last))
    counters = counters_of(clip.path)
    assert counters[0] == counter_in((await rig.recorder.frame(first)).jpeg)
    assert counters[-1] == counter_in((await rig.recorder.frame(last)).jpeg) - 1
    assert counters == list(range(counters[0], counters[-1] + 1))
    assert clip.start_time == first


async def test_a_recording_until_stopped_grows_until_stop(rig: Rig) -> None:
    """Its length is told while it runs, and stop ends it with the newest frame in."""
    request = RecordRequest(rig.new_id(), before_s=0.5, after_s=None)
    await rig.recorder.record(request)
    await rig.recorder.acknowledge(request.recording_id)
    await rig.until(
        lambda: any(
            isinstance(event, RecordingProgressed)
            and event.recording_id == request.recording_id
            and event.recorded_s > 1.5
            for event in rig.events
        )
    )
    await rig.recorder.stop(request.recording_id)
    clip = await rig.until(lambda: rig.finished(request.recording_id))
    counters = counters_of(clip.path)
    assert counters == list(range(counters[0], counters[0] + clip.frame_count))
    assert clip.duration_s > 1.5
    with pytest.raises(UnknownRecording):
        await rig.recorder.stop(request.recording_id)


async def test_extend_moves_the_end(rig: Rig) -> None:
    """Half a second asked, half a second more: one second and the look-back."""
    request = RecordRequest(rig.new_id(), before_s=0.5, after_s=0.5)
    await rig.recorder.record(request)
    await rig.recorder.acknowledge(request.recording_id)
    await rig.recorder.extend(request.recording_id, 0.5)
    clip = await rig.until(lambda: rig.finished(request.recording_id))
    assert clip.duration_s == pytest.approx(1.5, abs=0.034)


async def test_a_recording_that_has_reached_its_end_is_not_extended(rig: Rig) -> None:
    """Also while its file is still being made: who asks is told, instead of promised what cannot come."""
    request = RecordRequest(rig.new_id(), before_s=1.0, after_s=0.3)
    await rig.recorder.record(request)
    await rig.recorder.acknowledge(request.recording_id)
    processing = RecordingProcessing(request.recording_id)
    with rig.finishing_held_up():
        await rig.until(lambda: processing in rig.events)
        with pytest.raises(UnknownRecording):
            await rig.recorder.extend(request.recording_id, 5)
    clip = await rig.until(lambda: rig.finished(request.recording_id))
    assert clip.duration_s == pytest.approx(1.3, abs=0.04)


async def test_ten_overlapping_recordings_each_hold_their_own_span(rig: Rig) -> None:
    """They share units, not positions: none is disturbed by another's end."""
    clips = await asyncio.gather(
        *(rig.clip(before_s=0.3 * n, after_s=0.2 * (10 - n) + 0.1) for n in range(10))
    )
    for n, clip in enumerate(clips):
        counters = counters_of(clip.path)
        assert counters == list(range(counters[0], counters[0] + len(counters)))
        assert clip.duration_s == pytest.approx(0.3 * n + 0.2 * (10 - n) + 0.1, abs=0.034)


async def test_a_discarded_recording_leaves_no_file(rig: Rig) -> None:
    """Deleting a running recording stops it first."""
    request = RecordRequest(rig.new_id(), before_s=0.5, after_s=None)
    await rig.recorder.record(request)
    await rig.recorder.acknowledge(request.recording_id)
    await rig.recorder.discard(request.recording_id)
    assert not (rig.clips_dir / request.recording_id).exists()
    assert not rig.recorder.is_recording(request.recording_id)


async def test_a_recording_discarded_before_it_is_acknowledged_never_runs(rig: Rig) -> None:
    """Its row was seen and deleted between the commit and the acknowledgement."""
    request = RecordRequest(rig.new_id(), before_s=1.0, after_s=None)
    await rig.recorder.record(request)
    await rig.recorder.discard(request.recording_id)
    await rig.recorder.acknowledge(request.recording_id)
    assert not rig.recorder.is_recording(request.recording_id)
    assert not ClipFiles(rig.clips_dir, request.recording_id).directory.exists()


@pytest.mark.parametrize("after_s", [0.0, 5.0])
async def test_an_abandoned_recording_leaves_no_file(rig: Rig, after_s: float) -> None:
    """When the row cannot be committed, nothing was promised and nothing stays."""
    request = RecordRequest(rig.new_id(), before_s=0.5, after_s=after_s)
    await rig.recorder.record(request)
    assert (rig.clips_dir / request.recording_id / "unacknowledged").exists()
    await rig.recorder.abandon(request.recording_id)
    assert not (rig.clips_dir / request.recording_id).exists()


async def test_a_failed_opening_leaves_no_file(rig: Rig) -> None:
    """A name that is taken is an error of the disk: the files that are there stay as they are."""
    request = RecordRequest(rig.new_id(), before_s=0.5, after_s=5.0)
    taken = rig.clips_dir / request.recording_id
    taken.touch()
    with pytest.raises(FileExistsError):
        await rig.recorder.record(request)
    assert taken.is_file()
    taken.unlink()


async def test_a_finished_clip_can_be_made_again_from_its_part_file(rig: Rig) -> None:
    """Retry and start-up use the same step as the recording itself, and get the same frames."""
    clip = await rig.clip(before_s=1.0, after_s=0.5)
    again = await asyncio.to_thread(finish_part, ClipFiles(rig.clips_dir, clip.path.parent.name))
    assert counters_of(again.path) == counters_of(clip.path)
    assert (again.start_time, again.frame_count) == (clip.start_time, clip.frame_count)


async def test_a_span_before_the_buffer_is_refused(rig: Rig) -> None:
    """A moment that is gone is an error, never a placeholder."""
    oldest = rig.recorder.status().buffer.oldest_frame
    assert oldest is not None
    span = (oldest - timedelta(hours=2), oldest - timedelta(hours=1))
    with pytest.raises(SpanOutsideBuffer):
        await rig.clip(span=span)


async def test_a_frame_is_the_one_on_show_at_its_label(rig: Rig) -> None:
    """Consecutive labels give consecutive counters, and a keyframe near by says that it is approximate."""
    newest = rig.recorder.status().buffer.newest_frame
    assert newest is not None
    pictures = [await rig.recorder.frame(newest - n * FRAME) for n in (40, 39, 38)]
    shown = [counter_in(picture.jpeg) for picture in pictures]
    assert shown == [shown[0], shown[0] + 1, shown[0] + 2]
    near = [await rig.recorder.frame(newest - n * FRAME, exact=False) for n in range(5)]
    assert {counter_in(picture.jpeg) % 30 for picture in near} == {0}
    assert any(picture.approximate for picture in near)


async def test_a_filmstrip_spans_the_buffer_in_order(rig: Rig) -> None:
    """Small keyframes from the oldest to the newest."""
    strip = await rig.recorder.filmstrip(3, 160)
    labels = [picture.label for picture in strip]
    assert labels == sorted(labels)
    assert len(strip) == 3
    assert {picture.width for picture in strip} == {160}


async def test_what_a_replay_shows_becomes_a_clip_though_the_buffer_moved_on(tmp_path: Path) -> None:
    """Somebody looks at a moment for longer than the buffer is long, then saves exactly that moment."""
    async with running_recorder(
        "synthetic?size=320x240&fps=30&gop_s=1", tmp_path, BufferSettings(seconds=2)
    ) as rig:
        await rig.buffered(2)
        replay = await rig.recorder.replay(None, None)
        seen = counters_of(replay.path)
        start, end = replay.start_time + 10 * FRAME, replay.start_time + 40 * FRAME
        later = replay.end_time + timedelta(seconds=3.5)
        await rig.until(lambda: (rig.recorder.status().buffer.newest_frame or later) > later, 30)
        gone = RecordRequest(rig.new_id(), start=start, end=end)
        with pytest.raises(SpanOutsideBuffer):
            await rig.recorder.record(gone)
        request = RecordRequest(rig.new_id(), start=start, end=end, replay=replay.token)
        started = await rig.recorder.record(request)
        await rig.recorder.acknowledge(request.recording_id)
        assert started.finished is not None
        assert counters_of(started.finished.path) == seen[10:40]
        await rig.recorder.close_replay(replay.token)
        with pytest.raises(SpanOutsideBuffer, match="gone"):
            await rig.recorder.record(RecordRequest(rig.new_id(), start=start, end=end, replay=replay.token))


async def test_a_replay_whose_frames_were_let_go_plays_on_and_is_saved_from_the_buffer(
    tmp_path: Path,
) -> None:
    """Other replays needed its memory: the file stays, and what the buffer still holds becomes a clip."""
    async with running_recorder(
        "synthetic?size=320x240&fps=30&gop_s=1", tmp_path, BufferSettings(seconds=2)
    ) as rig:
        await rig.buffered(2)
        replay = await rig.recorder.replay(None, None)
        await rig.until(lambda: rig.recorder.status().buffer.pinned_bytes > 0)
        most = BufferSettings(seconds=2, max_bytes=4 * rig.recorder.status().buffer.pinned_bytes - 4)
        await rig.recorder.adjust(replace(rig.recorder.settings, buffer=most))
        status = rig.recorder.status()
        assert (status.buffer.pinned_bytes, status.counters.pins_let_go) == (0, 1)
        seen = counters_of(replay.path)
        start, end = replay.start_time + timedelta(microseconds=replay.offsets_us[-5]), replay.end_time
        request = RecordRequest(rig.new_id(), start=start, end=end, replay=replay.token)
        started = await rig.recorder.record(request)
        await rig.recorder.acknowledge(request.recording_id)
        assert started.finished is not None
        assert counters_of(started.finished.path) == seen[-5:]
        left = RecordRequest(rig.new_id(), start=replay.start_time, end=end, replay=replay.token)
        with pytest.raises(SpanOutsideBuffer, match="memory"):
            await rig.recorder.record(left)


async def test_a_replay_tells_the_label_of_every_frame(rig: Rig) -> None:
    """Asked for by that label it is that frame, and a microsecond before it still the one before."""
    replay = await rig.recorder.replay(None, None)
    counters = counters_of(replay.path)
    assert len(replay.offsets_us) == replay.frame_count == len(counters)
    listed = rig.recorder.frames(replay.start_time, replay.end_time, 2000)
    labels = [replay.start_time + timedelta(microseconds=offset_us) for offset_us in replay.offsets_us]
    assert (tuple(labels), listed.offsets_us) == (listed.labels, replay.offsets_us)
    assert (listed.start_time, listed.end_time) == (replay.start_time, replay.end_time)
    for index in (-1, -7, -20):
        pictures = [await rig.recorder.frame(labels[index] - n * timedelta(microseconds=1)) for n in (0, 1)]
        assert [counter_in(picture.jpeg) for picture in pictures] == [counters[index], counters[index - 1]]
    await rig.recorder.close_replay(replay.token)


async def test_a_replay_for_players_that_ignore_edit_lists_begins_at_a_keyframe(rig: Rig) -> None:
    """It shows more before the span instead of hiding it, and says so in its labels."""
    newest = rig.recorder.status().buffer.newest_frame
    assert newest is not None
    shown = counter_in((await rig.recorder.frame(newest)).jpeg)
    start = newest - (shown % 30 + 20) * FRAME
    exact = await rig.recorder.replay(start, newest)
    whole = await rig.recorder.replay(start, newest, from_keyframe=True)
    exact_times = await asyncio.to_thread(read_frame_times, exact.path)
    whole_times = await asyncio.to_thread(read_frame_times, whole.path)
    assert (exact_times.hides_pictures, whole_times.hides_pictures) == (True, False)
    counters, exact_counters = counters_of(whole.path), counters_of(exact.path)
    hidden = exact_counters[0] % 30
    assert hidden > 5
    assert (counters[0] % 30, counters[hidden:]) == (0, exact_counters)
    assert exact.media_start_s == pytest.approx(hidden / 30, abs=0.005)
    assert whole.media_start_s == 0
    assert len(whole.offsets_us) == whole.frame_count == len(counters)
    assert whole.start_time + timedelta(microseconds=whole.offsets_us[hidden]) == exact.start_time
    for replay in (exact, whole):
        await rig.recorder.close_replay(replay.token)


async def test_a_replay_holds_the_asked_frames_and_counts_in_the_bound(rig: Rig) -> None:
    """At most a few at once; a closed one leaves no file."""
    newest = rig.recorder.status().buffer.newest_frame
    assert newest is not None
    replays = [await rig.recorder.replay(newest - timedelta(seconds=1), newest) for _ in range(MOST_REPLAYS)]
    counters = counters_of(replays[0].path)
    assert counters == list(range(counters[0], counters[0] + 30))
    assert replays[0].duration_s == 1.0
    with pytest.raises(Busy):
        await rig.recorder.replay(None, None)
    for replay in replays:
        await rig.recorder.close_replay(replay.token)
    assert not any(replay.path.exists() for replay in replays)


async def test_a_live_viewer_gets_a_playable_stream_with_labels(rig: Rig) -> None:
    """Init segment, a keyframe first, then every frame; each fragment carries the label of its picture."""
    data = io.BytesIO()
    chunks: list[LiveChunk] = []
    async with rig.recorder.subscribe() as viewer:
        async for message in viewer:
            if isinstance(message, LiveInit):
                assert message.codec_string.startswith("avc1.")
                data.write(message.init_segment)
            elif isinstance(message, LiveChunk):
                chunks.append(message)
                data.write(message.data)
            if len(chunks) == 45:
                break
    assert chunks[0].is_keyframe
    data.seek(0)
    with av.open(data, "r") as container:
        shown = [read_counter(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    assert shown[0] is not None
    assert shown == list(range(shown[0], shown[0] + len(shown)))
    seen_s = (chunks[-1].label - chunks[0].label).total_seconds()
    assert seen_s == pytest.approx(chunks[-1].media_time_s - chunks[0].media_time_s, abs=1e-4)


async def test_a_second_viewer_begins_at_once_with_the_current_gop(rig: Rig) -> None:
    """Both share the fragments of one muxer."""
    async with rig.recorder.subscribe() as first, rig.recorder.subscribe() as second:
        firsts = {}
        for name, viewer in (("first", first), ("second", second)):
            async for message in viewer:
                if isinstance(message, LiveChunk):
                    firsts[name] = message
                    break
        assert firsts["second"].is_keyframe
        assert rig.recorder.status().viewers == 2
    assert rig.recorder.status().viewers == 0


async def test_status_speaks_of_the_camera_and_its_buffer(rig: Rig) -> None:
    """Live, with codec, size and rate, and nothing lost."""
    status = rig.recorder.status()
    assert status.state is StreamState.LIVE
    assert (status.codec, status.width, status.height) == ("h264", 320, 240)
    assert status.fps == pytest.approx(30, abs=1)
    assert status.counters.recording_units_lost == 0
    assert status.recordings == 0


async def test_a_look_back_of_a_few_frames_begins_where_the_answer_says(tmp_path: Path) -> None:
    """With B-frames the first frame of the span may still be on its way when Record is pressed."""
    async with running_recorder("synthetic?size=320x240&fps=30&gop_s=1&bframes=3", tmp_path) as rig:
        await rig.buffered(1)
        for n in range(12):
            request = RecordRequest(rig.new_id(), before_s=0.02 * (n % 4), after_s=0.15)
            started = await rig.recorder.record(request)
            await rig.recorder.acknowledge(request.recording_id)
            clip = await rig.until(partial(rig.finished, request.recording_id))
            assert clip.start_time == started.start_time


async def test_closing_leaves_a_recording_for_the_next_start(tmp_path: Path) -> None:
    """A clean stop is not special: the part file is synced and finishes later, from the file alone."""
    async with running_recorder("synthetic?size=320x240", tmp_path) as rig:
        await rig.buffered(1)
        request = RecordRequest(rig.new_id(), before_s=1.0, after_s=None)
        await rig.recorder.record(request)
        await rig.recorder.acknowledge(request.recording_id)
        await rig.until(lambda: rig.recorder.status().buffer.held_s > 2.5 or None)
    clip = await asyncio.to_thread(finish_part, ClipFiles(tmp_path / "clips", request.recording_id))
    counters = counters_of(clip.path)
    assert counters == list(range(counters[0], counters[0] + clip.frame_count))
    assert clip.duration_s > 1.0


async def test_a_step_of_the_wall_clock_moves_labels_and_no_frame(tmp_path: Path) -> None:
    """Set by an hour in the middle of a recording: same frames, same length, labels by the new time."""
    async with running_recorder("synthetic?size=320x240", tmp_path) as rig:
        await rig.buffered(2)
        before = rig.recorder.status().buffer
        request = RecordRequest(rig.new_id(), before_s=1.0, after_s=1.5)
        started = await rig.recorder.record(request)
        await rig.recorder.acknowledge(request.recording_id)
        rig.clock.step_ns = 3_600_000_000_000
        assert rig.labels.check() == pytest.approx(3600, abs=0.1)
        clip = await rig.until(lambda: rig.finished(request.recording_id))
        after = rig.recorder.status().buffer
    counters = counters_of(clip.path)
    assert counters == list(range(counters[0], counters[0] + 75))
    assert (clip.duration_s, clip.gaps) == (2.5, ())
    assert clip.start_time - started.start_time == pytest.approx(
        timedelta(hours=1), abs=timedelta(seconds=0.1)
    )
    finished = next(event for event in rig.events if isinstance(event, RecordingFinished))
    assert finished.clock is ClockState.STEPPED
    assert before.oldest_frame is not None
    assert after.oldest_frame is not None
    assert after.oldest_frame - before.oldest_frame > timedelta(minutes=59)
    assert after.held_s > before.held_s
