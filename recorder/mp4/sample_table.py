"""Parses the index of a finished file: its tracks, and the times, size and offset of every sample.

Here: reading the `moov` box of files written by `muxer` (ISO/IEC 14496-12, 8.3 to 8.7). Not here: the samples
themselves (`finished_file`), patching the box (`edit_list`). Pure; needs a few bytes of memory per sample.
"""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from recorder.bitstream.nal_units import annex_b
from recorder.mp4.edit_list import Box, boxes, rotation_of, within

_VISUAL_ENTRY_BYTES, _SOUND_ENTRY_BYTES = 78, 28
_MOST_SAMPLES = 50_000_000


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a track in decode order, timed in the track's time scale.

    Times include the edit list: 0 is the first instant a player shows.
    """

    pts: "array[int]"
    dts: "array[int]"
    sizes: "array[int]"
    offsets: "array[int]"
    keys: bytes = field(repr=False)
    """One byte per sample: 1 if decoding can start there."""

    def __len__(self) -> int:
        return len(self.pts)


@dataclass(frozen=True, slots=True)
class Track:
    """One track. `length` is its presented duration in the movie's time scale."""

    kind: bytes
    time_scale: int
    length: int
    samples: Samples
    entry: bytes = field(repr=False)
    """The first sample entry, without its header."""
    rotation_deg: int = 0


def tracks(moov: bytes) -> list[Track]:
    """The tracks of a file; `moov` is the whole box with its header. Raises ValueError."""
    top = Box(b"", 0, len(moov))
    try:
        inside = within(moov, top, b"moov")
        return [_track(moov, box) for box in boxes(moov, inside.start, inside.end) if box.kind == b"trak"]
    except struct.error as error:
        raise ValueError("The index of the file is cut off.") from error


def avc_parameter_sets(entry: bytes) -> bytes:
    """The SPS and PPS of an `avc1` sample entry, as Annex B. Raises ValueError."""
    found = within(entry, Box(b"", _VISUAL_ENTRY_BYTES, len(entry)), b"avcC")
    config = entry[found.start : found.end]
    if len(config) < 7 or config[4] & 3 != 3:
        raise ValueError("The file frames its pictures in another way than ours do.")
    sets: list[bytes] = []
    position = 6
    for mask in (0x1F, 0xFF):
        # numOfSequenceParameterSets stands before the SPS, numOfPictureParameterSets between both.
        count = config[position - 1] & mask
        for _ in range(count):
            (size,) = struct.unpack_from(">H", config, position)
            sets.append(config[position + 2 : position + 2 + size])
            position += 2 + size
        position += 1
    return annex_b(sets)


def aac_config(entry: bytes) -> bytes:
    """The AudioSpecificConfig of an `mp4a` sample entry (ISO/IEC 14496-1, 7.2.6). Raises ValueError."""
    found = within(entry, Box(b"", _SOUND_ENTRY_BYTES, len(entry)), b"esds")
    position, end = found.start + 4, found.end
    heads = {3: 3, 4: 13}  # ES_Descriptor and DecoderConfigDescriptor: bytes before their nested descriptors
    while position < end:
        tag, position, size = _descriptor(entry, position)
        if tag == 5:
            return entry[position : position + size]
        position += heads.get(tag, size)
    raise ValueError("The sound of the file has no configuration.")


def _descriptor(data: bytes, position: int) -> tuple[int, int, int]:
    """Tag, start of the content, and its length."""
    tag, size = data[position], 0
    while True:
        position += 1
        size = size << 7 | data[position] & 0x7F
        if data[position] < 0x80 or size >> 28:
            return tag, position + 1, size


def _track(moov: bytes, track: Box) -> Track:
    header = within(moov, track, b"mdia", b"mdhd")
    handler = within(moov, track, b"mdia", b"hdlr")
    table = within(moov, track, b"mdia", b"minf", b"stbl")
    media_time, length = _edit(moov, track)
    description = within(moov, table, b"stsd")
    entry = next(boxes(moov, description.start + 8, description.end))
    wide = moov[header.start] == 1
    kind = moov[handler.start + 8 : handler.start + 12]
    return Track(
        kind=kind,
        time_scale=struct.unpack_from(">I", moov, header.start + (20 if wide else 12))[0],
        length=length,
        samples=_samples(moov, table, media_time),
        entry=moov[entry.start : entry.end],
        rotation_deg=rotation_of(moov, within(moov, track, b"tkhd")) if kind == b"vide" else 0,
    )


def _edit(moov: bytes, track: Box) -> tuple[int, int]:
    """Media time of the start of the presentation, and its duration."""
    elst = within(moov, track, b"edts", b"elst")
    wide = moov[elst.start] == 1
    (entries,) = struct.unpack_from(">I", moov, elst.start + 4)
    length, media_time = struct.unpack_from(">Qq" if wide else ">Ii", moov, elst.start + 8)
    if entries != 1 or media_time < 0:
        raise ValueError("The edit list of the file is not one of ours.")
    return media_time, length


def _samples(moov: bytes, table: Box, media_time: int) -> Samples:
    sizes = _sizes(moov, within(moov, table, b"stsz"))
    count = len(sizes)
    if not count:
        raise ValueError("A track of the file holds no sample.")
    deltas = array("q", _run_lengths(moov, within(moov, table, b"stts"), ">II", count))
    by_kind = {box.kind: box for box in boxes(moov, table.start, table.end)}
    shifts = array("q", bytes(8 * count))
    if b"ctts" in by_kind:
        ctts = by_kind[b"ctts"]
        shifts = array("q", _run_lengths(moov, ctts, ">Ii" if moov[ctts.start] else ">II", count))
    if not len(deltas) == len(shifts) == count:
        raise ValueError("The index of the file contradicts itself.")
    dts = array("q", accumulate(deltas[:-1], initial=-media_time))
    keys = bytearray(count)
    if b"stss" in by_kind:
        for number in _words(moov, by_kind[b"stss"], 4):
            keys[number - 1] = 1
    else:
        keys = bytearray(b"\x01" * count)
    pts = array("q", (time + shift for time, shift in zip(dts, shifts, strict=True)))
    return Samples(pts, dts, sizes, _offsets(moov, table, sizes), bytes(keys))


def _sizes(moov: bytes, stsz: Box) -> "array[int]":
    common, count = struct.unpack_from(">II", moov, stsz.start + 4)
    if count > _MOST_SAMPLES:
        raise ValueError("The index of the file names more samples than a clip has.")
    if common:
        return array("I", (common,) * count)
    return array("I", struct.unpack_from(f">{count}I", moov, stsz.start + 12))


def _offsets(moov: bytes, table: Box, sizes: "array[int]") -> "array[int]":
    by_kind = {box.kind: box for box in boxes(moov, table.start, table.end)}
    wide = b"co64" in by_kind
    chunks = _words(moov, by_kind[b"co64"] if wide else within(moov, table, b"stco"), 8 if wide else 4)
    stsc = within(moov, table, b"stsc")
    (entries,) = struct.unpack_from(">I", moov, stsc.start + 4)
    runs = [struct.unpack_from(">III", moov, stsc.start + 8 + 12 * index) for index in range(entries)]
    ends = [first for first, _, _ in runs[1:]] + [len(chunks) + 1]
    offsets = array("Q")
    for (first, per_chunk, _), end in zip(runs, ends, strict=True):
        for chunk in range(first - 1, end - 1):
            at = chunks[chunk]
            for _ in range(per_chunk):
                if len(offsets) == len(sizes):
                    raise ValueError("The index of the file contradicts itself.")
                offsets.append(at)
                at += sizes[len(offsets) - 1]
    if len(offsets) != len(sizes):
        raise ValueError("The index of the file contradicts itself.")
    return offsets


def _words(moov: bytes, box: Box, width: int) -> tuple[int, ...]:
    (count,) = struct.unpack_from(">I", moov, box.start + 4)
    return struct.unpack_from(f">{count}{'Q' if width == 8 else 'I'}", moov, box.start + 8)


def _run_lengths(moov: bytes, box: Box, form: str, most: int) -> Iterator[int]:
    """The expanded values of a run-length table. Raises ValueError instead of yielding more than `most`."""
    (entries,) = struct.unpack_from(">I", moov, box.start + 4)
    total = 0
    for index in range(entries):
        count, value = struct.unpack_from(form, moov, box.start + 8 + 8 * index)
        total += count
        if total > most:
            raise ValueError("The index of the file contradicts itself.")
        for _ in range(count):
            yield value
