"""A frame of a clip that only the store has, without fetching the clip."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.catalogue import Clip, Location
from backend.http.problems import STATUSES
from backend.pictures.frame_material import FrameMaterial
from backend.playback.clip_bytes import key_of
from backend.playback.clip_index import FIRST_BYTES
from backend.problems.refused import Refused
from recorder.base.workers import WorkerPool
from recorder.mp4.muxer import write_mp4
from recorder.stills.decoder import frame_from_file
from tests.support.backend.clips import a_clip
from tests.support.backend.houses import House, house, settings_of
from tests.support.media import Camera, counter_in, counter_times, units_of
from tests.support.s3_servers import S3Server

CAMERA = Camera(gop=300, bframes=3)
START_NS = 5_000_000_000
FIRST, END = 17, 2117
SIZE = 12 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    running = S3Server("rclone", tmp_path_factory.mktemp("s3") / "data")
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Seventy seconds in GOPs of ten, whose index is long, as large as a clip of a real camera."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    start_ns, end_ns = counter_times(START_NS, CAMERA.fps, (FIRST, END))
    write_mp4(path, units_of(CAMERA, 2150), start_ns, end_ns)
    media = path.read_bytes()
    assert media.index(b"mdat") > FIRST_BYTES
    return media + (SIZE - len(media)).to_bytes(4, "big") + b"free" + bytes(SIZE - len(media) - 8)


@pytest.fixture(scope="module")
def workers() -> Iterator[WorkerPool]:
    pool = WorkerPool(1)
    pool.start()
    yield pool
    pool.close()


@pytest.fixture
async def made(tmp_path: Path, server: S3Server) -> AsyncIterator[House]:
    async with house(tmp_path, settings_of(server)) as opened:
        assert opened.store is not None
        await opened.store.prepare()
        yield opened


@pytest.fixture
async def material(made: House, workers: WorkerPool, tmp_path: Path) -> AsyncIterator[FrameMaterial]:
    yield FrameMaterial(made.clip_bytes, made.indexes, workers, tmp_path / "frames")
    assert list((tmp_path / "frames").glob("*")) == [], "nothing stays on the disk"


def a_remote_clip() -> Clip:
    return a_clip(size_bytes=SIZE, location=Location.REMOTE, duration_s=(END - FIRST) / 30)


def allocated_bytes(path: Path) -> int:
    return path.stat().st_blocks * 512


async def test_only_the_index_and_the_way_to_the_frame_are_fetched(
    made: House, material: FrameMaterial, body: bytes
) -> None:
    """At any place of any GOP, and nothing stays on the disk."""
    clip = a_remote_clip()
    await made.upload(clip, body)
    for counter in (17, 18, 299, 300, 301, 1111, 1499, 1500, 2116):
        time_s = (counter - FIRST) / 30 + 0.001
        async with material.for_frame(clip, time_s) as path:
            picture, _ = await asyncio.to_thread(frame_from_file, path, time_s)
            assert counter_in(picture) == counter
            assert allocated_bytes(path) < SIZE // 4


async def test_what_is_here_is_taken_from_here(made: House, material: FrameMaterial, body: bytes) -> None:
    """No copy, no store."""
    clip = a_clip(size_bytes=SIZE, location=Location.BOTH)
    kept = made.keep(clip, body)
    async with material.for_frame(clip, 1.0) as path, material.whole(clip) as whole:
        assert path == whole == kept


async def test_a_whole_file_is_fetched_where_it_is_needed(made: House, material: FrameMaterial) -> None:
    """A snapshot is small."""
    clip = a_clip(size_bytes=5, location=Location.REMOTE)
    await made.upload(clip, b"12345")
    async with material.whole(clip) as path:
        assert path.read_bytes() == b"12345"
    assert not path.exists()


@pytest.mark.parametrize(("stored", "said"), [(None, "gone"), (b"12345", "else"), (bytes(SIZE), "index")])
async def test_a_store_that_has_something_else_is_a_problem_and_leaves_nothing(
    made: House, material: FrameMaterial, stored: bytes | None, said: str
) -> None:
    """Nothing at all, another length, no index in front."""
    clip = a_remote_clip()
    store = made.store
    assert store is not None
    if stored is not None:
        await made.upload(clip, stored)
    else:
        await store.delete(key_of(clip))
    with pytest.raises(Refused) as refused:
        async with material.for_frame(clip, 1.0):
            pass
    assert STATUSES[refused.value.kind] == 502
    assert said in refused.value.title
