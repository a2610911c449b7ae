"""The bytes of a ZIP archive around its entries' contents, and how long the whole will be. Pure.

Entries are stored, not compressed: video does not get smaller. Sizes are known before the first byte
is sent and checksums only after the last of an entry, so each content is followed by a data descriptor
(bit 3). ZIP64 where a size, an offset or the number of entries asks for it, and only there (PKWARE
APPNOTE 6.3.10).
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

LIMIT_32 = 0xFFFFFFFF
LIMIT_16 = 0xFFFF
_FLAGS = 0x0008 | 0x0800  # a descriptor follows; names are UTF-8
_PLAIN, _ZIP64 = 20, 45
_MADE_BY_UNIX = 3 << 8 | _ZIP64
_REGULAR_FILE = 0o100644 << 16
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END_64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the archive. `modified` is naive UTC."""

    name: str
    size_bytes: int
    modified: datetime

    @property
    def needs_zip64(self) -> bool:
        return self.size_bytes >= LIMIT_32


class ZipLayout:
    """Where everything is. Send, for each entry: `header`, the content, `descriptor`; then `directory`."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)
        self._offsets: list[int] = []
        at = 0
        for entry in self.entries:
            self._offsets.append(at)
            at += len(_header(entry)) + entry.size_bytes + len(_descriptor(entry, 0))
        self._directory_at = at
        self.total_bytes = at + len(self.directory([0] * len(self.entries)))
        """The length of the whole archive."""

    def header(self, number: int) -> bytes:
        """What stands before the content of an entry."""
        return _header(self.entries[number])

    def descriptor(self, number: int, crc32: int) -> bytes:
        """What stands behind the content of an entry."""
        return _descriptor(self.entries[number], crc32)

    def directory(self, crc32s: Sequence[int]) -> bytes:
        """The end of the archive; as long whatever the checksums are."""
        zipped = zip(self.entries, self._offsets, crc32s, strict=True)
        central = b"".join(_central(entry, offset, crc32) for entry, offset, crc32 in zipped)
        return central + self._end(len(central))

    def _end(self, length: int) -> bytes:
        count, at = len(self.entries), self._directory_at
        zip64 = count >= LIMIT_16 or length >= LIMIT_32 or at >= LIMIT_32
        end = _END.pack(
            b"PK\5\6", 0, 0, *[min(count, LIMIT_16)] * 2, min(length, LIMIT_32), min(at, LIMIT_32), 0
        )
        if not zip64:
            return end
        size = _END_64.size - 12  # of what follows its own size field
        end_64 = _END_64.pack(b"PK\6\6", size, _MADE_BY_UNIX, _ZIP64, 0, 0, count, count, length, at)
        return end_64 + _LOCATOR.pack(b"PK\6\7", 0, at + length, 1) + end


def _header(entry: Entry) -> bytes:
    name = entry.name.encode()
    # With a descriptor the sizes here are 0; the ZIP64 field only says that the descriptor is a long one.
    extra = struct.pack("<2H2Q", 1, 16, 0, 0) if entry.needs_zip64 else b""
    extra += _exact_time(entry.modified)
    size = LIMIT_32 if entry.needs_zip64 else 0
    version = _ZIP64 if entry.needs_zip64 else _PLAIN
    time, date = _dos_time(entry.modified)
    head = _LOCAL.pack(b"PK\3\4", version, _FLAGS, 0, time, date, 0, size, size, len(name), len(extra))
    return head + name + extra


def _descriptor(entry: Entry, crc32: int) -> bytes:
    form = "<4sI2Q" if entry.needs_zip64 else "<4s3I"
    return struct.pack(form, b"PK\7\10", crc32, entry.size_bytes, entry.size_bytes)


def _central(entry: Entry, offset: int, crc32: int) -> bytes:
    name = entry.name.encode()
    long = [entry.size_bytes] * 2 if entry.needs_zip64 else []
    long += [offset] if offset >= LIMIT_32 else []
    extra = struct.pack(f"<2H{len(long)}Q", 1, 8 * len(long), *long) if long else b""
    extra += _exact_time(entry.modified)
    size = min(entry.size_bytes, LIMIT_32)
    version = _ZIP64 if long else _PLAIN
    time, date = _dos_time(entry.modified)
    lengths = (len(name), len(extra), 0, 0, 0)
    head = _CENTRAL.pack(
        b"PK\1\2", _MADE_BY_UNIX, version, _FLAGS, 0, time, date, crc32, size, size,
        *lengths, _REGULAR_FILE, min(offset, LIMIT_32),
    )  # fmt: skip
    return head + name + extra


def _dos_time(moment: datetime) -> tuple[int, int]:
    """The old fields, which know no zone and only the years 1980 to 2107."""
    if moment.year < 1980:
        return 0, 1 << 5 | 1
    year = min(moment.year, 2107) - 1980
    return (
        moment.hour << 11 | moment.minute << 5 | moment.second // 2,
        year << 9 | moment.month << 5 | moment.day,
    )


def _exact_time(moment: datetime) -> bytes:
    """The extended timestamp: Unix seconds, so that no zone is guessed."""
    seconds = int(moment.replace(tzinfo=UTC).timestamp())
    return struct.pack("<2HBi", 0x5455, 5, 1, max(-(2**31), min(seconds, 2**31 - 1)))
