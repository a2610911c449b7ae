"""The finished file shows exactly the frames of its span: by equality of decoded counters."""

import hashlib
import resource
import signal
import struct
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from recorder.base.errors import CutFailed, FinishFailed
from recorder.base.media_time import FOREVER_NS
from recorder.bitstream import h264
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.nal_units import annex_b
from recorder.mp4.edit_list import boxes
from recorder.mp4.muxer import CutResult, raising_cut_failed, write_mp4
from tests.support.media import NS_PER_S, Camera, counter_times, joined, play, units_of

START_NS = 5 * NS_PER_S
HOUR_NS = 3600 * NS_PER_S
PLAIN = Camera(gop=30)
PYRAMID = Camera(gop=30, bframes=3)


def cut(out: Path, units: list[AccessUnit], first: int, after_last: int, camera: Camera) -> CutResult:
    """Write the file of counters `first` ≤ n < `after_last`."""
    start_ns, end_ns = counter_times(START_NS, camera.fps, (first, after_last))
    return write_mp4(out, iter(units), start_ns, end_ns)


def assert_shows(out: Path, result: CutResult, first: int, after_last: int, camera: Camera) -> None:
    """The file shows these counters and no others, at the right times, for frames ÷ rate seconds."""
    played = play(out)
    count = after_last - first
    length_s = count / camera.fps
    assert played.counters == tuple(range(first, after_last))
    assert played.times_s == tuple(index / camera.fps for index in range(count))
    assert played.stream_s == length_s
    assert abs(played.container_s - length_s) <= Fraction(1, 1_000_000)
    assert played.times_s[-1] + played.last_duration_s == length_s
    assert result.frame_count == count
    assert result.duration_s == float(length_s)
    assert result.fps == pytest.approx(float(camera.fps))
    assert result.gaps == ()


@pytest.mark.parametrize("inline", [True, False], ids=["inline", "out-of-band"])
@pytest.mark.parametrize("bframes", [0, 2, 3])
@pytest.mark.parametrize("gop_s", [1, 2, 10])
def test_a_span_is_frame_exact_at_any_gop(tmp_path: Path, gop_s: int, bframes: int, inline: bool) -> None:
    """Whole buffer, start inside a GOP, end inside a GOP, and one single frame."""
    camera = Camera(gop=30 * gop_s, bframes=bframes, inline=inline)
    units = units_of(camera, 330)
    out = tmp_path / "clip.mp4"
    for first, after_last in [(0, 330), (17, 77), (299, 301), (123, 124)]:
        result = cut(out, units, first, after_last, camera)
        assert_shows(out, result, first, after_last, camera)


@pytest.mark.parametrize("bframes", [2, 3])
def test_every_start_and_end_within_a_b_pyramid_is_exact(tmp_path: Path, bframes: int) -> None:
    """Wherever the cut falls, no shown picture misses a reference and no reference is shown."""
    camera = Camera(gop=30, bframes=bframes)
    units = units_of(camera, 90)
    out = tmp_path / "clip.mp4"
    for offset in range(12):
        result = cut(out, units, 26, 38 + offset, camera)
        assert_shows(out, result, 26, 38 + offset, camera)
        result = cut(out, units, 26 + offset, 50, camera)
        assert_shows(out, result, 26 + offset, 50, camera)


@pytest.mark.parametrize("bframes", [0, 2, 3])
def test_units_that_break_off_anywhere_show_no_hole(tmp_path: Path, bframes: int) -> None:
    """A picture whose B-pictures are lost is hidden; whatever the units prove is shown."""
    camera = Camera(gop=30, bframes=bframes)
    units = units_of(camera, 60)
    out = tmp_path / "clip.mp4"
    for count in range(35, 48):
        result = write_mp4(out, iter(units[:count]), START_NS, FOREVER_NS, may_break_off=True)
        assert_shows(out, result, 0, result.frame_count, camera)
        assert count - max(1, bframes) <= result.frame_count <= count


def test_units_lost_within_a_run_are_a_declared_gap(tmp_path: Path) -> None:
    """A disk slower than the ring is deep: the GOPs that fell off it are missing, and the clip says so."""
    units = units_of(PYRAMID, 120)
    lost = [unit for unit in units if not (30 <= unit.sequence < 90)]
    lost_from_ns, lost_to_ns = counter_times(START_NS, PYRAMID.fps, (30, 90))
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, iter(lost), START_NS, FOREVER_NS)
    assert play(out).counters == (*range(30), *range(90, 120))
    assert result.gaps == ((lost_from_ns, lost_to_ns),)
    assert result.duration_s == 4.0


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(15), Fraction(60), Fraction(30000, 1001)])
def test_a_constant_rate_stays_constant(tmp_path: Path, fps: Fraction) -> None:
    """Nanoseconds are rounded per unit, so no rate drifts and duration is frames ÷ rate."""
    camera = Camera(fps=fps, gop=20, bframes=2)
    out = tmp_path / "clip.mp4"
    result = cut(out, units_of(camera, 100), 33, 91, camera)
    assert_shows(out, result, 33, 91, camera)


def test_a_start_between_two_frames_begins_with_the_later_one(tmp_path: Path) -> None:
    """The span is half-open over times; the frame shown when it begins is not in it."""
    units = units_of(PLAIN, 60)
    times = counter_times(START_NS, PLAIN.fps, (10, 20))
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, units, times[0] + 1, times[1] + 1)
    assert play(out).counters == tuple(range(11, 21))
    assert result.first_pts_ns == counter_times(START_NS, PLAIN.fps, [11])[0]
    assert result.end_ns == counter_times(START_NS, PLAIN.fps, [21])[0]


def test_a_span_that_begins_before_a_stream_with_b_frames_begins_with_its_keyframe(tmp_path: Path) -> None:
    """The first frame is shown at media time 0 though its decode time is negative."""
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, units_of(PYRAMID, 45), 0, FOREVER_NS)
    assert_shows(out, result, 0, 45, PYRAMID)


def test_an_outage_is_held_and_declared(tmp_path: Path) -> None:
    """The last frame before it stays for its length; media time keeps telling the label."""
    second_ns = START_NS + 47 * NS_PER_S
    units = joined(units_of(PYRAMID, 40), units_of(PYRAMID, 40, first=500, start_ns=second_ns))
    out = tmp_path / "clip.mp4"
    start_ns = counter_times(START_NS, PYRAMID.fps, [10])[0]
    result = write_mp4(out, iter(units), start_ns, second_ns + NS_PER_S)
    played = play(out)
    assert played.counters == (*range(10, 40), *range(500, 530))
    assert result.gaps == ((counter_times(START_NS, PYRAMID.fps, [40])[0], second_ns),)
    held_s = played.times_s[30] - played.times_s[29]
    assert held_s == 47 - Fraction(39, 30)
    assert result.duration_s == pytest.approx(48 - 10 / 30, abs=1e-9)
    assert float(played.container_s) == pytest.approx(result.duration_s, abs=1e-6)
    assert result.fps == pytest.approx(30.0)


def test_hours_of_outages_keep_their_length(tmp_path: Path) -> None:
    """Fifteen hours need 64-bit boxes; every run still begins at its label."""
    runs = [units_of(PLAIN, 20, first=100 * n, start_ns=START_NS + n * 5 * HOUR_NS) for n in range(4)]
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, joined(*runs), START_NS, FOREVER_NS)
    played = play(out)
    assert played.times_s[::20] == tuple(Fraction(hours * 3600) for hours in (0, 5, 10, 15))
    assert result.duration_s == pytest.approx(15 * 3600 + 20 / 30)
    assert float(played.container_s) == pytest.approx(result.duration_s, abs=1e-6)


def test_an_outage_too_long_for_the_format_fails_instead_of_lying(tmp_path: Path) -> None:
    """FFmpeg would write a file of half a second and report success."""
    units = joined(units_of(PLAIN, 20), units_of(PLAIN, 20, first=100, start_ns=START_NS + 7 * HOUR_NS))
    with pytest.raises(FinishFailed, match="more than six hours"):
        write_mp4(tmp_path / "clip.mp4", units, START_NS, FOREVER_NS)
    assert list(tmp_path.iterdir()) == []


def test_a_span_that_begins_in_an_outage_begins_with_the_next_run(tmp_path: Path) -> None:
    """No lead-in of the old run comes along and no gap is declared."""
    second_ns = START_NS + 10 * NS_PER_S
    units = joined(units_of(PLAIN, 40), units_of(PLAIN, 40, first=500, start_ns=second_ns))
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, units, second_ns - NS_PER_S, second_ns + NS_PER_S)
    assert play(out).counters == tuple(range(500, 530))
    assert (result.first_pts_ns, result.gaps) == (second_ns, ())


def test_a_reconnect_without_a_hole_is_no_gap(tmp_path: Path) -> None:
    """Two runs that meet within a frame and a half play on without a word."""
    second_ns = counter_times(START_NS, PLAIN.fps, [30])[0] + 10_000_000
    units = joined(units_of(PLAIN, 30), units_of(PLAIN, 30, first=30, start_ns=second_ns))
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, units, START_NS, FOREVER_NS)
    assert play(out).counters == tuple(range(60))
    assert result.gaps == ()


def test_material_around_the_span_is_left_out(tmp_path: Path) -> None:
    """Of ten seconds around, the file holds little more than the GOPs the span touches."""
    units = units_of(PLAIN, 300)
    alone, within = tmp_path / "alone.mp4", tmp_path / "within.mp4"
    cut(alone, units[120:180], 120, 180, PLAIN)
    result = cut(within, units, 120, 180, PLAIN)
    assert_shows(within, result, 120, 180, PLAIN)
    with av.open(str(alone), "r") as one, av.open(str(within), "r") as other:
        assert one.streams.video[0].frames == other.streams.video[0].frames == 60


def test_moov_is_in_front_for_sequences_and_for_plain_iterators(tmp_path: Path) -> None:
    """With a length hint by reserved space, without one by FFmpeg's second pass."""
    units = units_of(PLAIN, 60)
    for number, source in enumerate([units, iter(units), (unit for unit in units)]):
        out = tmp_path / f"{number}.mp4"
        result = write_mp4(out, source, START_NS, FOREVER_NS)
        assert_shows(out, result, 0, 60, PLAIN)
        data = out.read_bytes()
        kinds = [box.kind for box in boxes(data, 0, len(data)) if box.kind != b"free"]
        assert kinds == [b"ftyp", b"moov", b"mdat"]


def test_size_and_hash_are_those_of_the_file(tmp_path: Path) -> None:
    """Measured after the last byte was patched."""
    out = tmp_path / "clip.mp4"
    result = cut(out, units_of(PLAIN, 60), 5, 50, PLAIN)
    data = out.read_bytes()
    assert (result.size_bytes, result.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert (result.width, result.height, result.video_codec) == (PLAIN.width, PLAIN.height, "h264")


def test_broken_decode_times_are_mended(tmp_path: Path) -> None:
    """Equal, and later than the presentation: every frame still arrives, in order."""
    units = units_of(PLAIN, 60)
    broken = [replace(unit, dts_ns=units[index - index % 3].dts_ns) for index, unit in enumerate(units)]
    broken[7] = replace(broken[7], dts_ns=broken[7].pts_ns + 40_000_000)
    out = tmp_path / "clip.mp4"
    write_mp4(out, broken, START_NS, FOREVER_NS)
    played = play(out)
    assert played.counters == tuple(range(60))
    assert all(earlier < later for earlier, later in pairwise(played.times_s))


def test_pictures_that_refer_to_before_the_connection_are_left_out(tmp_path: Path) -> None:
    """A camera with open GOPs joined mid-stream: its first pictures cannot be decoded, so none is shown."""
    units = units_of(PLAIN, 60)
    leading = replace(units[1], pts_ns=START_NS - 10_000_000)
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, [units[0], leading, *units[1:]], 0, FOREVER_NS)
    assert_shows(out, result, 0, 60, PLAIN)


def test_parameter_sets_stand_once_in_the_sample_description(tmp_path: Path) -> None:
    """Whether the camera repeats them inline or not, avcC holds one SPS and one PPS."""
    for inline in (True, False):
        camera = replace(PLAIN, inline=inline)
        units = units_of(camera, 10)
        out = tmp_path / "clip.mp4"
        cut(out, units, 0, 10, camera)
        data = out.read_bytes()
        avcc = data.index(b"avcC") + 4
        sps_count = data[avcc + 5] & 0x1F
        (sps_bytes,) = struct.unpack_from(">H", data, avcc + 6)
        assert (sps_count, data[avcc + 8 + sps_bytes]) == (1, 1)
        assert h264.sps_size(data[avcc + 8 : avcc + 8 + sps_bytes]) == (camera.width, camera.height)


@pytest.mark.parametrize(
    ("units", "reason"),
    [
        ([], "no frame"),
        (units_of(PLAIN, 30), "no frame"),
        ([unit for unit in units_of(PLAIN, 20) if not unit.is_keyframe], "no frame"),
    ],
    ids=["nothing", "outside", "no-keyframe"],
)
def test_a_span_without_a_frame_fails_and_leaves_no_file(
    tmp_path: Path, units: list[AccessUnit], reason: str
) -> None:
    """There is no placeholder video."""
    out = tmp_path / "clip.mp4"
    with pytest.raises(FinishFailed, match=reason):
        write_mp4(out, units, START_NS + 60 * NS_PER_S, FOREVER_NS)
    assert not out.exists()


def test_two_epochs_in_one_span_fail_and_leave_no_file(tmp_path: Path) -> None:
    """One file holds one epoch; the session must have begun a continuation."""
    units = units_of(PLAIN, 60)
    other = Epoch(Codec.H264, 640, 480, units[0].epoch.parameter_sets)
    units[30:] = [replace(unit, epoch=other) for unit in units[30:]]
    out = tmp_path / "clip.mp4"
    with pytest.raises(FinishFailed, match="parameters change"):
        write_mp4(out, units, START_NS, FOREVER_NS)
    assert not out.exists()


def test_the_reserve_for_the_index_counts_the_parameter_sets(tmp_path: Path) -> None:
    """Two hundred of sixteen kilobytes are a legal stream, and stand in the index with all their bytes."""
    more = annex_b(b"\x68" + bytes([1 + number]) * 16_000 for number in range(200))
    units = units_of(PLAIN, 60)
    epoch = replace(units[0].epoch, parameter_sets=units[0].epoch.parameter_sets + more)
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, iter([replace(unit, epoch=epoch) for unit in units]), START_NS, FOREVER_NS)
    assert result.frame_count == 60
    assert [box.kind for box in boxes(out.read_bytes(), 0, out.stat().st_size)][:2] == [b"ftyp", b"moov"]


def test_a_cut_that_cannot_be_tried_again_says_who_is_at_fault(tmp_path: Path) -> None:
    """The disk's own error, or the camera's pictures: each has another cure."""
    with pytest.raises(FileNotFoundError), raising_cut_failed():
        write_mp4(tmp_path / "gone" / "clip.mp4", units_of(PLAIN, 30), START_NS, FOREVER_NS)
    with pytest.raises(CutFailed, match=r"cannot be put into a video .*no frame"), raising_cut_failed():
        write_mp4(tmp_path / "clip.mp4", units_of(PLAIN, 30)[1:], START_NS, FOREVER_NS)


def test_a_directory_that_is_gone_fails_with_a_sentence(tmp_path: Path) -> None:
    """The operating system's reason reaches the person."""
    with pytest.raises(FinishFailed, match="could not be written: No such file"):
        write_mp4(tmp_path / "gone" / "clip.mp4", units_of(PLAIN, 30), START_NS, FOREVER_NS)


def test_a_full_disk_fails_wherever_it_strikes_and_leaves_no_file(tmp_path: Path) -> None:
    """In the header, among the pictures, in the last buffered bytes: never a file that looks finished.

    Nor one that stays open: its space would be lost to the full disk until the daemon ends.
    """
    units = units_of(PLAIN, 120)
    out = tmp_path / "clip.mp4"
    whole_bytes = write_mp4(out, units, START_NS, FOREVER_NS).size_bytes
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    former = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        for allowed_bytes in (0, 100, 5000, whole_bytes // 2, whole_bytes - 1):
            resource.setrlimit(resource.RLIMIT_FSIZE, (allowed_bytes, limits[1]))
            with pytest.raises(FinishFailed, match="File too large"):
                write_mp4(out, units, START_NS, FOREVER_NS)
            assert not out.exists()
            open_files = {path.resolve().name for path in Path("/proc/self/fd").iterdir()}
            assert not {name for name in open_files if name.startswith(out.name)}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, former)


@pytest.mark.parametrize(("rotation_deg", "size"), [(90, (48, 320)), (180, (320, 48)), (270, (48, 320))])
def test_a_turned_camera_is_turned_by_the_player(
    tmp_path: Path, rotation_deg: int, size: tuple[int, int]
) -> None:
    """Not one picture is encoded again: the matrix in the track header says it."""
    out = tmp_path / "clip.mp4"
    result = write_mp4(out, units_of(PLAIN, 30), START_NS, FOREVER_NS, rotation_deg=rotation_deg)
    assert (result.width, result.height) == size
    assert play(out).counters == tuple(range(30))
    with av.open(str(out)) as container:
        frame = next(container.decode(video=0))
        assert frame.rotation % 360 == -rotation_deg % 360  # FFmpeg counts counterclockwise
