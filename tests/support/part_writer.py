"""A process that writes a part file until it is killed; prints how many units are synced by now."""

import sys
from itertools import count
from pathlib import Path

from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.recording.part_file import PartHeader, PartWriter

EPOCH = Epoch(Codec.H264, 640, 480, b"sets")
HEADER = PartHeader("id", "cam", "box", EPOCH, 0, 0, 0, None, 0)


def main(path: Path) -> None:
    """Never returns."""
    writer = PartWriter(path, HEADER)
    for number in count():
        writer.append([AccessUnit(number, 0, EPOCH, True, number, number, 1, bytes(5000))])
        if number % 5 == 4:
            writer.sync()
            print(number + 1, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
