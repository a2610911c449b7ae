"""What is told of a JPEG without decoding it agrees with those who decode it."""

import re

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.bitstream.jpeg import STANDARD_TABLES, layout, self_contained, size
from recorder.sources.test_picture.test_card import draw_counter, read_counter


def picture(number: int = 7, *options: int, width: int = 160, height: int = 96) -> bytes:
    """A JPEG of noise under the counter."""
    rng = np.random.default_rng(number)
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    draw_counter(noise, number)
    return cv2.imencode(".jpg", noise, list(options))[1].tobytes()


def decoded(data: bytes) -> npt.NDArray[np.uint8]:
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    return shown.astype(np.uint8, copy=False)


BASELINE = picture()
PROGRESSIVE = picture(8, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
RESTARTS = picture(9, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)


@pytest.mark.parametrize("data", [BASELINE, PROGRESSIVE, RESTARTS])
def test_a_whole_jpeg_tells_its_size_and_end(data: bytes) -> None:
    """Whatever kind it is."""
    found = layout(data)
    assert found is not None
    assert (found.width, found.height, found.end_bytes) == (160, 96, len(data))
    assert found.has_huffman_tables
    assert self_contained(data, found) is data
    assert size(data) == (160, 96)


@pytest.mark.parametrize("data", [BASELINE, PROGRESSIVE, RESTARTS])
def test_a_jpeg_cut_off_anywhere_is_noticed(data: bytes) -> None:
    """USB loses the end of a frame more often than anything else."""
    assert [cut for cut in range(0, len(data), 97) if layout(data[:cut]) is not None] == []
    assert layout(data[:-1]) is None
    assert layout(data[1:]) is None
    with pytest.raises(ValueError, match="no whole JPEG"):
        size(data[:-1])


def test_a_hole_that_swallowed_a_header_is_noticed() -> None:
    """The lengths of the segments no longer meet their markers."""
    for at in range(2, 600, 7):
        torn = BASELINE[:at] + BASELINE[at + 64 :]
        assert layout(torn) is None, at


def test_what_a_camera_pads_behind_the_end_is_left_off() -> None:
    """Some fill their transfer buffer with zeros."""
    padded = BASELINE + bytes(512)
    found = layout(padded)
    assert found is not None
    assert self_contained(padded, found) == BASELINE


def test_fill_bytes_before_markers_are_no_damage() -> None:
    """The standard allows them, and hardware encoders align with them."""
    first, last = BASELINE.index(b"\xff\xdb"), len(BASELINE) - 2
    filled = BASELINE[:first] + b"\xff\xff" + BASELINE[first:last] + b"\xff" + BASELINE[last:]
    found = layout(filled)
    assert found is not None
    assert (found.width, found.end_bytes) == (160, len(filled))


def test_tables_that_a_webcam_left_out_are_put_back() -> None:
    """A browser shows the picture then, pixel for pixel the same."""
    first, last = BASELINE.index(b"\xff\xc4"), BASELINE.index(b"\xff\xda")
    bare = BASELINE[:first] + BASELINE[last:]
    found = layout(bare)
    assert found is not None
    assert not found.has_huffman_tables
    whole = self_contained(bare, found)
    assert STANDARD_TABLES in whole
    shown, expected = decoded(whole), decoded(BASELINE)
    assert np.array_equal(shown, expected)
    assert read_counter(shown) == 7


def test_the_standard_tables_are_those_that_encoders_write() -> None:
    """Mistyped tables would decode to another picture."""
    written = b"".join(re.findall(rb"\xff\xc4..(.{28,420}?)(?=\xff[\xc4\xda])", BASELINE, re.DOTALL))
    assert sorted(STANDARD_TABLES[4:]) == sorted(written)


@given(st.binary(max_size=400), st.integers(0, 700))
def test_no_bytes_whatever_upset_it(noise: bytes, at: int) -> None:
    """The camera may send anything."""
    for data in (noise, b"\xff\xd8" + noise, BASELINE[:at] + noise, BASELINE[:at] + noise + BASELINE[at:]):
        found = layout(data)
        assert found is None or found.end_bytes <= len(data)
