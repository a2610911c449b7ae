"""Sound from a real RTSP camera: a click and a white flash in the same moment, once a second.

Measured in the finished clips, both decoded: how far each click is from its flash.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

import av
import pytest

from recorder.base.values import FinishedClip, RecordRequest, StreamState
from recorder.bitstream.access_unit import Codec
from tests.support.cameras.films import write_flash_film
from tests.support.cameras.http_camera import FilmStream, HttpCamera
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import Behaviour, RtspCamera
from tests.support.cameras.sound import clicks_s, flashes_s, heard_s, offsets_s
from tests.support.components import require_rtsp_server
from tests.support.recorder_rig import Rig, running_recorder

pytestmark = [
    pytest.mark.real_time(
        "a camera that is kept waiting reports wrong clocks, and FFmpeg moves pictures by them"
    ),
    pytest.mark.slow("cameras with sound, in real time"),
]

FLASHING = Material(width=320, height=180, frames=600, flash=True)
PROMISED_S = 0.020


def check_in_sync(clip: FinishedClip, least: int) -> None:
    """Every click is at its flash, and the sound is as long as the pictures."""
    offsets = offsets_s(clip.path)
    assert len(offsets) >= least
    assert max(abs(offset) for offset in offsets) <= PROMISED_S
    begin_s, end_s = heard_s(clip.path)
    assert begin_s == pytest.approx(0, abs=0.001)
    assert clip.duration_s - 0.2 < end_s < clip.duration_s + 0.05
    with av.open(str(clip.path)) as container:
        assert container.duration == pytest.approx(clip.duration_s * 1e6, abs=100)


def check_pictures(clip: FinishedClip) -> None:
    """The pictures are as they would be without sound: one a thirtieth of a second, none missing."""
    assert clip.duration_s == pytest.approx(clip.frame_count / 30, abs=1e-4)
    with av.open(str(clip.path)) as container:
        times = [frame.pts for frame in container.decode(video=0)]
    assert times == [3000 * number for number in range(clip.frame_count)]
    flashes = flashes_s(clip.path)
    assert len(flashes) >= int(clip.duration_s)
    assert [round(30 * (flash - flashes[0])) for flash in flashes] == [30 * n for n in range(len(flashes))]


async def with_sound(rig: Rig) -> None:
    await rig.until(lambda: rig.recorder.status().audio_codec, 15)


@pytest.mark.parametrize(
    ("sound", "gop", "bframes"),
    [("aac", 30, 0), ("aac", 300, 3), ("pcma", 300, 0), ("pcmu", 30, 3)],
)
async def test_a_click_is_heard_with_its_flash(tmp_path: Path, sound: str, gop: int, bframes: int) -> None:
    """From the buffer at once and by the part file, whatever the GOPs; the pictures are exact as ever."""
    require_rtsp_server()
    with RtspCamera(replace(FLASHING, gop=gop, bframes=bframes), Behaviour(sound=sound)) as camera:
        async with running_recorder(camera.url(), tmp_path) as rig:
            await rig.buffered(6)
            await with_sound(rig)
            for clip in (
                await rig.clip(before_s=4.37, after_s=0.0),
                await rig.clip(before_s=2.3, after_s=1.21),
            ):
                assert clip.audio_codec == "aac"
                check_in_sync(clip, 3)
                check_pictures(clip)
            counters = rig.recorder.status().counters
            assert (counters.sound_frames_lost, counters.sound_failures) == (0, 0)


@pytest.mark.parametrize(
    ("name", "sound", "video"),
    [("film.mp4", "aac", "libx264"), ("film.mov", "pcm_alaw", "mjpeg"), ("film.ts", "aac", "libx264")],
    ids=["file", "file of JPEGs and G.711", "HTTP"],
)
async def test_films_and_transport_streams_are_heard(
    tmp_path: Path, name: str, sound: str, video: str
) -> None:
    """A file that goes round in the middle of the clip, and a camera that sends MPEG-TS over HTTP."""
    path, over_http = tmp_path / name, name.endswith(".ts")
    rate_hz = 8_000 if sound == "pcm_alaw" else 48_000
    write_flash_film(path, sound, frames=600 if over_http else 108, rate_hz=rate_hz, video=video)
    with HttpCamera(FilmStream(path, 20.0)) as camera:
        async with running_recorder(camera.url() if over_http else f"file:{path}", tmp_path) as rig:
            await rig.buffered(4.5)
            clip = await rig.clip(before_s=4.0, after_s=0.5)
            counters = rig.recorder.status().counters
    assert clip.audio_codec == "aac"
    assert len(offsets := offsets_s(clip.path)) >= 3
    assert max(abs(offset) for offset in offsets) <= PROMISED_S
    assert heard_s(clip.path) == pytest.approx((0, clip.duration_s), abs=0.2)
    assert (counters.sound_frames_lost, counters.sound_failures) == (0, 0)


async def test_sound_still_fits_after_an_outage(tmp_path: Path) -> None:
    """The camera dies and comes back during the recording: silence as long as the held picture."""
    require_rtsp_server()
    with RtspCamera(FLASHING, Behaviour(sound="aac")) as camera:
        async with running_recorder(camera.url(), tmp_path) as rig:
            await with_sound(rig)
            await rig.buffered(4)
            request = RecordRequest(rig.new_id(), before_s=3.0, after_s=None)
            await rig.recorder.record(request)
            await rig.recorder.acknowledge(request.recording_id)
            await asyncio.to_thread(camera.kill)
            await rig.until(lambda: rig.recorder.status().state is StreamState.RECONNECTING)
            await asyncio.to_thread(camera.start)
            await rig.until(lambda: rig.recorder.status().state is StreamState.LIVE)
            heard = rig.recorder.status().counters.sound_frames
            await rig.until(lambda: rig.recorder.status().counters.sound_frames > heard + 150)
            await rig.recorder.stop(request.recording_id)
            clip = await rig.until(lambda: rig.finished(request.recording_id))
    assert len(clip.gaps) == 1
    gap_begins_s = (clip.gaps[0].start - clip.start_time).total_seconds()
    gap_ends_s = (clip.gaps[0].end - clip.start_time).total_seconds()
    clicks = clicks_s(clip.path)
    assert any(click < gap_begins_s for click in clicks)
    assert sum(click > gap_ends_s for click in clicks) >= 2
    check_in_sync(clip, 4)


@pytest.mark.parametrize("sound", ["aac", "pcma"])
async def test_sound_that_stops_midway_costs_no_picture(tmp_path: Path, sound: str) -> None:
    """The clip goes on, and its sound ends where the camera's did."""
    require_rtsp_server()
    with RtspCamera(FLASHING, Behaviour(sound=sound, sound_stops_s=5.0)) as camera:
        async with running_recorder(camera.url(), tmp_path) as rig:
            await rig.buffered(8)
            clip = await rig.clip(before_s=7.0, after_s=0.5)
            check_pictures(clip)
            assert clip.audio_codec == "aac"
            assert heard_s(clip.path)[1] < clip.duration_s - 2
            assert max(abs(offset) for offset in offsets_s(clip.path)) <= PROMISED_S
            assert rig.recorder.status().counters.reconnects == 0


async def test_sound_that_turns_to_garbage_costs_no_picture(tmp_path: Path) -> None:
    """What no decoder takes is left out and counted, for a browser would stop the whole clip at it."""
    require_rtsp_server()
    with RtspCamera(FLASHING, Behaviour(sound="aac", sound_garbage_s=5.0)) as camera:
        async with running_recorder(camera.url(), tmp_path) as rig:
            await rig.until(lambda: rig.recorder.status().counters.sound_frames_lost > 50)
            clip = await rig.clip(before_s=8.0, after_s=0.5)
            check_pictures(clip)
            assert rig.recorder.status().counters.reconnects == 0
            assert max(abs(offset) for offset in offsets_s(clip.path)[:2]) <= PROMISED_S
            with av.open(str(clip.path)) as container:
                assert all(frame.samples for frame in container.decode(audio=0))


@pytest.mark.parametrize(
    ("behaviour", "audio"),
    [(Behaviour(), True), (Behaviour(sound="aac"), False)],
    ids=["a camera without sound", "audio: false"],
)
async def test_without_sound_a_clip_has_no_track(tmp_path: Path, behaviour: Behaviour, audio: bool) -> None:
    """And nothing is counted as failed."""
    require_rtsp_server()
    with RtspCamera(FLASHING, behaviour) as camera:
        async with running_recorder(camera.url(), tmp_path, audio=audio) as rig:
            await rig.buffered(5)
            clip = await rig.clip(before_s=2.0, after_s=0.0)
            status = rig.recorder.status()
    assert (clip.audio_codec, status.audio_codec) == (None, None)
    assert (status.counters.sound_frames, status.counters.sound_failures) == (0, 0)
    with av.open(str(clip.path)) as container:
        assert not container.streams.audio


async def test_sound_counts_in_the_bytes_of_the_buffer(tmp_path: Path) -> None:
    """What is held is what is told."""
    require_rtsp_server()
    with RtspCamera(FLASHING, Behaviour(sound="aac")) as camera:
        async with running_recorder(camera.url(), tmp_path) as rig:
            await with_sound(rig)
            await rig.buffered(6)
            status = rig.recorder.status()
            assert status.buffer.held_bytes > status.counters.bytes
            replay = await rig.recorder.replay(None, None)
            assert max(abs(offset) for offset in offsets_s(replay.path)) <= PROMISED_S
            await rig.recorder.close_replay(replay.token)


@pytest.mark.parametrize("codec", [Codec.H265, Codec.MJPEG])
async def test_a_clip_that_is_transcoded_has_its_sound(tmp_path: Path, codec: Codec) -> None:
    """The pictures are encoded anew while the recording runs; the sound goes along as it is."""
    require_rtsp_server()
    with RtspCamera(replace(FLASHING, codec=codec), Behaviour(sound="aac")) as camera:
        async with running_recorder(camera.url(), tmp_path) as rig:
            await rig.buffered(5)
            await with_sound(rig)
            check_in_sync(await rig.clip(before_s=2.3, after_s=1.7), 3)
