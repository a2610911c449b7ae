"""Finished files reach a real S3 server, whatever that server does; the local file stays until they have."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from backend.catalogue import Catalogue, Clip, Location, PreviewSource, Root, StoredPath
from backend.catalogue.queries import uploads
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.http.wire.writers import WRITERS
from backend.recovery.fsck import Level
from backend.recovery.fsck_store import compare_with_store
from backend.retention.garbage import GarbageSweep
from backend.storage import upload_plan
from backend.storage.object_store import FailureCause, ObjectStore
from backend.storage.s3 import S3Store
from backend.storage.s3_settings import S3Place, S3Settings
from backend.storage.store_state import StoreState
from backend.storage.upload_plan import wanted
from backend.storage.upload_queue import QueueParts, UploadQueue
from tests.support.backend.rows import HERE, Box
from tests.support.s3_servers import S3Server

DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """For tests that leave it running."""
    server = S3Server("rclone", tmp_path_factory.mktemp("rclone") / "objects")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    """For tests that stop it."""
    own = S3Server("rclone", tmp_path / "objects")
    own.start()
    yield own
    own.kill()


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Box.opened(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def working(
    box: Box,
    server: S3Server,
    *,
    public: bool = False,
    shared_form: bytes | None = None,
    reclaim: bool = False,
    secret: str | None = None,
    concerns: list[str | None] | None = None,
    settings: S3Settings | None = None,
) -> AsyncIterator[UploadQueue]:
    usual = S3Settings(server.endpoint, server.access_key, secret or server.secret_key, public_urls=public)
    store = S3Store(settings or usual)
    parts = QueueParts(
        catalogue=box.catalogue,
        store=store,
        to_share=partial(as_it_is, box, store) if shared_form is None else partial(instead, box, shared_form),
        files=box.files,
        recorder_id=HERE,
        clip_events=ClipEvents(EventLog("boot"), WRITERS.clip),
        wanted=partial(wanted, public_urls=public),
        reclaim_after=timedelta(0) if reclaim else None,
        concern=(concerns if concerns is not None else []).append,
        chance=lambda: 0.0,
        poll_every_s=0.05,
    )
    queue = UploadQueue(parts)
    queue.start()
    try:
        yield queue
    finally:
        await queue.close()


@asynccontextmanager
async def as_it_is(box: Box, store: ObjectStore, clip: Clip) -> AsyncIterator[Path]:
    """These clips hide nothing: the local file, or what the store has."""
    path = box.files.clip_path(str(clip.path))
    if not await asyncio.to_thread(path.exists):
        assert clip.remote_file is not None
        path = box.files.quarantine_dir / "fetched.mp4"
        async with await store.open_stream(clip.remote_file, None) as stream:
            content = b"".join([piece async for piece in stream.body])
        await asyncio.to_thread(path.write_bytes, content)
    yield path


@asynccontextmanager
async def instead(box: Box, content: bytes, clip: Clip) -> AsyncIterator[Path]:
    """What may leave the house is another file than the clip's own."""
    path = box.files.quarantine_dir / "shared.mp4"
    await asyncio.to_thread(path.write_bytes, content)
    yield path


async def until(condition: Callable[[], object], what: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.02)
    assert condition(), what


async def located(catalogue: Catalogue, clip: Clip, location: Location) -> Clip:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found = await catalogue.get_clip(clip.id)
            assert found is not None
            if found.location is location and not (await catalogue.uploads.backlog(HERE)).files:
                return found
            await asyncio.sleep(0.02)


async def put(server: S3Server, clip: Clip, content: bytes) -> None:
    """Store something under the clip's key by way of another client."""
    store = S3Store(S3Settings(server.endpoint, server.access_key, server.secret_key))
    await store.prepare()
    file = server.directory.parent / "other.mp4"
    file.write_bytes(content)
    await store.put(StoredPath(Root.CLIPS, str(clip.path)), file, "video/mp4")
    await store.close()


def objects_of(server: S3Server, clip: Clip) -> list[str]:
    return [name for name in server.objects() if clip.id in name]


async def test_a_finished_clip_and_its_picture_are_copied(box: Box, shared: S3Server) -> None:
    """Equal content under `{clip_id}/…`, in two buckets that were made for it."""
    clip = await box.finished_clip(b"moving pictures" * 1000)
    async with working(box, shared) as queue:
        both = await located(box.catalogue, clip, Location.BOTH)
        assert objects_of(shared, clip) == [f"clips/{clip.path}", f"thumbnails/{clip.id}/middle.jpg"]
        stored = shared.directory / "clips" / str(clip.path)
        assert stored.read_bytes() == box.files.clip_path(str(clip.path)).read_bytes()
        assert both.remote_file == StoredPath(Root.CLIPS, str(clip.path))
        assert queue.monitor.state is StoreState.OK
        assert (queue.counters.done, queue.counters.failures) == (2, 0)
    assert box.files.clip_path(str(clip.path)).exists()


async def test_what_was_copied_before_a_kill_is_not_copied_again(box: Box, shared: S3Server) -> None:
    """The object is there, the confirmation was lost: it is compared, confirmed, and not sent."""
    clip = await box.finished_clip(b"sent before" * 1000)
    await put(shared, clip, b"sent before" * 1000)
    async with working(box, shared) as queue:
        await located(box.catalogue, clip, Location.BOTH)
        assert queue.counters.bytes == len(b"picture")


async def test_other_content_under_the_key_is_replaced(box: Box, shared: S3Server) -> None:
    """Half an upload of another time, or somebody's mistake: what is confirmed is our content."""
    clip = await box.finished_clip(b"the right one")
    await put(shared, clip, b"the wrong one")
    async with working(box, shared):
        await located(box.catalogue, clip, Location.BOTH)
    assert (shared.directory / "clips" / str(clip.path)).read_bytes() == b"the right one"


async def test_a_store_that_is_down_is_waited_for(box: Box, server: S3Server) -> None:
    """Named as `host`; when it is back, everything goes on by itself."""
    server.kill()
    clip = await box.finished_clip()
    async with working(box, server) as queue:
        await until(lambda: queue.monitor.state is StoreState.FAILING, "the store to be found dead")
        assert queue.monitor.cause is FailureCause.HOST
        await until(lambda: queue.backlog.files == 2, "two files to wait")
        server.start()
        await located(box.catalogue, clip, Location.BOTH)
        assert queue.monitor.state is StoreState.OK


async def test_wrong_keys_are_named_and_nothing_is_lost(box: Box, shared: S3Server) -> None:
    """The operator corrects them and starts again: the same row is copied."""
    clip = await box.finished_clip()
    async with working(box, shared, secret="not-the-right-one") as queue:
        await until(lambda: queue.monitor.cause is FailureCause.CREDENTIALS, "the refusal")
        assert "secret_key" in str(queue.monitor.sentence)
    async with working(box, shared):
        await located(box.catalogue, clip, Location.BOTH)


async def test_a_half_open_store_does_not_hold_up_the_end_of_the_daemon(box: Box, server: S3Server) -> None:
    """Stopped in the middle, it accepts connections and says nothing; closing takes no half minute."""
    await box.finished_clip(b"x" * 30_000_000)
    async with working(box, server) as queue:
        await until(lambda: queue.monitor.state is StoreState.OK, "the first contact")
        server.pause()
        await box.finished_clip(b"y" * 30_000_000)
        await until(lambda: queue.copying, "an upload that hangs")
        async with asyncio.timeout(5):
            await queue.close()
    server.go_on()


async def test_a_local_file_that_has_changed_is_not_spread(box: Box, shared: S3Server) -> None:
    """Its row waits with a sentence; other files are copied meanwhile."""
    rotten = await box.finished_clip(b"as it was")
    box.files.clip_path(str(rotten.path)).write_bytes(b"as it is!")
    sound = await box.finished_clip(b"sound")
    async with working(box, shared) as queue:
        await until(lambda: queue.counters.failures > 0 and queue.backlog.files == 1, "the others")
        found = await box.catalogue.get_clip(sound.id)
        assert found is not None
        assert found.location is Location.BOTH
        assert queue.monitor.state is StoreState.OK
    assert objects_of(shared, rotten) == [f"thumbnails/{rotten.id}/middle.jpg"]


async def test_a_file_that_fails_again_and_again_is_a_concern(box: Box, shared: S3Server) -> None:
    """The store is well, so nothing else would tell; it goes on being tried, for ever."""
    rotten = await box.finished_clip(b"as it was")
    path = box.files.clip_path(str(rotten.path))
    path.write_bytes(b"as it is!")
    concerns: list[str | None] = []
    async with working(box, shared, concerns=concerns) as queue:
        for failures in range(1, 4):
            await until(partial(failed_at_least, queue, failures), "another try")
            box.clock.time += timedelta(hours=1)
        await until(lambda: concerns[-1], "the concern")
        assert "A file cannot be copied to the store. The local file has changed" in str(concerns[-1])
        path.write_bytes(b"as it was")
        box.clock.time += timedelta(hours=1)
        await located(box.catalogue, rotten, Location.BOTH)
        await until(lambda: concerns[-1] is None, "its end")


async def test_a_deleted_clip_is_deleted_at_the_store(box: Box, shared: S3Server) -> None:
    """By way of the garbage table, so also when the store is down just then."""
    clip = await box.finished_clip()
    async with working(box, shared):
        await located(box.catalogue, clip, Location.BOTH)
        await box.catalogue.delete_clip(clip.id)
        await until(lambda: not objects_of(shared, clip), "the objects to go")


async def test_space_is_given_up_only_after_the_store_has_the_content(box: Box, shared: S3Server) -> None:
    """`keep_local: never`: the row says remote, then the file goes; the picture stays on the disk."""
    clip = await box.finished_clip()
    async with working(box, shared, reclaim=True):
        remote = await located(box.catalogue, clip, Location.REMOTE)
        with_threads = GarbageSweep(box.catalogue, box.files, HERE, disk())
        assert await with_threads.run() == 1
    assert not box.files.clip_path(str(clip.path)).exists()
    assert (box.files.thumbnails_dir / clip.id / "middle.jpg").exists()
    assert remote.remote_file is not None
    assert (shared.directory / "clips" / remote.remote_file.path).read_bytes() == b"moving pictures"


async def test_a_clip_keeps_its_local_file_until_its_picture_is_made(box: Box, shared: S3Server) -> None:
    """The picture is cut from it; one that never comes does not hold the space for ever."""
    clip = await box.finished_clip()
    await box.catalogue.set_preview(clip.id, PreviewSource.MIDDLE, None)
    async with working(box, shared, reclaim=True):
        await located(box.catalogue, clip, Location.BOTH)
        pictured = await box.finished_clip()
        await located(box.catalogue, pictured, Location.REMOTE)
        await located(box.catalogue, clip, Location.BOTH)
        box.clock.time += timedelta(minutes=11)
        await located(box.catalogue, clip, Location.REMOTE)


def failed_at_least(queue: UploadQueue, failures: int) -> bool:
    return queue.counters.failures >= failures


def disk() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


async def test_what_the_store_has_lost_keeps_its_local_file_and_is_copied_again(
    box: Box, shared: S3Server
) -> None:
    """Confirmed last year is not there today: the door asks again before anything goes."""
    clip = await box.finished_clip()
    async with working(box, shared):
        await located(box.catalogue, clip, Location.BOTH)
    await put(shared, clip, b"something else!")
    async with working(box, shared, reclaim=True) as queue:
        await until(lambda: queue.reclaim.counters.refused == 1, "a refusal")
        assert box.files.clip_path(str(clip.path)).exists()
        await located(box.catalogue, clip, Location.REMOTE)
    assert (shared.directory / "clips" / str(clip.path)).read_bytes() == b"moving pictures"


async def test_a_published_clip_is_public_and_an_unpublished_one_is_not(box: Box, shared: S3Server) -> None:
    """A second object that comes and goes; the private one never moves."""
    clip = await box.finished_clip()
    public = f"clips/public/{clip.path}"
    async with working(box, shared, public=True):
        await located(box.catalogue, clip, Location.BOTH)
        assert public not in shared.objects()
        await box.catalogue.publish(clip.id)
        await until(lambda: public in shared.objects(), "the public copy")
        await box.catalogue.unpublish(clip.id)
        await until(lambda: public not in shared.objects(), "its end")
        assert f"clips/{clip.path}" in shared.objects()


async def test_public_copies_of_an_earlier_form_are_replaced_after_an_update(
    box: Box, shared: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those could hide half a second. Nothing else is copied again."""
    clip = await box.finished_clip()
    public = shared.directory / "clips" / "public" / str(clip.path)

    def holds(content: bytes) -> bool:
        with suppress(FileNotFoundError):  # rclone takes the old one away before it renames the new one
            return public.read_bytes() == content
        return False

    with monkeypatch.context() as earlier:
        for module in (uploads, upload_plan):
            earlier.setattr(module, "PUBLIC_FORM", 0)
        async with working(box, shared, public=True, shared_form=b"hides something"):
            await located(box.catalogue, clip, Location.BOTH)
            await box.catalogue.publish(clip.id)
            await until(lambda: holds(b"hides something"), "the public copy")
    async with working(box, shared, public=True, shared_form=b"clean") as queue:
        await until(lambda: holds(b"clean"), "the clean one")
        await until(lambda: queue.counters.done >= 1, "its confirmation")
        assert (await located(box.catalogue, clip, Location.BOTH)).public_file is not None


async def test_a_clip_that_is_only_at_the_store_is_published_from_there(box: Box, shared: S3Server) -> None:
    """What may travel is fetched for it, and copied again."""
    clip = await box.finished_clip()
    async with working(box, shared, public=True, reclaim=True):
        await located(box.catalogue, clip, Location.REMOTE)
        await GarbageSweep(box.catalogue, box.files, HERE, disk()).run()
        await box.catalogue.publish(clip.id)
        await until(lambda: f"clips/public/{clip.path}" in shared.objects(), "the public copy")


async def test_after_a_change_to_one_bucket_moved_objects_are_found_and_the_others_copied(
    box: Box, shared: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    """Rows hold neither bucket nor prefix: what was only at the store is where its operator moved it."""
    one_bucket = replace(
        S3Settings(shared.endpoint, shared.access_key, shared.secret_key),
        clips=S3Place("moved", "clips/"),
        thumbnails=S3Place("moved", "thumbnails/"),
    )
    remote = await box.finished_clip(b"only at the store")
    async with working(box, shared, reclaim=True):
        await located(box.catalogue, remote, Location.REMOTE)
    local = await box.finished_clip(b"on this disk")
    async with working(box, shared):
        await located(box.catalogue, local, Location.BOTH)
    moved = shared.directory / "moved" / "clips" / remote.id
    await asyncio.to_thread(shutil.copytree, shared.directory / "clips" / remote.id, moved)
    async with working(box, shared, settings=one_bucket):
        await until(lambda: f"moved/clips/{local.path}" in shared.objects(), "the copy in the new bucket")
        await located(box.catalogue, local, Location.BOTH)
    assert "1 clips were only at the former one" in caplog.text
    store = S3Store(one_bucket)
    looked_at, findings = await compare_with_store(box.catalogue, store, HERE, Level.HASH)
    await store.close()
    assert (looked_at > 1, [one.path for one in findings if one.path == remote.path]) == (True, [])


async def test_a_new_picture_follows(box: Box, shared: S3Server) -> None:
    """The store holds the newest version."""
    clip = await box.finished_clip()
    async with working(box, shared):
        both = await located(box.catalogue, clip, Location.BOTH)
        kept = await asyncio.to_thread(box.files.put_thumbnail, clip.id, "middle-2.jpg", b"a better picture")
        assert both.previews.middle is not None
        info = replace(both.previews.middle, path=kept.path)
        await box.catalogue.set_preview(clip.id, PreviewSource.MIDDLE, info)
        pictures = [f"thumbnails/{clip.id}/middle-2.jpg"]
        await until(lambda: objects_of(shared, clip)[1:] == pictures, "the new picture instead of the old")


async def test_pages_hear_how_far_a_file_is_and_how_the_store_is(box: Box, shared: S3Server) -> None:
    """`upload` with bytes, `storage` with the state, `clip` with its place."""
    clip = await box.finished_clip(b"z" * 40_000_000)
    async with working(box, shared) as queue:
        await located(box.catalogue, clip, Location.BOTH)
        await until(lambda: queue.backlog.files == 0, "the end")
        log = queue._parts.clip_events.log
        types = {event.type for event in log._history}
    assert {"clip", "storage", "upload"} <= types
