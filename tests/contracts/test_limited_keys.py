"""Keys that are good for a prefix of one bucket: nothing outside is touched, what a key lacks is named."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.base.ids import new_id
from backend.catalogue import Root, StoredPath
from backend.storage.check import StoreCheckOutcome, StoreCheckStep, check_store
from backend.storage.object_store import FailureCause, StoreError
from backend.storage.s3 import S3Store
from backend.storage.s3_buckets import MARK
from backend.storage.s3_settings import S3Place, S3Settings
from tests.support.limited_s3 import ALL_RIGHTS, LimitedS3, limited_key
from tests.support.s3_servers import S3Server, find_minio, running_s3

BUCKET, PREFIX = "shared", "house/"
CLIPS, THUMBNAILS = S3Place(BUCKET, f"{PREFIX}clips/"), S3Place(BUCKET, f"{PREFIX}thumbnails/")


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_s3("rclone", tmp_path_factory.mktemp("rclone") / "objects") as server:
        others = server.directory / BUCKET / "office"
        others.mkdir(parents=True)
        (others / "ledger.txt").write_text("not ours")
        yield server


@pytest.fixture
def door(rclone: S3Server) -> Iterator[LimitedS3]:
    with LimitedS3(rclone, BUCKET, PREFIX).running() as limits:
        yield limits


@pytest.fixture
async def store(door: LimitedS3) -> AsyncIterator[S3Store]:
    made = S3Store(behind(door))
    yield made
    await made.close()


def behind(door: LimitedS3) -> S3Settings:
    server = door.upstream
    return settings_of(door.endpoint, server.access_key, server.secret_key)


def settings_of(endpoint: str, key: str, secret: str) -> S3Settings:
    return S3Settings(endpoint, key, secret, clips=CLIPS, thumbnails=THUMBNAILS)


def checked(settings: S3Settings) -> list[StoreCheckStep]:
    """What `hindsight storage check` says."""

    async def steps() -> list[StoreCheckStep]:
        store = S3Store(settings)
        try:
            return [step async for step in check_store(store, origin="http://localhost:8080", public=False)]
        finally:
            await store.close()

    return asyncio.run(steps())


def clip_key() -> StoredPath:
    return StoredPath(Root.CLIPS, f"{new_id()}/clip.mp4")


def a_file(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"a clip")
    return path


async def test_nothing_outside_the_prefix_is_made_read_or_deleted(
    rclone: S3Server, door: LimitedS3, store: S3Store, tmp_path: Path
) -> None:
    """What belongs to others in the same bucket stays as it is, and no bucket is made."""
    key, picture = clip_key(), StoredPath(Root.THUMBNAILS, f"{new_id()}/middle.jpg")
    await store.prepare()
    for place in (key, picture):
        await store.put(place, a_file(tmp_path), "video/mp4")
    assert (await store.health()).ok
    assert await asyncio.to_thread(rclone.objects) == sorted(
        [
            f"{BUCKET}/{PREFIX}clips/{MARK}",
            f"{BUCKET}/{PREFIX}clips/{key.path}",
            f"{BUCKET}/{PREFIX}thumbnails/{MARK}",
            f"{BUCKET}/{PREFIX}thumbnails/{picture.path}",
            f"{BUCKET}/office/ledger.txt",
        ]
    )
    # A look at the bucket and at its policy is refused; nothing else is even tried.
    assert {request.partition("?")[0] for request in door.refused} == {
        f"HEAD /{BUCKET}",
        f"GET /{BUCKET}",
    }
    for place in (key, picture):
        await store.delete(place)
        assert await store.stat(place) is None


def test_the_check_of_a_limited_key_passes(door: LimitedS3) -> None:
    """Every step of `hindsight storage check`."""
    steps = checked(behind(door))
    assert {step.outcome for step in steps} == {StoreCheckOutcome.OK}, steps


@pytest.mark.parametrize("right", sorted(ALL_RIGHTS))
def test_a_right_that_the_key_lacks_is_named(door: LimitedS3, right: str) -> None:
    """With the place where it is needed, before a clip is lost; deleting is tried by the check only."""
    door.rights = ALL_RIGHTS - {right}
    steps = checked(behind(door))
    failed = [step for step in steps if step.outcome is StoreCheckOutcome.FAILED]
    assert failed
    assert {step.cause for step in failed} == {FailureCause.CREDENTIALS}
    assert f"s3:{right} on {BUCKET}/{PREFIX}" in str(failed[0].detail)


async def test_a_key_that_loses_its_rights_is_no_loss_of_objects(
    door: LimitedS3, store: S3Store, tmp_path: Path
) -> None:
    """A 403 means "not there" only while the key is good: fsck and reclaim must not take it for a loss."""
    key = clip_key()
    await store.prepare()
    await store.put(key, a_file(tmp_path), "video/mp4")
    assert await store.stat(clip_key()) is None
    with pytest.raises(StoreError) as gone:
        await store.open_stream(clip_key(), None)
    assert gone.value.cause is FailureCause.MISSING
    door.rights = frozenset()
    for asked in (store.stat(key), store.holds(key, a_file(tmp_path)), store.open_stream(key, None)):
        with pytest.raises(StoreError, match="s3:GetObject on shared/house/clips/") as refused:
            await asked
        assert refused.value.cause is FailureCause.CREDENTIALS
    assert (await store.health()).cause is FailureCause.CREDENTIALS


async def test_a_mark_that_others_have_deleted_comes_again(
    rclone: S3Server, door: LimitedS3, store: S3Store
) -> None:
    """A lifecycle rule for old objects takes it, too."""
    await store.prepare()
    operator, mark = rclone.operator(), f"{PREFIX}clips/{MARK}"
    await asyncio.to_thread(operator.remove_object, BUCKET, mark)
    assert (await store.health()).ok
    assert (await asyncio.to_thread(operator.stat_object, BUCKET, mark)).size


async def test_wrong_keys_are_still_told_from_limited_ones(door: LimitedS3) -> None:
    """Both get a 403 at the bucket."""
    store = S3Store(replace(behind(door), secret_key="not-the-right-one"))
    with pytest.raises(StoreError) as caught:
        await store.prepare()
    await store.close()
    assert caught.value.cause is FailureCause.CREDENTIALS
    assert "SignatureDoesNotMatch" in str(caught.value)


async def test_a_place_outside_the_key_is_named(door: LimitedS3) -> None:
    """The cure is another one than for a wrong key."""
    settings = replace(behind(door), clips=S3Place("elsewhere"), thumbnails=S3Place("elsewhere", "t/"))
    other = S3Store(settings)
    with pytest.raises(StoreError, match="s3:PutObject on elsewhere/") as caught:
        await other.prepare()
    await other.close()
    assert caught.value.cause is FailureCause.CREDENTIALS


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not find_minio():
        pytest.skip("rclone has one key for everything")
    with running_s3("minio", tmp_path_factory.mktemp("minio") / "objects") as server:
        yield server


def test_a_real_key_of_a_prefix_is_enough(minio: S3Server) -> None:
    """By MinIO's own policies; the operator's key sees what came of it, and what is outside."""
    operator = minio.operator()
    operator.make_bucket(BUCKET)
    settings = settings_of(minio.endpoint, *limited_key(minio, BUCKET, PREFIX))
    steps = checked(settings)
    assert {step.outcome for step in steps} == {StoreCheckOutcome.OK}, steps
    found = [one.object_name for one in operator.list_objects(BUCKET, recursive=True)]
    assert found == [f"{PREFIX}clips/{MARK}", f"{PREFIX}thumbnails/{MARK}"]
    outside = checked(replace(settings, clips=S3Place(BUCKET, "office/")))
    assert (outside[0].outcome, outside[0].cause) == (StoreCheckOutcome.FAILED, FailureCause.CREDENTIALS)
