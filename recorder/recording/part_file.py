"""The crash-safe file of a recording in progress: an append-only log of the units as received.

Here: writing it, and reading back what survived a crash. Not here: when to sync (`recording_task`), muxing a
playable file (`muxer`). Blocking; a writer belongs to one disk thread at a time, readers may run beside it.

Layout, little-endian: 8 bytes magic, then records. A record is a 20-byte head (marker, kind, payload
length, CRC-32 of kind, length and payload, 4 reserved bytes) and its payload:

    header   JSON, the first record: `PartHeader`, parameter sets in hex
    unit     sequence, run, flags, pts_ns, dts_ns, duration_ns, then the data
    end      JSON {"end_ns": …}: replaces the planned end
    label    JSON {"base_ns": …, "base_label_us": …}: replaces the anchor of the labels
    seal     empty: end of the part. Missing if the recording was interrupted
    format   JSON: the `AudioFormat` of the sound that follows, its configuration in hex
    sound    sequence, pts_ns, then one frame

All units of a part share one epoch. Reading stops at the first record that is torn or fails its CRC.
"""

import json
import os
import struct
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from recorder.base.durable import sync_directory
from recorder.base.errors import PartFileDamaged
from recorder.base.own_files import open_own, own_descriptor
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.audio_unit import AudioFormat, AudioUnit
from recorder.mp4.sound_cut import most_pieces

_MAGIC = b"HSPART1\n"
_MARKER = 0x54524150  # "PART"
_HEAD = struct.Struct("<IIIII")
_UNIT = struct.Struct("<QIIqqq")
_HEADER, _UNIT_KIND, _END, _LABEL, _SEAL = 1, 2, 3, 4, 5
_FORMAT_KIND, _SOUND_KIND = 16, 17
_SOUND = struct.Struct("<Qq")
_MOST_UNTAKEN = 50_000
_KEYFRAME = 1
_MAX_PAYLOAD_BYTES = 64 * 1024 * 1024
_POLL_EVERY_S = 0.1
_MAX_BUFFERS_PER_WRITE = 512  # IOV_MAX is 1024 on Linux


@dataclass(frozen=True, slots=True)
class PartHeader:
    """The data needed to finish a recording without the process that began it.

    `start_ns` and `end_ns` (None: until stopped) are its span, `pressed_ns` is the time of the press.
    Labels: `base_label_us` (microseconds since 1970, UTC) is the label of `base_ns`. `clock` is the
    `ClockState` of the labels.
    """

    recording_id: str
    camera_id: str
    recorder_id: str
    epoch: Epoch
    base_ns: int
    base_label_us: int
    start_ns: int
    end_ns: int | None
    pressed_ns: int
    continued_from: str | None = None
    clock: str = ""
    rotation_deg: int = 0
    """Clockwise rotation that makes the camera's pictures upright."""


class PartWriter:
    """Creates a part file and appends to it. Every method may raise OSError.

    A partial write is rolled back, so earlier records stay readable and later ones reachable.
    """

    def __init__(self, path: Path, header: PartHeader) -> None:
        """Create `path`, which must not exist, and write the header; both are durable."""
        self._epoch = header.epoch
        self._sound_format: AudioFormat | None = None
        self._size_bytes = 0
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            self._write([_MAGIC, *_record(_HEADER, _header_to_json(header))])
            os.fsync(self._fd)
            sync_directory(path.parent)
        except OSError:
            self.close()
            with suppress(OSError):
                path.unlink()
            raise

    @classmethod
    def reopen(cls, path: Path) -> "PartWriter":
        """Continue a part that has no writer; a record torn by a crash is truncated.

        Reads all record heads. Raises PartFileDamaged, OSError.
        """
        with open_own(path) as file:
            header, position = _read_header(file)
            good_bytes = _good_bytes(file, position)
        writer = cls.__new__(cls)
        writer._epoch, writer._sound_format, writer._size_bytes = header.epoch, None, good_bytes
        writer._fd = own_descriptor(path, os.O_WRONLY)
        try:
            os.ftruncate(writer._fd, good_bytes)
            os.lseek(writer._fd, good_bytes, os.SEEK_SET)
            os.fsync(writer._fd)
        except OSError:
            writer.close()
            raise
        return writer

    @property
    def size_bytes(self) -> int:
        """Bytes written so far."""
        return self._size_bytes

    def append(self, units: Sequence[AccessUnit]) -> None:
        """Append units of the part's epoch. Not durable before `sync`."""
        buffers: list[bytes] = []
        for unit in units:
            if unit.epoch is not self._epoch and unit.epoch != self._epoch:
                raise ValueError("A part file holds units of one epoch; a new epoch needs a new part.")
            flags = _KEYFRAME if unit.is_keyframe else 0
            times = (unit.pts_ns, unit.dts_ns, unit.duration_ns)
            buffers += _record(_UNIT_KIND, _UNIT.pack(unit.sequence, unit.run, flags, *times), unit.data)
        self._write(buffers)

    def append_sound(self, units: Sequence[AudioUnit]) -> None:
        """Append sound frames. Not durable before `sync`."""
        buffers: list[bytes] = []
        sound_format = self._sound_format
        for unit in units:
            if unit.format != sound_format:
                sound_format = unit.format
                buffers += _record(_FORMAT_KIND, _format_to_json(sound_format))
            buffers += _record(_SOUND_KIND, _SOUND.pack(unit.sequence, unit.pts_ns), unit.data)
        self._write(buffers)
        self._sound_format = sound_format

    def set_end(self, end_ns: int | None) -> None:
        """Record a new end of the span (None: until stopped)."""
        self._write(_record(_END, _json_bytes({"end_ns": end_ns})))

    def relabel(self, base_ns: int, base_label_us: int) -> None:
        """Record a new anchor of the labels after a step of the wall clock."""
        self._write(_record(_LABEL, _json_bytes({"base_ns": base_ns, "base_label_us": base_label_us})))

    def seal(self) -> None:
        """Mark the end of the part, for readers that follow it (`PartTail`)."""
        self._write(_record(_SEAL))

    def sync(self) -> None:
        """Make everything appended so far durable."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Close without syncing. Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _write(self, buffers: list[bytes]) -> None:
        before = self._size_bytes
        try:
            for at in range(0, len(buffers), _MAX_BUFFERS_PER_WRITE):
                self._size_bytes += _write_all(self._fd, buffers[at : at + _MAX_BUFFERS_PER_WRITE])
        except OSError:
            self._size_bytes = before
            with suppress(OSError):
                os.ftruncate(self._fd, before)
                os.lseek(self._fd, before, os.SEEK_SET)
            raise


class PartReader:
    """Reads the intact part of a part file. Iterating yields the units lazily, any number of times.

    A part that is still being written is seen as of the creation of the reader.

    Opening reads and checks everything but the pictures, which it seeks over; pictures are checked while
    iterating. Raises PartFileDamaged without a usable header.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.truncated_bytes = 0
        """Bytes after the last good record; grows when iterating finds a damaged picture."""
        self.unit_count = 0
        """Units with an intact head; an upper bound of what iterating yields."""
        self._sound_format: AudioFormat | None = None
        self._sound_pts_ns: tuple[int, int] | None = None
        with open_own(path) as file:
            self.header, self._units_at = _read_header(file)
            self._size_bytes = os.fstat(file.fileno()).st_size
            self._scan(file)

    def __iter__(self) -> "_Units":
        return _Units(self)

    def _scan(self, file: BinaryIO) -> None:
        position, size_bytes = self._units_at, self._size_bytes
        while position < size_bytes:
            file.seek(position)
            head = _read_head(file)
            if head is None or position + _HEAD.size + head[1] > size_bytes:
                break
            kind, length, check = head
            if kind == _UNIT_KIND:
                self.unit_count += 1
            else:
                payload = file.read(length)
                if _check(kind, payload) != check:
                    break
                self._note(kind, payload)
            position += _HEAD.size + length
        self.truncated_bytes = max(0, size_bytes - position)

    def _note(self, kind: int, payload: bytes) -> None:
        self.header = _applied(self.header, kind, payload)
        if kind == _FORMAT_KIND and self._sound_format is None:
            self._sound_format = _format_from(json.loads(payload))
        elif kind == _SOUND_KIND:
            _, pts_ns = _SOUND.unpack_from(payload)
            first_ns = pts_ns if self._sound_pts_ns is None else self._sound_pts_ns[0]
            self._sound_pts_ns = first_ns, pts_ns

    @property
    def sound(self) -> "PartSound":
        """The sound of the part; may be iterated any number of times."""
        return PartSound(self)

    def _most_pieces(self) -> int:
        if self._sound_pts_ns is None or self._sound_format is None:
            return 0
        first_ns, last_ns = self._sound_pts_ns
        first = AudioUnit(0, self._sound_format, first_ns, b"")
        return most_pieces(first, last_ns + self._sound_format.frame_ns, self.header.start_ns)

    def _read_sound(self) -> Iterator[AudioUnit]:
        sound_format: AudioFormat | None = None
        with open_own(self._path) as file:
            position = self._units_at
            while position < self._size_bytes:
                file.seek(position)
                head = _read_head(file)
                if head is None:
                    return
                kind, length, check = head
                position += _HEAD.size + length
                if kind not in (_FORMAT_KIND, _SOUND_KIND):
                    continue
                payload = file.read(length)
                if len(payload) < length or _check(kind, payload) != check:
                    return
                if kind == _FORMAT_KIND:
                    sound_format = _format_from(json.loads(payload))
                elif sound_format is not None:
                    yield _sound_from(payload, sound_format)

    def _read_units(self) -> Iterator[AccessUnit]:
        epoch = self.header.epoch
        with open_own(self._path) as file:
            file.seek(self._units_at)
            position = self._units_at
            while position < self._size_bytes and (record := _read_record(file)) is not None:
                position += _HEAD.size + len(record[1])
                if record[0] == _UNIT_KIND:
                    yield _unit_from(record[1], epoch)
            self.truncated_bytes = max(0, self._size_bytes - position)


class PartTail:
    """Reads a part file while it grows. Iterate once; blocking, for a worker process.

    When a unit is yielded, `sound` already holds the sound written before it. With `follow` the iterator
    waits at the end of the file for the seal and calls `idle` about ten times a second; without, it ends
    there, as `PartReader` does. `header` is updated by control records as they are read. The constructor
    raises PartFileDamaged and OSError.
    """

    def __init__(self, path: Path, *, follow: bool, idle: Callable[[], None]) -> None:
        self._follow = follow
        self._idle = idle
        self._path = path
        self.sealed = False
        self.sound = _BufferedSound()
        self.size_bytes = 0
        """File size at the last read."""
        with open_own(path) as file:
            self.header, self.read_bytes = _read_header(file)

    def __iter__(self) -> Iterator[AccessUnit]:
        epoch = self.header.epoch
        with open_own(self._path) as file:
            while not self.sealed:
                file.seek(self.read_bytes)
                record = _read_record(file)
                self.size_bytes = os.fstat(file.fileno()).st_size
                if record is None:
                    # Also if a record looks damaged: its writer may still be writing it.
                    if not self._follow:
                        return
                    self._idle()
                    time.sleep(_POLL_EVERY_S)
                    continue
                kind, payload = record
                self.read_bytes = file.tell()
                if kind == _UNIT_KIND:
                    yield _unit_from(payload, epoch)
                elif kind == _SEAL:
                    self.sealed = True
                elif kind in (_FORMAT_KIND, _SOUND_KIND):
                    self.sound.add(kind, payload)
                else:
                    self.header = _applied(self.header, kind, payload)


class _BufferedSound:
    """The sound frames read so far. Iteration stops when none is left and can resume when more arrive."""

    def __init__(self) -> None:
        self._format: AudioFormat | None = None
        # Bounded, because no one consumes them if the first unit precedes the first sound.
        self._frames: deque[AudioUnit] = deque(maxlen=_MOST_UNTAKEN)

    def __iter__(self) -> "_BufferedSound":
        return self

    def __next__(self) -> AudioUnit:
        if not self._frames:
            raise StopIteration
        return self._frames.popleft()

    def add(self, kind: int, payload: bytes) -> None:
        if kind == _FORMAT_KIND:
            self._format = _format_from(json.loads(payload))
        elif self._format is not None:
            self._frames.append(_sound_from(payload, self._format))


class PartSound:
    """The sound of a part file in order, with a length hint of the pieces it may need (`SoundCut`)."""

    def __init__(self, reader: PartReader) -> None:
        self._reader = reader

    def __iter__(self) -> Iterator[AudioUnit]:
        return self._reader._read_sound()

    def __length_hint__(self) -> int:
        return self._reader._most_pieces()


class _Units:
    """An iterator with a length hint, so the muxer can reserve space for `moov`."""

    def __init__(self, reader: PartReader) -> None:
        self._units = reader._read_units()
        self._left = reader.unit_count

    def __iter__(self) -> "_Units":
        return self

    def __next__(self) -> AccessUnit:
        unit = next(self._units)
        self._left = max(0, self._left - 1)
        return unit

    def __length_hint__(self) -> int:
        return self._left


def _record(kind: int, *payload: bytes) -> list[bytes]:
    length = sum(len(part) for part in payload)
    return [_HEAD.pack(_MARKER, kind, length, _check(kind, *payload), 0), *payload]


def _check(kind: int, *payload: bytes) -> int:
    check = zlib.crc32(struct.pack("<II", kind, sum(len(part) for part in payload)))
    for part in payload:
        check = zlib.crc32(part, check)
    return check


def _read_head(file: BinaryIO) -> tuple[int, int, int] | None:
    """(kind, payload length, CRC), or None if no record begins here."""
    raw = file.read(_HEAD.size)
    if len(raw) < _HEAD.size:
        return None
    marker, kind, length, check, _ = _HEAD.unpack(raw)
    return (kind, length, check) if marker == _MARKER and length <= _MAX_PAYLOAD_BYTES else None


def _read_record(file: BinaryIO) -> tuple[int, bytes] | None:
    """(kind, payload), or None if no intact record begins here."""
    head = _read_head(file)
    if head is None:
        return None
    kind, length, check = head
    payload = file.read(length)
    return (kind, payload) if len(payload) == length and _check(kind, payload) == check else None


def _good_bytes(file: BinaryIO, position: int) -> int:
    """The end of the last intact record. Only the last record is checked; earlier ones were synced."""
    size_bytes = os.fstat(file.fileno()).st_size
    last = position
    while position < size_bytes:
        file.seek(position)
        head = _read_head(file)
        if head is None or position + _HEAD.size + head[1] > size_bytes:
            break
        last, position = position, position + _HEAD.size + head[1]
    file.seek(last)
    return position if last == position or _read_record(file) is not None else last


def _applied(header: PartHeader, kind: int, payload: bytes) -> PartHeader:
    """`header` updated by a control record; other kinds change nothing."""
    if kind not in (_END, _LABEL):
        return header
    values: dict[str, Any] = json.loads(payload)
    if kind == _END:
        return replace(header, end_ns=values["end_ns"])
    return replace(header, base_ns=values["base_ns"], base_label_us=values["base_label_us"])


def _read_header(file: BinaryIO) -> tuple[PartHeader, int]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise PartFileDamaged("This is not a part file, or its beginning is lost.")
    head = _read_head(file)
    payload = file.read(head[1]) if head else b""
    if head is None or head[0] != _HEADER or _check(_HEADER, payload) != head[2]:
        raise PartFileDamaged("The header of the part file is damaged.")
    try:
        return _header_from_json(payload), file.tell()
    except (ValueError, KeyError, TypeError) as error:
        raise PartFileDamaged("The header of the part file cannot be understood.") from error


def _header_to_json(header: PartHeader) -> bytes:
    values = asdict(header)
    values["epoch"]["parameter_sets"] = header.epoch.parameter_sets.hex()
    return _json_bytes(values)


def _header_from_json(payload: bytes) -> PartHeader:
    values: dict[str, Any] = json.loads(payload)
    epoch = values.pop("epoch")
    sets = bytes.fromhex(epoch["parameter_sets"])
    return PartHeader(epoch=Epoch(Codec(epoch["codec"]), epoch["width"], epoch["height"], sets), **values)


def _unit_from(payload: bytes, epoch: Epoch) -> AccessUnit:
    sequence, run, flags, pts_ns, dts_ns, duration_ns = _UNIT.unpack_from(payload)
    return AccessUnit(
        sequence=sequence,
        run=run,
        epoch=epoch,
        is_keyframe=bool(flags & _KEYFRAME),
        pts_ns=pts_ns,
        dts_ns=dts_ns,
        duration_ns=duration_ns,
        data=payload[_UNIT.size :],
    )


def _sound_from(payload: bytes, sound_format: AudioFormat) -> AudioUnit:
    sequence, pts_ns = _SOUND.unpack_from(payload)
    return AudioUnit(sequence, sound_format, pts_ns, payload[_SOUND.size :])


def _format_to_json(sound: AudioFormat) -> bytes:
    return _json_bytes({**asdict(sound), "config": sound.config.hex()})


def _format_from(values: dict[str, Any]) -> AudioFormat:
    return AudioFormat(values["sample_rate_hz"], values["channels"], bytes.fromhex(values["config"]))


def _json_bytes(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()


def _write_all(fd: int, buffers: list[bytes]) -> int:
    """Write all of `buffers`, despite short writes; return the number of bytes."""
    total = sum(len(buffer) for buffer in buffers)
    written = os.writev(fd, buffers) if buffers else 0
    if written < total:
        rest = memoryview(b"".join(buffers))
        while written < total:
            written += os.write(fd, rest[written:])
    return total
