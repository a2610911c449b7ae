"""Fragments a browser can append: one per picture, in order, without holes."""

from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import av
import pytest

from recorder.bitstream.access_unit import AccessUnit, Codec
from recorder.live.muxer import LiveFragment, LiveMuxer
from tests.support.media import NS_PER_S, Camera, counter_in, joined, units_of

CAMERAS = [
    Camera(),
    Camera(bframes=3),
    Camera(inline=False),
    Camera(bframes=2, inline=False),
    Camera(codec=Codec.H265, height=64),
    Camera(codec=Codec.H265, height=64, bframes=2, inline=False),
]


def pushed(units: list[AccessUnit]) -> tuple[bytes, list[LiveFragment]]:
    """The init segment and all fragments of `units`."""
    muxer = LiveMuxer(units[0].epoch)
    fragments = [fragment for unit in units for fragment in muxer.push(unit)]
    return muxer.init_segment, fragments + muxer.close()


def shown(media: bytes) -> list[tuple[float, int]]:
    """(time in seconds, counter) of every picture, in presentation order."""
    found = []
    with av.open(BytesIO(media), "r", format="mp4") as container:
        for frame in container.decode(container.streams.video[0]):
            assert frame.time is not None
            found.append((frame.time, counter_in(frame.to_ndarray(format="bgr24").astype("uint8"))))
    return found


@pytest.mark.parametrize("camera", CAMERAS, ids=str)
def test_init_and_fragments_show_every_picture_at_its_told_time(camera: Camera) -> None:
    """Each fragment's media time is the time a browser shows that picture at."""
    units = units_of(camera, 75)
    init, fragments = pushed(units)
    pictures = shown(init + b"".join(fragment.data for fragment in fragments))
    assert [counter for _, counter in pictures] == list(range(75))
    told = sorted(fragment.media_time_s for fragment in fragments)
    assert [time for time, _ in pictures] == pytest.approx(told, abs=1e-5)
    assert [fragment.pts_ns for fragment in fragments] == [unit.pts_ns for unit in units]
    assert [fragment.is_keyframe for fragment in fragments] == [unit.is_keyframe for unit in units]


def test_a_unit_comes_out_when_the_next_one_goes_in() -> None:
    """Nothing but the one that waits for its length is held back."""
    units = units_of(Camera(), 10)
    muxer = LiveMuxer(units[0].epoch)
    assert muxer.push(units[0]) == []
    assert muxer.init_segment[4:8] == b"ftyp"
    for earlier, unit in pairwise(units):
        assert [fragment.pts_ns for fragment in muxer.push(unit)] == [earlier.pts_ns]
    assert [fragment.pts_ns for fragment in muxer.close()] == [units[-1].pts_ns]
    assert muxer.close() == []


def test_a_viewer_may_begin_at_any_keyframe() -> None:
    """Init segment plus any GOP decodes by itself, also when sets come out of band only."""
    init, fragments = pushed(units_of(Camera(gop=20, bframes=2, inline=False), 60))
    start = [index for index, fragment in enumerate(fragments) if fragment.is_keyframe][1]
    pictures = shown(init + b"".join(fragment.data for fragment in fragments[start:]))
    assert [counter for _, counter in pictures] == list(range(20, 60))


def test_units_before_the_first_keyframe_are_left_out() -> None:
    """A camera joined mid-GOP gives nothing to show yet."""
    units = units_of(Camera(), 40)
    muxer = LiveMuxer(units[0].epoch)
    assert [muxer.push(unit) for unit in units[5:30]] == [[]] * 25
    assert muxer.init_segment == b""
    muxer.push(units[30])
    assert [fragment.pts_ns for fragment in muxer.push(units[31])] == [units[30].pts_ns]
    muxer.close()


def test_an_outage_is_bridged_by_the_picture_before_it() -> None:
    """Media time keeps in step with labels, and the decode line has no hole a browser would stumble at."""
    second_ns = 5 * NS_PER_S + 9 * NS_PER_S
    units = joined(units_of(Camera(), 30), units_of(Camera(), 30, first=100, start_ns=second_ns))
    init, fragments = pushed(units)
    assert fragments[30].media_time_s == pytest.approx(9.0)
    pictures = shown(init + b"".join(fragment.data for fragment in fragments))
    assert pictures[30][0] == pytest.approx(9.0)
    assert pictures[30][1] == 100


def test_broken_decode_times_are_mended() -> None:
    """A muxer that refuses one packet would refuse the next hundred."""
    units = units_of(Camera(), 40)
    units[7] = replace(units[7], dts_ns=units[3].dts_ns)
    init, fragments = pushed(units)
    pictures = shown(init + b"".join(fragment.data for fragment in fragments))
    assert [counter for _, counter in pictures] == list(range(40))


def test_closing_a_muxer_that_never_began_is_fine() -> None:
    """A viewer may leave before the first keyframe."""
    assert LiveMuxer(units_of(Camera(), 1)[0].epoch).close() == []


def test_an_outage_no_fragment_can_bridge_is_refused() -> None:
    """The feed begins a new muxer; FFmpeg would write nonsense."""
    later = units_of(Camera(), 1, start_ns=8 * 3600 * NS_PER_S)
    muxer = LiveMuxer(later[0].epoch)
    for unit in units_of(Camera(), 5):
        muxer.push(unit)
    with pytest.raises(ValueError, match="six hours"):
        muxer.push(later[0])
    muxer.close()


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_a_turned_camera_turns_in_the_player(rotation_deg: int) -> None:
    """By the matrix in the init segment, which Chromium heeds in media sources, too (tried)."""
    units = units_of(Camera(), 10)
    muxer = LiveMuxer(units[0].epoch, rotation_deg)
    fragments = [fragment.data for unit in units for fragment in muxer.push(unit)]
    with av.open(BytesIO(muxer.init_segment + b"".join(fragments)), "r") as container:
        frame = next(container.decode(video=0))
    assert frame.rotation % 360 == -rotation_deg % 360


def test_a_unit_that_comes_after_the_end_is_let_go() -> None:
    """A viewer may leave while its unit is on the way; FFmpeg would take the whole daemon down with it."""
    units = units_of(Camera(gop=30), 3)
    muxer = LiveMuxer(units[0].epoch)
    muxer.push(units[0])
    muxer.push(units[1])
    muxer.close()
    assert muxer.push(units[2]) == []
    assert muxer.close() == []
