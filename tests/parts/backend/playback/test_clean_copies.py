"""Clean copies are made once, shared by concurrent requests, bounded, and deleted with their clip."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from backend.base.machine.host import FreeSpace
from backend.catalogue import Clip, Location, MediaType
from backend.http.problems import STATUSES
from backend.playback.clip_bytes import key_of
from backend.problems.refused import Refused
from recorder.base.tasks import Tasks
from recorder.mp4.muxer import write_mp4
from tests.support.backend.clips import ID, a_clip
from tests.support.backend.houses import House, house, settings_of
from tests.support.media import NS_PER_S, Camera, counter_times, units_of
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
            async with made.clean_copies.open(clip) as clean:
                return clean.path, await asyncio.to_thread(frames, clean.path)

        answers = await asyncio.gather(*(ask() for _ in range(5)))
        assert {count for _, count in [*answers, await ask()]} == {60}
        assert made.clean_copies.counters.made == 1
        assert made.clean_copies.kept_bytes == answers[0][0].stat().st_size
        await settled(made, [f"{clip.id}.mp4"])


async def test_what_is_shared_hides_nothing_at_any_length_of_the_lead_in(tmp_path: Path) -> None:
    """One picture before the start, one behind the end, half a second; whatever the row says of it."""
    camera = Camera(gop=30, bframes=2)
    async with house(tmp_path) as made:
        for number, (first, after_last) in enumerate([(31, 61), (30, 62), (45, 61), (30, 60)]):
            clip = clip_number(number, lead_in_s=0.0)
            own = made.keep(clip, b"")
            times = counter_times(5 * NS_PER_S, camera.fps, (first, after_last))
            await asyncio.to_thread(write_mp4, own, units_of(camera, 90), *times)
            async with made.clean_copies.to_share(clip) as path:
                assert await asyncio.to_thread(frames, path) == after_last - first
                assert (path == own) == ((first, after_last) == (30, 60))


async def test_a_picture_is_shared_as_it_is(tmp_path: Path) -> None:
    """A snapshot hides nothing."""
    snapshot = a_clip(media_type=MediaType.IMAGE, path=f"{ID}/snapshot.jpg")
    async with house(tmp_path) as made:
        own = made.keep(snapshot, b"a picture")
        async with made.clean_copies.to_share(snapshot) as path:
            assert path == own


async def test_the_hash_of_a_clean_file_is_that_of_its_content(tmp_path: Path, body: bytes) -> None:
    """It becomes the ETag: a resumed download must not join two different files."""
    hiding, clean = clip_number(1), clip_number(2, sha256="the clip's own")
    async with house(tmp_path) as made:
        made.keep(hiding, body)
        async with made.clean_copies.open(hiding) as file:
            content = await asyncio.to_thread(file.path.read_bytes)
            assert file.sha256 == hashlib.sha256(content).hexdigest()
        made.keep(clean, content)
        async with made.clean_copies.open(clean) as file:
            assert file.sha256 == "the clip's own"


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
            assert held.path.exists()
        await settled(made, [f"{clips[0].id}.mp4", f"{clips[3].id}.mp4"])
        assert made.clean_copies.counters.evicted == 2


async def test_one_that_was_given_up_and_is_asked_for_again_at_once_is_made(
    tmp_path: Path, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page scrolls away and back: tidying up after the first try takes nothing of the second."""
    clip, tasks = clip_number(1), Tasks()
    tidied: list[list[Path]] = []
    monkeypatch.setattr("backend.playback.clean_copies._unlink", tidied.append)
    async with house(tmp_path) as made:
        made.keep(clip, body)

        async def ask() -> None:
            async with made.clean_copies.open(clip):
                pass

        given_up = tasks.spawn(ask(), "ask")
        async with asyncio.timeout(20):
            while not any(name.endswith(".tmp") for name in await asyncio.to_thread(kept, made)):
                await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.wait({given_up})
        async with made.clean_copies.open(clip) as clean:
            assert await asyncio.to_thread(frames, clean.path) == 60
    first, second = tidied
    assert set(first).isdisjoint(second)


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
        async with made.clean_copies.open(clip) as clean:  # and the next one is served
            assert clean.path.exists()


async def test_a_clip_that_is_only_in_the_store_is_fetched_for_it(
    tmp_path: Path, server: S3Server, body: bytes
) -> None:
    """What was fetched goes again."""
    clip = clip_number(1, location=Location.REMOTE, size_bytes=len(body), lead_in_s=0.1)
    async with house(tmp_path, settings_of(server)) as made:
        assert made.store is not None
        await made.store.prepare()
        await made.upload(clip, body)
        async with made.clean_copies.to_share(clip) as path:
            assert await asyncio.to_thread(frames, path) == 60
        await settled(made, [f"{clip.id}.mp4"])


async def test_a_clip_that_is_clean_and_only_in_the_store_is_fetched_once(
    tmp_path: Path, server: S3Server
) -> None:
    """What was fetched to be looked at is what is sent."""
    path, camera = tmp_path / "clip.mp4", Camera(gop=30)
    times = counter_times(5 * NS_PER_S, camera.fps, (30, 60))
    await asyncio.to_thread(write_mp4, path, units_of(camera, 60), *times)
    content = path.read_bytes()
    clip = clip_number(1, location=Location.REMOTE, size_bytes=len(content))
    async with house(tmp_path, settings_of(server)) as made:
        assert made.store is not None
        await made.store.prepare()
        await made.upload(clip, content)
        async with made.clean_copies.open(clip) as file:
            await made.store.delete(key_of(clip))
            assert file.path.read_bytes() == content
        async with made.clean_copies.to_share(clip) as shared:
            assert shared.read_bytes() == content
        assert made.clean_copies.kept_bytes == len(content)


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
        assert (STATUSES[refusal.value.kind], "form=original" in refusal.value.detail) == (500, True)
        assert made.clean_copies.counters.failed == 1
        await settled(made, [])
