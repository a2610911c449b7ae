"""The upload queue's rows survive, have one worker each, and confirm nothing twice."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from backend.base.ids import new_id
from backend.catalogue import (
    Catalogue,
    Clip,
    Location,
    NewClip,
    PreviewInfo,
    PreviewSource,
    RemoteObject,
    Root,
    StoredPath,
    Upload,
)
from backend.catalogue.lifecycle import Status
from backend.storage.upload_plan import wanted
from tests.contracts.conftest import SteppedClock
from tests.contracts.test_catalogue import HERE, START, new_clip

HOLD, LONGEST = timedelta(minutes=2), timedelta(minutes=5)
PRIVATE = partial(wanted, public_urls=False)
PUBLIC = partial(wanted, public_urls=True)


def draft(**changes: object) -> NewClip:
    clip_id = new_id()
    given = {"id": clip_id, "status": Status.DRAFT, "path": f"{clip_id}/clip.mp4", "size_bytes": 1000}
    return new_clip(**(given | {"end_time": START + timedelta(seconds=30)} | changes))


async def lease(catalogue: Catalogue, *busy: str, token: str = "worker") -> Upload | None:
    return await catalogue.uploads.lease(HERE, token, HOLD, LONGEST, busy)


async def leased(catalogue: Catalogue) -> Upload:
    found = await lease(catalogue)
    assert found is not None
    return found


async def uploaded(catalogue: Catalogue) -> Clip:
    """A clip with its file confirmed."""
    clip = await catalogue.insert_clip(draft())
    await catalogue.uploads.plan(HERE, PRIVATE)
    confirmed = await catalogue.uploads.confirm(await leased(catalogue), PRIVATE)
    assert confirmed is not None
    assert confirmed.id == clip.id
    return confirmed


def key_of(clip: Clip, prefix: str = "") -> StoredPath:
    return StoredPath(Root.CLIPS, f"{prefix}{clip.path}")


async def test_a_finished_clip_waits_and_an_unfinished_one_does_not(catalogue: Catalogue) -> None:
    """Rows come of the clip's own row: no finish can be forgotten, however it came about."""
    pending = await catalogue.insert_clip(new_clip())
    finished = await catalogue.insert_clip(draft())
    assert (await catalogue.uploads.backlog(HERE)).clips_not_planned == 1
    assert await catalogue.uploads.plan(HERE, PRIVATE) == 1
    assert await catalogue.uploads.plan(HERE, PRIVATE) == 0
    backlog = await catalogue.uploads.backlog(HERE)
    assert (backlog.files, backlog.size_bytes, backlog.clips_not_planned) == (1, 1000, 0)
    upload = await leased(catalogue)
    assert (upload.clip_id, upload.key, upload.path) == (finished.id, finished.path, finished.path)
    await catalogue.transition(pending.id, Status.PROCESSING)
    await catalogue.transition(pending.id, Status.DRAFT, fields={"path": f"{pending.id}/clip.mp4"})
    assert await catalogue.uploads.plan(HERE, PRIVATE) == 1


async def test_a_lease_is_held_by_one_until_it_ends(catalogue: Catalogue, clock: SteppedClock) -> None:
    """Two workers never copy the same file; a worker that died is followed by another."""
    await catalogue.insert_clip(draft())
    await catalogue.uploads.plan(HERE, PRIVATE)
    first = await leased(catalogue)
    assert await lease(catalogue, token="another") is None
    clock.advance(seconds=100)
    assert await catalogue.uploads.renew(first, HOLD)
    clock.advance(seconds=100)
    assert await lease(catalogue, token="another") is None
    clock.advance(seconds=100)
    second = await lease(catalogue, token="another")
    assert second is not None
    assert not await catalogue.uploads.renew(first, HOLD)
    await catalogue.uploads.failed(first, "too late", HOLD, counts=True)
    await catalogue.uploads.drop(first)
    assert await catalogue.uploads.renew(second, HOLD)


async def test_a_new_start_takes_back_every_lease_of_this_recorder(catalogue: Catalogue) -> None:
    """`data_dir` is locked, so whoever held one is dead; nobody waits for a lease to end."""
    await catalogue.insert_clip(draft())
    await catalogue.uploads.plan(HERE, PRIVATE)
    before = await leased(catalogue)
    await catalogue.uploads.begin(HERE, "s3", public=False)
    assert (await leased(catalogue)).id == before.id


async def test_clips_of_another_recorder_are_left_alone(catalogue: Catalogue) -> None:
    """Its files are on its disk."""
    await catalogue.insert_clip(draft(recorder_id=new_id()))
    assert await catalogue.uploads.plan(HERE, PRIVATE) == 0
    assert await lease(catalogue) is None


async def test_a_failure_waits_its_time_and_lets_others_go_first(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """One file that cannot be copied does not hold up the rest."""
    bad = await catalogue.insert_clip(draft())
    await catalogue.uploads.plan(HERE, PRIVATE)
    await catalogue.uploads.failed(await leased(catalogue), "half\0broken", timedelta(0), counts=True)
    good = await catalogue.insert_clip(draft())
    await catalogue.uploads.plan(HERE, PRIVATE)
    assert (await leased(catalogue)).clip_id == good.id
    again = await leased(catalogue)
    assert (again.clip_id, again.attempts, again.last_error) == (bad.id, 1, "halfbroken")
    await catalogue.uploads.failed(again, "broken", timedelta(seconds=60), counts=False)
    assert await lease(catalogue) is None
    clock.advance(seconds=60)
    assert (await leased(catalogue)).attempts == 1


async def test_a_clock_that_is_set_back_does_not_put_uploads_off_for_hours(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """A retry is minutes away at most; what lies farther was dated by another clock."""
    await catalogue.insert_clip(draft())
    await catalogue.uploads.plan(HERE, PRIVATE)
    await catalogue.uploads.failed(await leased(catalogue), "broken", timedelta(seconds=60), counts=True)
    clock.advance(hours=-5)
    assert await lease(catalogue) is not None
    clock.advance(hours=-5)
    assert await lease(catalogue, token="another") is not None


async def test_only_a_confirmed_file_makes_a_clip_both(catalogue: Catalogue) -> None:
    """The row goes and the clip knows, in one transaction; a second confirmation changes nothing."""
    clip = await catalogue.insert_clip(draft())
    await catalogue.uploads.plan(HERE, PRIVATE)
    upload = await leased(catalogue)
    assert (await get(catalogue, clip.id)).location is Location.LOCAL
    confirmed = await catalogue.uploads.confirm(upload, PRIVATE)
    assert confirmed is not None
    assert (confirmed.location, confirmed.remote_file) == (Location.BOTH, key_of(clip))
    assert confirmed.version == clip.version + 1
    assert await catalogue.uploads.confirm(upload, PRIVATE) is None
    assert (await catalogue.uploads.backlog(HERE)).files == 0
    assert await catalogue.uploads.garbage_due(HERE) == []


async def get(catalogue: Catalogue, clip_id: str) -> Clip:
    found = await catalogue.get_clip(clip_id)
    assert found is not None
    return found


async def test_a_new_picture_is_copied_again_and_a_cleared_one_is_deleted(catalogue: Catalogue) -> None:
    """Under one key: a version more, and in the end nothing."""
    clip = await uploaded(catalogue)
    picture = PreviewInfo(f"{clip.id}/manual.png", 1280, 720)
    for _ in range(2):
        await catalogue.set_preview(clip.id, PreviewSource.MANUAL, picture)
        await catalogue.uploads.plan(HERE, PRIVATE)
        assert await catalogue.uploads.confirm(await leased(catalogue), PRIVATE) is not None
    now = await get(catalogue, clip.id)
    assert [(one.root, one.key) for one in now.remote] == [
        (Root.CLIPS, clip.path),
        (Root.THUMBNAILS, f"{clip.id}/manual.png"),
    ]
    await catalogue.set_preview(clip.id, PreviewSource.MANUAL, None)
    await catalogue.uploads.plan(HERE, PRIVATE)
    assert (await get(catalogue, clip.id)).remote == (RemoteObject(Root.CLIPS, str(clip.path)),)
    (garbage,) = await catalogue.uploads.garbage_due(HERE)
    assert garbage.paths == (StoredPath(Root.THUMBNAILS, f"{clip.id}/manual.png"),)


async def test_a_picture_that_changed_while_it_was_copied_is_copied_once_more(catalogue: Catalogue) -> None:
    """The confirmed bytes may be the old ones."""
    clip = await uploaded(catalogue)
    picture = PreviewInfo(f"{clip.id}/manual.png", 1280, 720)
    await catalogue.set_preview(clip.id, PreviewSource.MANUAL, picture)
    await catalogue.uploads.plan(HERE, PRIVATE)
    upload = await leased(catalogue)
    newer = await catalogue.set_preview(clip.id, PreviewSource.MANUAL, picture)
    await catalogue.uploads.plan(HERE, PRIVATE)
    assert await catalogue.uploads.confirm(upload, PRIVATE) is None
    again = await leased(catalogue)
    assert newer.previews.manual is not None
    assert again.version == newer.previews.manual.version


async def test_publishing_adds_a_public_copy_and_unpublishing_deletes_it(catalogue: Catalogue) -> None:
    """The private object never moves; what is public goes as soon as the clip is no longer."""
    clip = await uploaded(catalogue)
    await catalogue.publish(clip.id)
    await catalogue.uploads.plan(HERE, PUBLIC)
    upload = await leased(catalogue)
    assert upload.key == f"public/{clip.path}"
    public = await catalogue.uploads.confirm(upload, PUBLIC)
    assert public is not None
    assert (public.remote_file, public.public_file) == (key_of(clip), key_of(clip, "public/"))
    await catalogue.unpublish(clip.id)
    await catalogue.uploads.plan(HERE, PUBLIC)
    private = await get(catalogue, clip.id)
    assert (private.remote_file, private.public_file) == (key_of(clip), None)
    (garbage,) = await catalogue.uploads.garbage_due(HERE)
    assert garbage.paths == (key_of(clip, "public/"),)


async def test_a_clip_unpublished_while_its_public_copy_was_made_leaves_none(catalogue: Catalogue) -> None:
    """Whoever confirms late finds that nobody wants it: garbage."""
    clip = await uploaded(catalogue)
    await catalogue.publish(clip.id)
    await catalogue.uploads.plan(HERE, PUBLIC)
    upload = await leased(catalogue)
    await catalogue.unpublish(clip.id)
    await catalogue.uploads.plan(HERE, PUBLIC)
    assert await catalogue.uploads.confirm(upload, PUBLIC) is None
    (garbage,) = await catalogue.uploads.garbage_due(HERE)
    assert garbage.paths == (key_of(clip, "public/"),)
    assert (await get(catalogue, clip.id)).public_file is None


async def test_a_deleted_clip_leaves_nothing_at_the_store(catalogue: Catalogue) -> None:
    """What is confirmed and what is just on its way becomes garbage; that waits for whoever is copying."""
    clip = await uploaded(catalogue)
    await catalogue.set_preview(clip.id, PreviewSource.MIDDLE, PreviewInfo(f"{clip.id}/middle.jpg", 640, 360))
    await catalogue.uploads.plan(HERE, PRIVATE)
    upload = await leased(catalogue)
    await catalogue.delete_clip(clip.id)
    assert await catalogue.uploads.garbage_due(HERE) == []  # else the copy would come after the deletion
    assert await catalogue.uploads.confirm(upload, PRIVATE) is None
    gone = {place for garbage in await catalogue.uploads.garbage_due(HERE) for place in garbage.paths}
    assert gone == {key_of(clip), StoredPath(Root.THUMBNAILS, f"{clip.id}/middle.jpg")}
    assert [garbage.at_store for garbage in await catalogue.garbage_due(HERE)] == [False]
    assert await catalogue.uploads.still_used(clip.id) == set()


async def test_what_became_wanted_again_is_still_used(catalogue: Catalogue) -> None:
    """Published, unpublished, published: the old garbage must not take the new copy."""
    clip = await uploaded(catalogue)
    await catalogue.publish(clip.id)
    await catalogue.uploads.plan(HERE, PUBLIC)
    await catalogue.uploads.confirm(await leased(catalogue), PUBLIC)
    await catalogue.unpublish(clip.id)
    await catalogue.uploads.plan(HERE, PUBLIC)
    assert await catalogue.uploads.still_used(clip.id) == {key_of(clip)}
    await catalogue.publish(clip.id)
    await catalogue.uploads.plan(HERE, PUBLIC)
    assert await catalogue.uploads.still_used(clip.id) == {key_of(clip), key_of(clip, "public/")}


async def test_local_space_is_given_up_only_for_a_confirmed_file(catalogue: Catalogue) -> None:
    """`reclaim` is the one door: it refuses everything else, and hands the file over as garbage."""
    local = await catalogue.insert_clip(draft())
    assert await catalogue.uploads.reclaim(local.id) is None
    assert await catalogue.uploads.reclaim(new_id()) is None
    await catalogue.delete_clip(local.id)
    clip = await uploaded(catalogue)
    before = await catalogue.garbage_due(HERE)
    remote = await catalogue.uploads.reclaim(clip.id)
    assert remote is not None
    assert (remote.location, remote.remote_file) == (Location.REMOTE, key_of(clip))
    added = [garbage for garbage in await catalogue.garbage_due(HERE) if garbage not in before]
    assert [garbage.paths for garbage in added] == [(StoredPath(Root.CLIPS, clip.id),)]
    assert await catalogue.uploads.reclaim(clip.id) is None


async def test_a_clip_whose_file_waits_to_be_copied_keeps_its_local_file(catalogue: Catalogue) -> None:
    """The public copy is made from it."""
    clip = await uploaded(catalogue)
    await catalogue.publish(clip.id)
    await catalogue.uploads.plan(HERE, PUBLIC)
    assert await catalogue.uploads.reclaim(clip.id) is None


async def test_what_the_store_lost_is_local_and_due_again(catalogue: Catalogue) -> None:
    """As long as the local file is there, nothing is lost."""
    clip = await uploaded(catalogue)
    lost = await catalogue.uploads.lost(clip.id, key_of(clip))
    assert lost is not None
    assert (lost.location, lost.remote) == (Location.LOCAL, ())
    assert await catalogue.uploads.plan(HERE, PRIVATE) == 1
    assert (await leased(catalogue)).clip_id == clip.id


async def test_another_store_has_confirmed_nothing(catalogue: Catalogue) -> None:
    """Local files are copied anew; what was at the former store only is counted, and left as it is."""
    await catalogue.uploads.begin(HERE, "http://one", public=False)
    both, remote = await uploaded(catalogue), await uploaded(catalogue)
    await catalogue.uploads.reclaim(remote.id)
    assert await catalogue.uploads.begin(HERE, "http://one", public=False) == 0
    assert (await get(catalogue, both.id)).location is Location.BOTH
    assert await catalogue.uploads.begin(HERE, "http://two", public=False) == 1
    assert (await get(catalogue, both.id)).location is Location.LOCAL
    assert (await get(catalogue, remote.id)).remote_file == key_of(remote)
    await catalogue.uploads.plan(HERE, PRIVATE)
    assert (await leased(catalogue)).clip_id == both.id


async def test_clips_to_reclaim_are_those_at_both_places_and_old_enough(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Oldest first."""
    first = await uploaded(catalogue)
    clock.advance(hours=1)
    second = await uploaded(catalogue)
    await catalogue.insert_clip(draft())
    clock.advance(minutes=1)
    assert ids(await catalogue.uploads.reclaimable(HERE, timedelta(0))) == [first.id, second.id]
    assert ids(await catalogue.uploads.reclaimable(HERE, timedelta(minutes=30))) == [first.id]


def ids(clips: Sequence[Clip]) -> list[str]:
    return [clip.id for clip in clips]


async def test_planning_takes_clips_in_portions(catalogue: Catalogue) -> None:
    """A backlog of a year does not hold the writer for a minute."""
    for _ in range(5):
        await catalogue.insert_clip(draft())
    rounds = [await catalogue.uploads.plan(HERE, PRIVATE, limit=2) for _ in range(4)]
    assert rounds == [2, 2, 1, 0]
    assert (await catalogue.uploads.backlog(HERE)).files == 5
