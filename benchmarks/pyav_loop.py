"""The least a Python program can do to keep what a camera sends: read packets, copy them into a deque.

A program of its own, so that it can be measured like the others: what the daemon costs beyond it is ours,
what it costs beyond ffmpeg is the interpreter's and PyAV's.
"""

import sys
from collections import deque

import av
import av.logging

TIMEOUT_S = 5.0


def main() -> None:
    """`pyav_loop.py URL FRAMES`; ends on SIGTERM."""
    url, frames = sys.argv[1], int(sys.argv[2])
    av.logging.set_level(None)
    held: deque[tuple[bytes, int | None, int | None, bool]] = deque(maxlen=frames)
    options = {"rtsp_transport": "tcp", "allowed_media_types": "video"}
    # With a time-out, as whoever wants to notice a dead camera must: PyAV then asks the clock at every read.
    with av.open(url, format="rtsp", options=options, timeout=TIMEOUT_S) as container:
        for packet in container.demux(container.streams.video[0]):
            held.append((bytes(packet), packet.pts, packet.dts, packet.is_keyframe))


if __name__ == "__main__":
    main()
