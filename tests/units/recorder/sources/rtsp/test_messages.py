"""A connection comes apart into messages and frames, wherever it is cut and whatever is in it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.sources.rtsp.messages import (
    MOST_BODY_BYTES,
    MOST_HEADER_BYTES,
    Message,
    ProtocolError,
    Splitter,
    usable_uri,
)

RESPONSE = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 5\r\n\r\nv=0\r\n"
FRAME = b"$\x00\x00\x05RTSP/"
STREAM = b"\r\n" + RESPONSE + FRAME * 2 + b"OPTIONS rtsp://a RTSP/1.0\nCSeq: 1\n\n" + FRAME


def told(pieces: list[bytes | Message]) -> tuple[bytes, list[str]]:
    """The bytes of all frames, and the first lines of all messages."""
    frames = b"".join(piece for piece in pieces if isinstance(piece, bytes))
    return frames, [piece.start for piece in pieces if isinstance(piece, Message)]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_where_the_network_cuts_does_not_matter(cuts: list[int]) -> None:
    """A frame that looks like text is data, and text between frames is found."""
    splitter, places = Splitter(), [0, *sorted(cuts), len(STREAM)]
    pieces = [p for begin, end in pairwise(places) for p in splitter.feed(STREAM[begin:end])]
    assert told(pieces) == (FRAME * 3, ["RTSP/1.0 200 OK", "OPTIONS rtsp://a RTSP/1.0"])


@given(data=st.binary(max_size=4000), size=st.integers(1, 700))
def test_noise_ends_in_an_error_or_passes(data: bytes, size: int) -> None:
    """And what is held stays within the bounds of one message."""
    splitter = Splitter()
    try:
        for begin in range(0, len(data), size):
            splitter.feed(data[begin : begin + size])
    except ProtocolError:
        return
    assert len(splitter._held) <= MOST_HEADER_BYTES + MOST_BODY_BYTES


def test_a_message_is_read_with_its_headers_and_body() -> None:
    """In any case and with folded lines, as cameras send them."""
    [message] = Splitter().feed(
        b"RTSP/1.0 401 No\r\nWWW-authenticate: Basic\r\n realm=x\r\nX\r\ncseq:7\r\n\r\n"
    )
    assert isinstance(message, Message)
    assert (message.status, message.reason, message.request) == (401, "No", None)
    assert (message.get("www-authenticate"), message.get("cseq")) == ("Basic realm=x", "7")
    [message] = Splitter().feed(RESPONSE)
    assert isinstance(message, Message)
    assert message.body == b"v=0\r\n"


def test_noise_between_frames_is_dropped_up_to_the_next() -> None:
    """Firmware that loses bytes breaks the framing; the rest of the connection is worth having."""
    assert told(Splitter().feed(FRAME + b"\x01\x02noise" + FRAME)) == (FRAME * 2, [])
    assert told(Splitter().feed(b"noise\r\n\r\n" + RESPONSE)) == (b"", ["RTSP/1.0 200 OK"])


@pytest.mark.parametrize(
    "data",
    [
        b"RTSP/1.0 200 OK\r\nX: " + b"y" * MOST_HEADER_BYTES,
        b"RTSP/1.0 200 OK\r\nContent-Length: 2000000000\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 1e3\r\n\r\n",
    ],
)
def test_messages_without_bound_are_refused(data: bytes) -> None:
    """They would be held until the time-out, by the hundred megabytes."""
    with pytest.raises(ProtocolError):
        Splitter().feed(data)


def test_nothing_in_a_header_begins_another() -> None:
    """What a camera named is sent again as one line and one field."""
    message = Message("SETUP a RTSP/1.0", (("X", "1\r\nAuthorization: stolen\x00"),))
    assert message.encoded() == b"SETUP a RTSP/1.0\r\nX: 1Authorization: stolen\r\n\r\n"
    assert usable_uri(" rtsp://a/b c\r\nX: 1\t") == "rtsp://a/b%20cX:%201"
