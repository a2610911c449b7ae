"""Archives that every program opens: exact length, ZIP64 only where it must be, names that harm nobody."""

import io
import os
import shutil
import subprocess
import tracemalloc
import zipfile
import zlib
from collections.abc import AsyncGenerator
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.playback.archive import PIECE_BYTES, Archive
from backend.playback.archive_names import archive_names
from backend.playback.zip_layout import Entry, ZipLayout
from tests.support.backend.clips import a_clip

AT = datetime(2025, 10, 26, 8, 0, 2)
GIB = 1024**3


def written(contents: dict[str, bytes], at: datetime = AT) -> tuple[bytes, ZipLayout]:
    layout = ZipLayout([Entry(name, len(content), at) for name, content in contents.items()])
    parts = []
    for number, content in enumerate(contents.values()):
        parts += [layout.header(number), content, layout.descriptor(number, zlib.crc32(content))]
    parts.append(layout.directory([zlib.crc32(content) for content in contents.values()]))
    return b"".join(parts), layout


@given(
    st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), st.binary(max_size=50))
)
def test_an_archive_holds_what_went_in_and_is_as_long_as_it_said(contents: dict[str, bytes]) -> None:
    """Any names, any contents, also none at all."""
    contents = {name.replace("\0", "_").replace("/", "_"): content for name, content in contents.items()}
    data, layout = written(contents)
    assert len(data) == layout.total_bytes
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == contents


@pytest.mark.parametrize("year", [1601, 1979, 1980, 2025, 2107, 2300])
def test_a_clock_of_any_year_makes_a_readable_archive(year: int) -> None:
    """A box that thinks it is 1970 can send its clips too."""
    data, _ = written({"a.mp4": b"a"}, AT.replace(year=year))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.getinfo("a.mp4").date_time[0] == min(max(year, 1980), 2107)


def test_a_file_over_four_gibibytes_and_one_behind_it_are_found(tmp_path: Path) -> None:
    """ZIP64: a long size, and an offset that needs eight bytes; written as a file with a hole."""
    layout = ZipLayout([Entry("big", 5 * GIB, AT), Entry("small", 5, AT)])
    path = tmp_path / "big.zip"
    with path.open("wb") as file:
        file.write(layout.header(0))
        file.seek(5 * GIB, os.SEEK_CUR)
        file.write(layout.descriptor(0, 0) + layout.header(1) + b"small")
        file.write(layout.descriptor(1, zlib.crc32(b"small")) + layout.directory([0, zlib.crc32(b"small")]))
        assert file.tell() == layout.total_bytes
    with zipfile.ZipFile(path) as archive:
        assert [info.file_size for info in archive.infolist()] == [5 * GIB, 5]
        assert archive.read("small") == b"small"


def test_more_entries_than_sixteen_bits_count(tmp_path: Path) -> None:
    """ZIP64 for the number alone."""
    data, layout = written({f"{n}": b"" for n in range(70_000)})
    assert len(data) == layout.total_bytes
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.infolist()) == 70_000


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not installed")
def test_another_program_finds_no_fault(tmp_path: Path) -> None:
    """Info-ZIP checks more than Python does."""
    data, _ = written({"Tür 狐.mp4": b"x" * 1000, "b.mp4": b""})
    (tmp_path / "a.zip").write_bytes(data)
    tested = subprocess.run(["unzip", "-t", "a.zip"], cwd=tmp_path, capture_output=True, check=False)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_names_are_harmless_and_no_two_alike() -> None:
    """Paths, control marks, other letters' case, and titles longer than a file system takes."""
    titles = [
        "../../etc/passwd", "Gate", "gate", "GATE", "a\u202egpj.exe", ".hidden", "狐" * 200, "狐" * 200,
        "con", "Ä", "A\u0308", "\u200b", "x" * 500, "🦊" * 80, "🦊" * 90, "a\u2067b",
    ]  # fmt: skip
    names = archive_names([a_clip(title=title) for title in titles])
    assert len({name.casefold() for name in names}) == len(titles)
    for name in names:
        assert "/" not in name
        assert not name.startswith(".")
        assert not {"\u202e", "\u2067"} & set(name)
        assert name.endswith(".mp4")
        assert len(name.encode()) <= 255
    assert names[1:4] == [f"{n} 2025-10-26 08-00-00Z{more}.mp4" for n, more in
                          (("Gate", ""), ("gate", " (2)"), ("GATE", " (3)"))]  # fmt: skip


class Zeros:
    """A content that is not there until it is read."""

    def __init__(self, size_bytes: int, really: int | None = None) -> None:
        self.size_bytes = size_bytes
        self._really = size_bytes if really is None else really
        self.closed = False

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        for at in range(0, self._really, PIECE_BYTES):
            yield bytes(min(PIECE_BYTES, self._really - at))

    async def close(self) -> None:
        self.closed = True


async def test_memory_does_not_grow_with_the_archive() -> None:
    """200 MB through a few pieces, each content closed behind it."""
    contents = [Zeros(50_000_000) for _ in range(4)]
    layout = ZipLayout([Entry(f"{n}", content.size_bytes, AT) for n, content in enumerate(contents)])
    sent = 0
    tracemalloc.start()
    try:
        async for piece in Archive(layout, contents, "job").pieces():
            sent += len(piece)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent == layout.total_bytes
    assert peak_bytes < 8 * PIECE_BYTES
    assert all(content.closed for content in contents)


@pytest.mark.parametrize("really", [10, 5_000_000])
async def test_a_file_that_changed_meanwhile_breaks_the_download_instead_of_lying(really: int) -> None:
    """Shorter or longer than was said: the client sees that it is not whole."""
    layout = ZipLayout([Entry("a", 1_000_000, AT)])
    with pytest.raises(ConnectionResetError):
        async for _ in Archive(layout, [Zeros(1_000_000, really)], "job").pieces():
            pass
