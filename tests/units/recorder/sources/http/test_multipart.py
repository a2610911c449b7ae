"""Parts of an endless stream, however the network and the camera cut it up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.sources.http.multipart import MOST_HEADER_BYTES, MultipartReader, boundary_of

PARTS = [bytes([n]) * (n * 37) for n in range(1, 9)]
WITH_LENGTHS = b"".join(
    b"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(part), part)
    for part in PARTS
)
WITHOUT = b"".join(b"--cut\r\n\r\n" + part for part in PARTS) + b"--cut--\r\n\r\n"


@given(st.lists(st.integers(1, 90)), st.sampled_from([WITH_LENGTHS, WITHOUT]))
def test_where_the_network_cuts_says_nothing(cuts: list[int], stream: bytes) -> None:
    """The same parts come out of one packet and of thousands."""
    reader = MultipartReader("cut")
    found: list[bytes] = []
    for size in cuts:
        piece, stream = stream[:size], stream[size:]
        found += reader.feed(piece)
    found += reader.feed(stream)
    assert found == PARTS
    assert reader.damaged == 0


def test_a_wrong_length_costs_its_own_part_only() -> None:
    """The next boundary is found again."""
    broken = WITH_LENGTHS.replace(b"Content-Length: 74", b"Content-Length: 99")
    found = MultipartReader("cut").feed(broken)
    assert found[-4:] == PARTS[-4:]


def test_noise_without_end_is_dropped_and_counted() -> None:
    """Memory stays bounded, and what makes sense again is taken."""
    reader = MultipartReader("cut")
    for _ in range(4):
        assert reader.feed(b"\xff" * MOST_HEADER_BYTES) == []
    assert reader.damaged > 0
    assert reader.feed(WITH_LENGTHS) == PARTS


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", "frame"),
        ('multipart/x-mixed-replace;boundary="--frame"', "--frame"),
        ("multipart/x-mixed-replace; charset=x; BOUNDARY=a b", "a"),
        ("multipart/x-mixed-replace", None),
    ],
)
def test_the_boundary_is_read_from_the_type(content_type: str, boundary: str | None) -> None:
    """Quoted or not, at any place."""
    assert boundary_of(content_type) == boundary
