"""The pure parsers on anything at all: their documented errors alone, in little time and memory."""

import struct
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recorder.base.errors import PartFileDamaged
from recorder.bitstream import h264, h265, jpeg, nal_units
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.mp4 import edit_list
from recorder.recording.part_file import PartHeader, PartReader, PartTail, PartWriter
from recorder.sources.http.multipart import MOST_PICTURE_BYTES, MultipartReader
from tests.support.hostile.mutations import claiming, flipped
from tests.support.media import Camera, units_of

LONG_S = 20.0
"""Ten times what a megabyte costs on a slow machine; work that grows with its square would take hours."""
MUCH = 1_000_000
GOOD = {codec: [unit.data for unit in units_of(Camera(codec=codec), 12)] for codec in Codec}
HEADER = PartHeader("r", "c", "b", Epoch(Codec.MJPEG, 16, 16, b""), 0, 0, 0, None, 0)
patient = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def mutated(draw: st.DrawFn, codec: Codec) -> bytes:
    """A good unit with bits flipped, cut off, or spliced with noise; or noise alone."""
    good = draw(st.sampled_from(GOOD[codec]))
    chance = Random(draw(st.integers(0, 1 << 32)))
    match draw(st.integers(0, 3)):
        case 0:
            return flipped(good, chance, draw(st.sampled_from([0.0001, 0.01, 0.2])))
        case 1:
            return good[: chance.randrange(len(good) + 1)]
        case 2:
            at = chance.randrange(len(good))
            return good[:at] + draw(st.binary(max_size=200)) + good[at:]
        case _:
            return draw(st.binary(max_size=400))


def nal_soup() -> st.SearchStrategy[bytes]:
    starts = st.sampled_from([b"\x00\x00\x01", b"\x00\x00\x00\x01", b"\x00\x00\x03", b"\x00" * 5])
    heads = st.sampled_from(
        [bytes([value]) for value in (0x67, 0x68, 0x65, 0x41, 0x06, 0x40, 0x42, 0x44, 0x26)]
    )
    return st.lists(st.one_of(starts, heads, st.binary(max_size=40)), max_size=40).map(b"".join)


@pytest.mark.parametrize("module", [h264, h265])
@patient
@given(st.data())
def test_no_stream_breaks_a_tracker(module: object, data: st.DataObject) -> None:
    """Whatever comes, `feed` gives a unit or None; what it remembers is bounded; sizes are possible ones."""
    codec = Codec.H264 if module is h264 else Codec.H265
    tracker = h264.ParameterSetTracker() if module is h264 else h265.ParameterSetTracker()
    for unit in data.draw(st.lists(st.one_of(mutated(codec), nal_soup()), max_size=8)):
        fed = tracker.feed(unit)
        assert fed is None or fed.endswith(unit)
        assert all(0 <= side <= 16384 for side in tracker.size)
        (h264.starts_decoding if module is h264 else h265.starts_decoding)(unit)
        (h264.holds_picture if module is h264 else h265.holds_picture)(unit)
        h264.is_idr(unit)
        for read in (h264.codec_string, h265.codec_string):
            with suppress(ValueError):
                read(unit)


@patient
@given(nal_soup())
def test_splitting_finds_views_of_what_came(data: bytes) -> None:
    """Never more bytes than there are, never an empty unit."""
    nals = nal_units.split_nal_units(data)
    assert all(len(nal) for nal in nals)
    assert sum(map(len, nals)) <= len(data)
    assert [bytes(nal) for nal in nal_units.split_nal_units(nal_units.annex_b(nals))] == [
        bytes(nal) for nal in nals
    ]


@patient
@given(st.binary(max_size=80))
def test_an_sps_gives_a_size_or_a_value_error(sps: bytes) -> None:
    """Both codecs; the readers of single fields behave alike."""
    for read in (h264.sps_size, h265.sps_size):
        with suppress(ValueError):
            width, height = read(sps)
            assert 0 < width <= 16384
            assert 0 < height <= 16384


@patient
@given(mutated(Codec.MJPEG))
def test_a_jpeg_is_laid_out_or_refused(data: bytes) -> None:
    """What is accepted lies inside what came, and stays acceptable once it is made self-contained."""
    found = jpeg.layout(data)
    if found is None:
        with pytest.raises(ValueError, match="no whole JPEG"):
            jpeg.size(data)
        return
    assert 0 < found.scan_offset_bytes < found.end_bytes <= len(data)
    assert jpeg.size(jpeg.self_contained(data, found)) == (found.width, found.height)


PIECES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"--b", b"\r\n", b"\r\n\r\n", b"Content-Length: 9\r\n", b"Content-Length: 999999999\r\n"]
    ),
    st.sampled_from(
        [b"Content-Type: image/jpeg\r\n", b"--b\r\n\r\n", b"\xff\xd8", b"\xff\xd9", *GOOD[Codec.MJPEG][:2]]
    ),
)


@patient
@given(st.sampled_from(["b", "--b", "", "-", None]), st.lists(PIECES, max_size=30))
def test_no_multipart_stream_breaks_its_reader(boundary: str | None, pieces: list[bytes]) -> None:
    """Bodies are parts of what came; nothing is made up, and nothing hangs."""
    reader = MultipartReader(boundary)
    came = b""
    for piece in pieces:
        came += piece
        assert all(body in came for body in reader.feed(piece))


@patient
@given(st.integers(0, 1 << 32), st.sampled_from([0.0001, 0.01, 0.1]), st.integers(0, 400))
def test_a_torn_part_file_gives_what_survived(seed: int, rate: float, cut: int) -> None:
    """PartFileDamaged for a lost beginning; else a beginning of the units that were written, unchanged."""
    units = [AccessUnit(n, 0, HEADER.epoch, True, n, n, 1, bytes([n]) * 30) for n in range(8)]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "recording.part")
        writer = PartWriter(path, HEADER)
        writer.append(units)
        writer.set_end(99)
        writer.seal()
        writer.close()
        whole = path.read_bytes()
        path.write_bytes(flipped(whole[: len(whole) - cut], Random(seed), rate))
        for read in (PartReader, lambda there: PartTail(there, follow=False, idle=lambda: None)):
            with suppress(PartFileDamaged):
                found = list(read(path))
                assert found == units[: len(found)]


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


MOOV = box(
    b"moov",
    box(b"mvhd", bytes(100))
    + box(b"trak", box(b"tkhd", bytes(84)) + box(b"edts", box(b"elst", b"\0\0\0\0\0\0\0\1" + bytes(12)))),
)


@patient
@given(st.integers(0, 1 << 32), st.integers(0, len(MOOV)), st.sampled_from([0, 90, 180, 270]))
def test_a_torn_moov_gives_patches_inside_it_or_a_value_error(seed: int, cut: int, turn: int) -> None:
    """A patch outside its box would overwrite pictures."""
    torn = flipped(MOOV[: len(MOOV) - cut], Random(seed), 0.01)
    with suppress(ValueError):
        patches = [*edit_list.presentation_patches(torn, 90_000), edit_list.matrix_patch(torn, turn)]
        assert all(0 <= patch.offset <= len(torn) - len(patch.data) for patch in patches)


FILL = b"\xff" * MUCH
NOISE = Random(1).randbytes(MUCH)
EXPENSIVE: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "a megabyte of SEI messages": (
        h264.ParameterSetTracker().feed, b"\0\0\1\x06" + b"\x01\x00" * (MUCH // 2) + b"\x80\0\0\1\x65\x88\x84"
    ),
    "an SEI of ones": (h264.starts_decoding, b"\0\0\1\x06" + FILL + b"\0\0\1\x65\x88"),
    "a huge SPS": (h264.ParameterSetTracker().feed, b"\0\0\1\x67\x64" + NOISE),
    "a huge H.265 SPS": (h265.ParameterSetTracker().feed, b"\0\0\1\x42\x01" + NOISE),
    "start codes alone": (h264.ParameterSetTracker().feed, b"\0\0\1\x09" * (MUCH // 4)),
    "zeros alone": (h264.ParameterSetTracker().feed, bytes(MUCH)),
    "fill bytes": (jpeg.layout, b"\xff\xd8" + FILL + b"\xd9"),
    "markers in the scan": (jpeg.layout, GOOD[Codec.MJPEG][0][:-2] + b"\xff\xc4\x00\x02" * (MUCH // 4)),
    "two-byte segments": (jpeg.layout, b"\xff\xd8" + b"\xff\xe0\x00\x02" * (MUCH // 4)),
}  # fmt: skip


@pytest.mark.parametrize("case", EXPENSIVE)
def test_what_costs_most_costs_little(case: str) -> None:
    """Megabytes made to be slow: a camera must not be able to hold the interpreter."""
    work, data = EXPENSIVE[case]
    begun_s = time.process_time()
    work(data)
    assert time.process_time() - begun_s < LONG_S


def test_ever_new_parameter_sets_are_not_remembered() -> None:
    """Numbers beyond those a stream can have, and sets of any size, are damage."""
    tracker = h264.ParameterSetTracker()
    key = GOOD[Codec.H264][0]
    tracemalloc.start()
    try:
        for number in range(300):
            bits = f"{number + 1:b}"
            head = f"{'0' * (len(bits) - 1)}{bits}1".ljust(32, "1")
            pps = b"\0\0\1\x68" + int(head, 2).to_bytes(4, "big")
            tracker.feed(pps + Random(number).randbytes(1000) + key)
            tracker.feed(pps + Random(number).randbytes(100_000).replace(b"\0", b"\1") + key)
        assert tracemalloc.get_traced_memory()[0] < 4_000_000
    finally:
        tracemalloc.stop()
    assert tracker.damaged >= 300
    assert tracker.size == (320, 48)


@pytest.mark.parametrize(
    "start", [b"", b"--b\r\n", b"--b\r\n\r\n", b"--b\r\nContent-Length: 999999999\r\n\r\n"]
)
@pytest.mark.parametrize("more", [b"\xff\xfe\xff\xd9" * 4, b"X: y\r\n" * 4, b"\r\n\r\n", b"\xff" * 16])
def test_a_multipart_stream_without_end_is_given_up(start: bytes, more: bytes) -> None:
    """At most one picture's length is held, however the bytes are portioned."""
    reader = MultipartReader("b")
    reader.feed(start)
    begun_s = time.process_time()
    for _ in range(20):
        reader.feed(more * 65536)
        for _ in range(500):
            reader.feed(more)
        assert len(reader._held) <= MOST_PICTURE_BYTES + len(more) * 65536
    assert time.process_time() - begun_s < 3 * LONG_S
    assert reader.damaged or reader._held


def test_a_jpeg_that_claims_the_greatest_size_is_still_a_layout() -> None:
    """The ring keeps it; only a worker ever decodes it."""
    assert jpeg.size(claiming(GOOD[Codec.MJPEG][0], 65535, 65535)) == (65535, 65535)
