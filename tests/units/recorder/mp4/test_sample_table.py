"""The index of a file is read in every form its tables have, and refused where it contradicts itself."""

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.bitstream.nal_units import annex_b
from recorder.mp4.sample_table import Track, aac_config, avc_parameter_sets, tracks
from tests.support.boxes import UPRIGHT, Table, Trak, box, full_box, moov

SPS, PPS, OTHER_PPS = b"\x67sps", b"\x68pps", b"\x68other"


def track_of(trak: Trak) -> Track:
    (track,) = tracks(moov(trak))
    return track


def test_samples_lie_one_behind_the_other_within_their_chunk() -> None:
    """Two chunks of two, then one of one; each chunk has a place of its own in the file."""
    table = Table(
        sizes=(10, 20, 30, 40, 50),
        deltas=((5, 3000),),
        chunks=(100, 500, 900),
        per_chunk=((1, 2), (3, 1)),
    )
    samples = track_of(Trak(table=table)).samples
    assert list(samples.offsets) == [100, 110, 500, 530, 900]
    assert list(samples.sizes) == [10, 20, 30, 40, 50]
    assert len(samples) == 5


def test_times_count_from_the_first_moment_shown() -> None:
    """What the edit list hides has a time before 0; steps may change on the way."""
    table = Table(sizes=(1,) * 4, deltas=((2, 3000), (1, 6000), (1, 1)), per_chunk=((1, 4),))
    samples = track_of(Trak(media_time=3000, table=table)).samples
    assert list(samples.dts) == [-3000, 0, 3000, 9000]
    assert list(samples.pts) == list(samples.dts)


@pytest.mark.parametrize("signed", [False, True])
def test_pictures_are_shown_in_another_order_than_they_are_decoded(signed: bool) -> None:
    """The table of shifts has two versions; only one of them can shift backwards."""
    back = -1000 if signed else 1000
    table = Table(shifts=((1, 3000), (1, 6000), (1, back)), shifts_signed=signed)
    assert list(track_of(Trak(table=table)).samples.pts) == [3000, 9000, 6000 + back]


def test_decoding_starts_at_the_marked_samples_and_everywhere_without_marks() -> None:
    """JPEG and sound have no table of keyframes."""
    assert track_of(Trak(table=Table(keys=(1, 3)))).samples.keys == b"\1\0\1"
    assert track_of(Trak(table=Table(keys=None))).samples.keys == b"\1\1\1"


def test_samples_of_one_size_name_it_once() -> None:
    """As uncompressed sound does."""
    table = Table(sizes=(7,), count=3)
    assert list(track_of(Trak(table=table)).samples.sizes) == [7, 7, 7]


def test_large_files_count_in_64_bits() -> None:
    """Places beyond 4 GiB, and lengths of many hours."""
    table = Table(wide=True, chunks=(5 << 32,))
    track = track_of(Trak(wide=True, length=7 << 32, time_scale=48_000, table=table))
    assert list(track.samples.offsets) == [5 << 32, (5 << 32) + 10, (5 << 32) + 30]
    assert (track.length, track.time_scale) == (7 << 32, 48_000)


def test_a_track_without_a_sample_is_refused() -> None:
    """None of our files has one."""
    empty = Table(sizes=(), deltas=(), keys=None, chunks=(), per_chunk=())
    with pytest.raises(ValueError, match="no sample"):
        tracks(moov(Trak(table=empty)))


def test_each_track_says_what_it_is() -> None:
    """Only pictures are turned; the matrix of sound is not looked at."""
    quarter = (0, UPRIGHT[0], 0, -UPRIGHT[0], 0, 0, 48, 0, UPRIGHT[8])
    slanted = (3,) * 9
    video, sound = tracks(moov(Trak(matrix=quarter), Trak(b"soun", matrix=slanted, time_scale=48_000)))
    assert (video.kind, video.rotation_deg, sound.kind, sound.rotation_deg) == (b"vide", 90, b"soun", 0)
    assert (video.time_scale, sound.time_scale, video.entry) == (90_000, 48_000, b"avc1 entry")


@pytest.mark.parametrize(
    "trak",
    [
        Trak(edits=2),
        Trak(media_time=-1),
        Trak(table=Table(deltas=((2, 3000),))),
        Trak(table=Table(shifts=((4, 0),))),
        Trak(table=Table(per_chunk=((1, 2),))),
        Trak(table=Table(per_chunk=((1, 4),))),
        Trak(table=Table(chunks=(100, 200))),
    ],
    ids=[
        "edits",
        "empty edit",
        "times",
        "shifts",
        "too few in chunks",
        "too many in a chunk",
        "too many chunks",
    ],
)
def test_an_index_that_contradicts_itself_is_refused(trak: Trak) -> None:
    """Nothing of such a file could be found again."""
    with pytest.raises(ValueError, match=r"contradicts itself|not one of ours"):
        tracks(moov(trak))


def test_an_index_may_not_name_more_samples_than_any_clip_has() -> None:
    """A few damaged bytes would otherwise fill the memory."""
    with pytest.raises(ValueError, match="more samples than a clip has"):
        tracks(moov(Trak(table=Table(sizes=(1,), count=50_000_001))))


@pytest.mark.parametrize("table", [Table(deltas=((49_000_000, 1),)), Table(shifts=((49_000_000, 0),))])
def test_a_table_that_is_longer_than_the_track_is_refused_before_it_is_read(table: Table) -> None:
    """Reading it out would take seconds and hundreds of megabytes."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="contradicts itself"):
            tracks(moov(Trak(table=table)))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_an_index_that_is_cut_off_is_refused() -> None:
    """A table that claims to be longer than its box, and is the last of the file."""
    whole = moov(Trak(table=Table(keys=(1,))))
    at = whole.index(b"stss") + 8
    with pytest.raises(ValueError, match="cut off"):
        tracks(whole[:at] + struct.pack(">I", 1 << 20) + whole[at + 4 :])


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_damaged_index_is_refused_or_read_and_nothing_else(position: int, noise: bytes) -> None:
    """Whatever bytes are others: an error that a caller expects, or tracks of this many samples at most."""
    whole = moov(Trak(table=Table(shifts=((3, 0),))), Trak(b"soun"))
    position %= len(whole)
    damaged = whole[:position] + noise + whole[position + len(noise) :]
    try:
        found = tracks(damaged)
    except (ValueError, IndexError):
        return
    assert all(len(track.samples) < 1 << 20 for track in found)


def visual(config: bytes) -> bytes:
    """A sample entry of pictures with this decoder configuration."""
    return bytes(78) + box(b"pasp", bytes(8)) + box(b"avcC", config)


def avcc(sps: list[bytes], pps: list[bytes], size_bytes: int = 4) -> bytes:
    """A decoder configuration record (ISO/IEC 14496-15, 5.3.3.1)."""

    def listed(sets: list[bytes]) -> bytes:
        return b"".join(struct.pack(">H", len(one)) + one for one in sets)

    head = bytes([1, 66, 0, 31, 0xFC | size_bytes - 1, 0xE0 | len(sps)])
    return head + listed(sps) + bytes([len(pps)]) + listed(pps)


def test_parameter_sets_come_as_annex_b() -> None:
    """All SPS, then all PPS."""
    entry = visual(avcc([SPS], [PPS, OTHER_PPS]))
    assert avc_parameter_sets(entry) == annex_b([SPS, PPS, OTHER_PPS])
    assert avc_parameter_sets(visual(avcc([SPS, SPS], [PPS]))) == annex_b([SPS, SPS, PPS])


@pytest.mark.parametrize("config", [b"\1\2\3", avcc([SPS], [PPS], size_bytes=2)])
def test_pictures_framed_in_another_way_are_refused(config: bytes) -> None:
    """Ours have their length in four bytes in front."""
    with pytest.raises(ValueError, match="frames its pictures"):
        avc_parameter_sets(visual(config))


def descriptor(tag: int, content: bytes, *, long: bool = False) -> bytes:
    """A descriptor whose size stands in one byte, or in the four that FFmpeg writes."""
    size = bytes([0x80, 0x80, 0x80, len(content)]) if long else bytes([len(content)])
    return bytes([tag]) + size + content


def esds(*inside: bytes) -> bytes:
    """A sample entry of sound whose elementary stream descriptor holds these."""
    return bytes(28) + full_box(b"esds", 0, descriptor(3, bytes(3) + b"".join(inside)))


@pytest.mark.parametrize("long", [False, True])
def test_the_configuration_of_sound_is_found_among_its_descriptors(long: bool) -> None:
    """It stands in the decoder's description; others in front of it are passed over."""
    config = descriptor(5, b"\x11\x90", long=long)
    decoder = descriptor(4, bytes(13) + descriptor(14, b"profile", long=long) + config, long=long)
    assert aac_config(esds(decoder, descriptor(6, b"\2"))) == b"\x11\x90"


@pytest.mark.parametrize("inside", [descriptor(6, b"\2"), b"\x06\xff\xff\xff\xff\xff\xff"])
def test_sound_without_a_configuration_is_refused(inside: bytes) -> None:
    """Also when a damaged size never ends."""
    with pytest.raises(ValueError, match="no configuration"):
        aac_config(esds(inside))
