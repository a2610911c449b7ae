"""Clean copies are made once, shared by concurrent requests, bounded, and deleted with their clip."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from backend.base.host import FreeSpace
from backend.catalogue import Clip, Location
from backend.http.problems import STATUSES
from backend.problems.refused import Refused
from recorder.base.tasks import Tasks
from recorder.mp4.muxer import write_mp4
from tests.support.backend.clips import a_clip
from tests.support.backend.houses import House, house, settings_of
from tests.support.media import NS_PER_S, Camera, units_of
from tests.support.s3_servers import S3Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    running = S3Server("rclone", tmp_path_factory.mktemp("s3") / "data")
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds, behind a hidden lead-in of two thirds of one."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    units, start_ns = units_of(Camera(gop=30, bframes=2), 90), 5 * NS_PER_S
    write_mp4(path, units, start_ns + 2 * NS_PER_S // 3, start_ns + 8 * NS_PER_S // 3)
    return path.read_bytes()


def frames(path: Path) -> int:
    """How many pictures can be decoded, whatever the edit list says."""
    with av.open(str(path), options={"ignore_editlist": "1"}) as container:
        return sum(1 for _ in container.decode(container.streams.video[0]))


def clip_number(number: int, **changes: object) -> Clip:
    """One of several clips."""
    clip_id = f"0199a3b0-0000-7000-8000-{number:012d}"
    return a_clip(**({"id": clip_id, "path": f"{clip_id}/clip.mp4"} | changes))


def kept(made: House) -> list[str]:
    """The files below the cache."""
    directory = made.scratch.parent / "clean"
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


async def settled(made: House, wanted: list[str]) -> None:
    """Until just these files are left: removing is work of a thread."""
    async with asyncio.timeout(20):
        while await asyncio.to_thread(kept, made) != wanted:
            await asyncio.sleep(0.01)


async def test_many_who_ask_at_once_get_one_that_is_made_once(tmp_path: Path, body: bytes) -> None:
    """And who asks later gets the same."""
    clip = clip_number(1)
    async with house(tmp_path) as made:
        made.keep(clip, body)

        async def ask() -> tuple[Path, int]:
            async with made.clean_copies.open(clip) as path:
                return path, await asyncio.to_thread(frames, path)

        answers = await asyncio.gather(*(ask() for _ in range(5)))
        assert {count for _, count in [*answers, await ask()]} == {60}
        assert made.clean_copies.counters.made == 1
        assert made.clean_copies.kept_bytes == answers[0][0].stat().st_size
        await settled(made, [f"{clip.id}.mp4"])


async def test_what_is_shared_is_clean_where_it_hides_more_than_half_a_second(
    tmp_path: Path, body: bytes
) -> None:
    """Less than that is the clip's own file."""
    async with house(tmp_path) as made:
        for number, lead_in_s in enumerate([0.0, 0.5, 0.67]):
            clip = clip_number(number, lead_in_s=lead_in_s)
            own = made.keep(clip, body)
            async with made.clean_copies.to_share(clip) as path:
                assert (path == own) == (lead_in_s <= 0.5)


async def test_the_bound_holds_and_the_longest_unused_goes(tmp_path: Path, body: bytes) -> None:
    """What is being read stays until it has been."""
    async with house(tmp_path, clean_bytes=int(len(body) * 2.5)) as made:
        clips = [clip_number(number) for number in range(4)]
        for clip in clips:
            made.keep(clip, body)
        async with made.clean_copies.open(clips[0]) as held:
            for clip in clips[1:]:
                async with made.clean_copies.open(clip):
                    pass
            assert held.exists()
        await settled(made, [f"{clips[0].id}.mp4", f"{clips[3].id}.mp4"])
        assert made.clean_copies.counters.evicted == 2


async def test_a_deleted_clip_takes_its_clean_form_along(tmp_path: Path, body: bytes) -> None:
    """Also while it is being made."""
    clip, tasks = clip_number(1), Tasks()
    async with house(tmp_path) as made:
        made.keep(clip, body)
        async with made.clean_copies.open(clip):
            pass
        made.clean_copies.forget(clip)
        await settled(made, [])

        async def ask() -> None:
            async with made.clean_copies.open(clip):
                pass

        asking = tasks.spawn(ask(), "ask")
        while not made.clean_copies.making:
            await asyncio.sleep(0)
        made.clean_copies.forget(clip)
        with pytest.raises(Refused) as refusal:
            await asking
        assert STATUSES[refusal.value.kind] == 503
        await settled(made, [])


async def test_one_that_nobody_waits_for_any_more_is_not_made(tmp_path: Path, body: bytes) -> None:
    """The client left."""
    clip, tasks = clip_number(1), Tasks()
    async with house(tmp_path) as made:
        made.keep(clip, body)

        async def ask() -> None:
            async with made.clean_copies.open(clip):
                pass

        asking = tasks.spawn(ask(), "ask")
        while not made.clean_copies.making:
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
        async with asyncio.timeout(20):
            while made.clean_copies.making:
                await asyncio.sleep(0.01)
        await settled(made, [])
        async with made.clean_copies.open(clip) as path:  # and the next one is served
            assert path.exists()


async def test_a_clip_that_is_only_in_the_store_is_fetched_for_it(
    tmp_path: Path, server: S3Server, body: bytes
) -> None:
    """What was fetched goes again."""
    clip = clip_number(1, location=Location.REMOTE, size_bytes=len(body), lead_in_s=0.1)
    async with house(tmp_path, settings_of(server)) as made:
        assert made.store is not None
        await made.store.prepare()
        await made.upload(clip, body)
        async with made.clean_copies.open(clip) as path:
            assert await asyncio.to_thread(frames, path) == 60
        async with made.clean_copies.to_share(clip) as path:
            assert path.read_bytes() == body
        await settled(made, [f"{clip.id}.mp4"])


async def test_a_disk_in_need_gets_no_new_ones_and_loses_the_old(tmp_path: Path, body: bytes) -> None:
    """507 with the reason; what is at hand and unread makes room."""
    shortage: list[FreeSpace] = []
    async with house(tmp_path, shortage=lambda: shortage[-1] if shortage else None) as made:
        for number in (1, 2):
            made.keep(clip_number(number), body)
        async with made.clean_copies.open(clip_number(1)):
            pass
        shortage.append(FreeSpace(3 * 1024**2, 4 * 1024**2))
        with pytest.raises(Refused) as refusal:
            async with made.clean_copies.open(clip_number(2)):
                pass
        assert (STATUSES[refusal.value.kind], "Only 3 MiB" in refusal.value.detail) == (507, True)
        await settled(made, [])


async def test_a_damaged_clip_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """The sentence says that the file itself can still be had."""
    clip = clip_number(1)
    async with house(tmp_path) as made:
        made.keep(clip, b"no clip at all")
        with pytest.raises(Refused) as refusal:
            async with made.clean_copies.open(clip):
                pass
        assert (STATUSES[refusal.value.kind], "leave `form` out" in refusal.value.detail) == (500, True)
        assert made.clean_copies.counters.failed == 1
        await settled(made, [])
