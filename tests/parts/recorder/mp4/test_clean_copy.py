"""The clean form shows what the clip shows and holds nothing else: by equality of decoded counters."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import PictureType

from recorder.base.errors import FinishFailed
from recorder.base.media_time import TICKS_PER_S, ns_of
from recorder.bitstream import h264
from recorder.bitstream.aac import format_of, silence
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.audio_unit import AudioUnit
from recorder.bitstream.self_contained import self_contained
from recorder.mp4 import clean_copy
from recorder.mp4.clean_copy import CleanKind, CleanOrder, CleanResult, write_clean_copy
from recorder.mp4.finished_file import FinishedFile
from recorder.mp4.muxer import write_mp4
from recorder.sources.test_picture.test_card import draw_counter
from tests.support.media import (
    HEIGHT,
    NS_PER_S,
    WIDTH,
    Camera,
    counter_in,
    counter_times,
    joined,
    play,
    units_of,
)

START_NS = 5 * NS_PER_S
MONO = format_of(bytes.fromhex("1188"))
"""AAC-LC, 48 kHz, one channel."""


def clip_of(
    source: Path, camera: Camera, units: list[AccessUnit], first: int, after_last: int, rotation_deg: int = 0
) -> None:
    """A finished clip of the counters `first` ≤ n < `after_last`."""
    start_ns, end_ns = counter_times(START_NS, camera.fps, (first, after_last))
    write_mp4(source, units, start_ns, end_ns, rotation_deg=rotation_deg)


def cleaned(source: Path) -> tuple[CleanResult, Path]:
    """The clean form of a clip, beside it; the clip itself where that is clean."""
    out = source.with_name("clean.mp4")
    result = write_clean_copy(CleanOrder(source, out), lambda _: None)
    assert out.exists() == (result.cut is not None)
    return result, out if out.exists() else source


def decodable(path: Path) -> list[int]:
    """Every counter a player shows that ignores edit lists (`ffmpeg -ignore_editlist 1`)."""
    with av.open(str(path), "r", options={"ignore_editlist": "1"}) as container:
        return [
            counter_in(frame.to_ndarray(format="bgr24").astype("uint8", copy=False))
            for frame in container.decode(container.streams.video[0])
        ]


def assert_clean(path: Path, first: int, after_last: int, camera: Camera) -> None:
    """Exactly these counters at their times, whether the player honours edit lists or not."""
    count, wanted = after_last - first, list(range(first, after_last))
    played = play(path)
    assert list(played.counters) == wanted
    assert played.times_s == tuple(index / camera.fps for index in range(count))
    assert played.stream_s == count / camera.fps
    assert decodable(path) == wanted


@pytest.mark.parametrize("bframes", [0, 3])
@pytest.mark.parametrize("gop_s", [1, 2, 10])
def test_nothing_hidden_is_left_at_any_gop(tmp_path: Path, gop_s: int, bframes: int) -> None:
    """Start and end inside a GOP, on its border, one single frame, and more than two GOPs."""
    camera = Camera(gop=30 * gop_s, bframes=bframes)
    units = units_of(camera, 330)
    for first, after_last in [(17, 77), (123, 124), (17, 310), (0, 90), (30, 61), (299, 301)]:
        clip_of(tmp_path / "clip.mp4", camera, units, first, after_last)
        _, path = cleaned(tmp_path / "clip.mp4")
        assert_clean(path, first, after_last, camera)
        path.unlink()


@pytest.mark.parametrize("bframes", [3])
def test_every_start_and_end_within_a_b_pyramid_is_clean(tmp_path: Path, bframes: int) -> None:
    """Wherever the end falls, what was behind it does not travel either."""
    camera = Camera(gop=30, bframes=bframes)
    units = units_of(camera, 120)
    for offset in range(5):
        clip_of(tmp_path / "clip.mp4", camera, units, 26 + offset, 80 + offset)
        result, path = cleaned(tmp_path / "clip.mp4")
        assert result.kind is CleanKind.JOINED
        assert_clean(path, 26 + offset, 80 + offset, camera)


def test_only_what_hangs_on_hidden_pictures_is_encoded(tmp_path: Path) -> None:
    """The rest of the first GOP; every later picture is the camera's own, byte for byte."""
    camera = Camera(gop=30)
    start_ns, end_ns = counter_times(START_NS, camera.fps, (17, 110))
    lead_in_s = write_mp4(tmp_path / "clip.mp4", units_of(camera, 120), start_ns, end_ns).lead_in_s
    assert lead_in_s == pytest.approx(17 / 30, abs=1e-4)
    result, path = cleaned(tmp_path / "clip.mp4")
    assert (result.kind, result.encoded) == (CleanKind.JOINED, 13)
    with FinishedFile(tmp_path / "clip.mp4") as original, FinishedFile(path) as clean:
        theirs = [original.data(index) for index in range(30, len(original.video.samples))]
        assert [clean.data(index) for index in range(13, len(clean.video.samples))] == theirs
        assert len(theirs) == 80


def test_a_clip_that_hides_nothing_is_left_as_it_is(tmp_path: Path) -> None:
    """No second copy of a file that is clean already."""
    camera = Camera(gop=30)
    clip_of(tmp_path / "clip.mp4", camera, units_of(camera, 60), 30, 60)
    result, path = cleaned(tmp_path / "clip.mp4")
    assert (result.kind, path.name) == (CleanKind.AS_IT_IS, "clip.mp4")


@pytest.mark.parametrize("size", [(318, 46), (322, 34)])
def test_sizes_that_are_no_whole_blocks_are_joined_too(tmp_path: Path, size: tuple[int, int]) -> None:
    """Cropped like the camera's own pictures."""
    camera = Camera(gop=30, bframes=2, width=size[0], height=size[1])
    start_ns, end_ns = counter_times(START_NS, camera.fps, (10, 50))
    write_mp4(tmp_path / "clip.mp4", units_of(camera, 60), start_ns, end_ns)
    result, path = cleaned(tmp_path / "clip.mp4")
    assert result.kind is CleanKind.JOINED
    with av.open(str(path)) as container:
        frames = list(container.decode(container.streams.video[0]))
    assert {(frame.width, frame.height) for frame in frames} == {size}
    assert len(frames) == 40


def test_parameter_sets_that_cannot_share_a_file_make_it_encode_everything(tmp_path: Path) -> None:
    """A camera that numbers a set like the encoder would, in the middle of the stream."""
    camera = Camera(gop=30)
    units = units_of(camera, 90)
    other = renumbered_sets(units[60].epoch.parameter_sets)
    units[60] = replace(units[60], data=other + units[60].data)
    clip_of(tmp_path / "clip.mp4", camera, units, 10, 80)
    result, path = cleaned(tmp_path / "clip.mp4")
    assert (result.kind, result.encoded) == (CleanKind.ENCODED, 70)
    assert_clean(path, 10, 80, camera)


def renumbered_sets(sets: bytes) -> bytes:
    """A PPS of number 1, which the encoder's sets would get: `ue(0)` is the bit 1, `ue(1)` the bits 010."""
    return b"\x00\x00\x00\x01\x68\x5f" if sets else b""


def odd_units(pix_fmt: str, profile: str, parameters: str) -> list[AccessUnit]:
    """Ninety pictures of an unusual camera, a keyframe every second."""
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, pix_fmt
    codec.time_base, codec.framerate = Fraction(1, 30), Fraction(30)
    codec.color_range = 2 if pix_fmt == "yuvj420p" else 1
    params = f"keyint=30:min-keyint=30:scenecut=0:bframes=2:b-adapt=0:{parameters}"
    codec.options = {"preset": "superfast", "profile": profile, "x264-params": params}
    packets = []
    for index in range(90):
        picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        draw_counter(picture, index)
        frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format=pix_fmt)
        frame.pts, frame.pict_type = index, PictureType.NONE
        packets += codec.encode(frame)
    packets += codec.encode(None)
    sets = h264.parameter_sets(bytes(packets[0]))
    assert sets is not None
    epoch, frame_ns = Epoch(Codec.H264, WIDTH, HEIGHT, sets), Fraction(NS_PER_S, 30)
    units = []
    for sequence, packet in enumerate(packets):
        pts_ns, dts_ns = (START_NS + round((time or 0) * frame_ns) for time in (packet.pts, packet.dts))
        data, length_ns = bytes(packet), round(frame_ns)
        key = h264.starts_decoding(data)
        units.append(AccessUnit(sequence, 0, epoch, key, pts_ns, dts_ns, length_ns, data))
    return units


@pytest.mark.parametrize(
    ("pix_fmt", "profile", "parameters", "kind"),
    [
        ("yuvj420p", "high", "", CleanKind.JOINED),
        ("yuv420p", "main", "sar=4/3", CleanKind.JOINED),
        ("yuv420p", "high", "open-gop=1", CleanKind.ENCODED),
        ("yuv420p", "high", "interlaced=1", CleanKind.ENCODED),
        ("yuv422p", "high422", "", CleanKind.ENCODED),
    ],
)
def test_unusual_cameras_are_joined_where_that_is_safe(
    tmp_path: Path, pix_fmt: str, profile: str, parameters: str, kind: CleanKind
) -> None:
    """Range and pixel shape stay the camera's; other kinds of pictures are encoded as a whole."""
    start_ns, end_ns = counter_times(START_NS, Fraction(30), (10, 80))
    write_mp4(tmp_path / "clip.mp4", odd_units(pix_fmt, profile, parameters), start_ns, end_ns)
    result, path = cleaned(tmp_path / "clip.mp4")
    assert result.kind is kind
    assert decodable(path) == list(range(10, 80))
    if kind is CleanKind.JOINED:
        with av.open(str(path)) as container:
            shown = {
                (frame.color_range, frame.format.name)
                for frame in container.decode(container.streams.video[0])
            }
            assert len(shown) == 1
        with FinishedFile(path) as clean:
            nals = h264.split_nal_units(clean.parameter_sets)
            facts = {h264.sps_facts(nal) for nal in nals if h264.nal_type(nal) == h264.NAL_SPS}
        assert len({(fact.aspect, fact.profile, fact.size) for fact in facts}) == 1


def test_an_outage_in_the_clip_is_still_held(tmp_path: Path) -> None:
    """Times come from the clip, so the last frame before the outage stays as long as it did."""
    camera = Camera(gop=30, bframes=2)
    second_ns = START_NS + 7 * NS_PER_S
    units = joined(units_of(camera, 40), units_of(camera, 40, first=500, start_ns=second_ns))
    start_ns = counter_times(START_NS, camera.fps, [10])[0]
    write_mp4(tmp_path / "clip.mp4", units, start_ns, second_ns + NS_PER_S)
    before = play(tmp_path / "clip.mp4")
    _, path = cleaned(tmp_path / "clip.mp4")
    after = play(path)
    assert (after.counters, after.times_s) == (before.counters, before.times_s)
    assert decodable(path) == [*range(10, 40), *range(500, 530)]


def test_a_turned_clip_stays_turned(tmp_path: Path) -> None:
    """The matrix travels with it."""
    camera = Camera(gop=30)
    clip_of(tmp_path / "clip.mp4", camera, units_of(camera, 60), 5, 50, rotation_deg=90)
    _, path = cleaned(tmp_path / "clip.mp4")
    with FinishedFile(path) as clean:
        assert clean.video.rotation_deg == 90


@pytest.mark.parametrize("bframes", [0, 2])
def test_sound_stays_in_its_place_and_nothing_is_heard_from_before(tmp_path: Path, bframes: int) -> None:
    """The same frames at the same times; the one that only helps to decode the first is silence now."""
    camera = Camera(gop=30, bframes=bframes)
    start_ns, end_ns = counter_times(START_NS, camera.fps, (10, 80))
    frames = range(round((end_ns - START_NS) / MONO.frame_ns) + 2)
    sound = [
        AudioUnit(n, MONO, START_NS + n * MONO.frame_ns, silence(MONO)[:-1] + bytes([n % 250, 0x80]))
        for n in frames
    ]
    write_mp4(tmp_path / "clip.mp4", units_of(camera, 90), start_ns, end_ns, sound=sound)
    _, path = cleaned(tmp_path / "clip.mp4")
    with FinishedFile(tmp_path / "clip.mp4") as original, FinishedFile(path) as clean:
        before, after = original.clean_sound(), clean.clean_sound()
        assert before is not None
        assert after is not None
        length_ns = ns_of(original.video.length)
        theirs = list(before.before(length_ns))
        assert list(after.before(length_ns)) == theirs
        assert theirs[0].data == silence(MONO)
        assert -1024 < theirs[1].pts <= 0
    with av.open(str(path)) as container:
        lengths_s = [(stream.duration or 0) * (stream.time_base or 0) for stream in container.streams]
    assert [float(length_s) for length_s in lengths_s] == pytest.approx([70 / 30, 70 / 30], abs=0.03)


def sounding(frames: int, late_from: int | None = None) -> list[AudioUnit]:
    """Frames that differ from silence; from `late_from` on, labelled 13 ms before they are played."""
    return [
        AudioUnit(
            n,
            MONO,
            START_NS + n * MONO.frame_ns - (0 if late_from is None or n < late_from else 13_000_000),
            silence(MONO)[:-1] + bytes([n % 250, 0x80]),
        )
        for n in range(frames)
    ]


def foreign_sound(path: Path) -> list[int]:
    """The times, in samples, of sound frames that lie wholly before or behind the pictures."""
    with FinishedFile(path) as clip:
        assert clip.sound is not None
        length = clip.video.length * clip.sound.time_scale // TICKS_PER_S
        units = zip(clip.sound.samples.pts, clip.sound.samples.offsets, clip.sound.samples.sizes, strict=True)
        data = path.read_bytes()
        return [
            pts
            for pts, offset, size in units
            if (pts + 1024 <= 0 or pts >= length) and data[offset : offset + size] != silence(MONO)
        ]


def test_a_clip_that_hides_only_sound_is_cleaned_of_it_and_encodes_nothing(tmp_path: Path) -> None:
    """It begins at a keyframe and ends before another: every picture stays the camera's own."""
    camera = Camera(gop=30)
    start_ns, end_ns = counter_times(START_NS, camera.fps, (30, 60))
    write_mp4(tmp_path / "clip.mp4", units_of(camera, 90), start_ns, end_ns, sound=sounding(100))
    assert foreign_sound(tmp_path / "clip.mp4")
    result, path = cleaned(tmp_path / "clip.mp4")
    assert (result.kind, result.encoded) == (CleanKind.JOINED, 0)
    assert foreign_sound(path) == []
    assert_clean(path, 30, 60, camera)
    with FinishedFile(tmp_path / "clip.mp4") as original, FinishedFile(path) as clean:
        pairs = [(clean.data(n), original.data(n)) for n in range(30)]
    assert all(h264.split_nal_units(new) == h264.split_nal_units(old) for new, old in pairs)


def test_no_sound_from_behind_the_end_travels(tmp_path: Path) -> None:
    """A frame that was played late begins behind the end; the one that straddles it stays."""
    camera = Camera(gop=30)
    start_ns, end_ns = counter_times(START_NS, camera.fps, (30, 79))
    late = [unit for unit in sounding(140, late_from=122) if unit.pts_ns >= start_ns]
    write_mp4(tmp_path / "clip.mp4", units_of(camera, 90), start_ns, end_ns, sound=late)
    assert min(foreign_sound(tmp_path / "clip.mp4")) > 0
    _, path = cleaned(tmp_path / "clip.mp4")
    assert foreign_sound(path) == []
    with FinishedFile(path) as clean:
        assert clean.sound is not None
        last_s = clean.sound.samples.pts[-1] / clean.sound.time_scale
        assert last_s < 49 / 30 <= last_s + 1024 / clean.sound.time_scale


def test_a_clean_form_that_would_still_hide_something_is_not_handed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong in the making, the finished file is looked at; there is none then."""
    camera = Camera(gop=30)
    clip_of(tmp_path / "clip.mp4", camera, units_of(camera, 60), 10, 40)
    monkeypatch.setattr(clean_copy._CopyWriter, "write", lambda self, out: copied(tmp_path / "clip.mp4", out))
    with pytest.raises(FinishFailed, match="still hides"):
        cleaned(tmp_path / "clip.mp4")
    assert not (tmp_path / "clean.mp4").exists()


def copied(source: Path, out: Path) -> CleanResult:
    """A writer that leaves everything in."""
    out.write_bytes(source.read_bytes())
    return CleanResult(CleanKind.JOINED)


def test_a_file_that_is_no_clip_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """Cut off, or something else altogether."""
    camera = Camera(gop=30)
    clip_of(tmp_path / "clip.mp4", camera, units_of(camera, 60), 5, 50)
    whole = (tmp_path / "clip.mp4").read_bytes()
    for damaged in (b"", b"\x00" * 64, whole[:900], whole[: len(whole) - 400]):
        (tmp_path / "clip.mp4").write_bytes(damaged)
        with pytest.raises(FinishFailed):
            cleaned(tmp_path / "clip.mp4")
        assert not (tmp_path / "clean.mp4").exists()
    with pytest.raises(FinishFailed, match="No such file"):
        write_clean_copy(CleanOrder(tmp_path / "none.mp4", tmp_path / "clean.mp4"), lambda _: None)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_other_rates_are_exact_too(tmp_path: Path, fps: Fraction) -> None:
    """Ticks go to nanoseconds and back without a change."""
    camera = Camera(fps=fps, gop=20, bframes=2)
    clip_of(tmp_path / "clip.mp4", camera, units_of(camera, 100), 33, 91)
    _, path = cleaned(tmp_path / "clip.mp4")
    assert play(path).times_s == play(tmp_path / "clip.mp4").times_s
    assert decodable(path) == list(range(33, 91))


def test_frames_of_different_lengths_are_joined_too(tmp_path: Path) -> None:
    """Head and tail, each encoded, share a track, though the first frame of each has a length of its own."""
    camera = Camera(gop=30, bframes=2)
    units = units_of(camera, 120)
    uneven = [replace(unit, pts_ns=_uneven(unit.pts_ns), dts_ns=_uneven(unit.dts_ns)) for unit in units]
    first, after_last = 17, 80
    start_ns, end_ns = map(_uneven, counter_times(START_NS, camera.fps, (first, after_last)))
    write_mp4(tmp_path / "clip.mp4", uneven, start_ns, end_ns)
    result, path = cleaned(tmp_path / "clip.mp4")
    assert result.kind is CleanKind.JOINED
    assert result.encoded > 30 - first
    assert play(path).times_s == play(tmp_path / "clip.mp4").times_s
    assert decodable(path) == list(range(first, after_last))


def _uneven(time_ns: int) -> int:
    """Later the further from the start: each frame lasts longer than the one before."""
    return time_ns + (time_ns - START_NS) ** 2 // (10 * NS_PER_S)


@pytest.mark.parametrize("gop", [300, 30])
def test_a_frame_held_over_an_outage_is_not_the_frame_rate(tmp_path: Path, gop: int) -> None:
    """What is encoded says how long most frames last, also where the first one is held for seconds."""
    camera = Camera(gop=gop)
    second_ns = START_NS + 7 * NS_PER_S
    units = joined(units_of(camera, 21), units_of(camera, 80, first=500, start_ns=second_ns))
    start_ns = counter_times(START_NS, camera.fps, [20])[0]
    write_mp4(tmp_path / "clip.mp4", units, start_ns, second_ns + 2 * NS_PER_S)
    _, path = cleaned(tmp_path / "clip.mp4")
    with FinishedFile(path) as clean:
        encoded = next(iter(clean.units(0, 1)))
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.decode(av.Packet(self_contained(encoded)))
    assert decoder.framerate == 30
