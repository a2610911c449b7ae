"""What the daemon says about its store, and which clips everybody may read there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.catalogue import Clip, RemoteObject, Root, UploadBacklog
from backend.catalogue.lifecycle import Status
from backend.config.model import Config, StorageConfig
from backend.config.storage import S3Config
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.http.wire.writers import WRITERS
from backend.storage.object_store import FailureCause, StoreError
from backend.storage.storage import Storage, open_storage, open_store, public_url
from tests.support.backend.clips import a_clip
from tests.support.backend.foundations import foundation_of
from tests.support.backend.rows import Box

PUBLIC = RemoteObject(Root.CLIPS, "public/id/clip.mp4")


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[Box]:
    async with Box.opened(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def nothing_to_share(clip: Clip) -> AsyncIterator[Path]:
    """These tests copy nothing."""
    yield Path(str(clip.path))


def configured(
    box: Box, *, public_urls: bool = True, bucket: str | None = None
) -> tuple[Storage, ClipEvents]:
    s3 = S3Config(
        endpoint="http://127.0.0.1:9",
        access_key=SecretStr("us"),
        secret_key=SecretStr("a-long-secret"),
        public_endpoint="https://media.example.com",
        public_urls=public_urls,
        bucket=bucket,
    )
    config = StorageConfig(s3=s3)
    store = open_store(config)
    clip_events = ClipEvents(EventLog("boot"), WRITERS.clip, partial(public_url, store))
    return open_storage(
        foundation_of(box, Config(storage=config)), store, clip_events, nothing_to_share
    ), clip_events


async def test_without_a_store_there_is_nothing_to_say(box: Box) -> None:
    """No numbers in /metrics that mean nothing, and no concern."""
    clip_events = ClipEvents(EventLog("boot"), WRITERS.clip)
    storage = open_storage(foundation_of(box), None, clip_events, nothing_to_share)
    assert (storage.status().provider, storage.status().state) == ("local", "none")
    assert storage.numbers() == {}
    assert public_url(None, a_clip(status=Status.PUBLISHED, remote=(PUBLIC,))) is None
    await storage.close()


async def test_only_published_clips_with_a_confirmed_copy_have_a_public_address(box: Box) -> None:
    """Not a draft whose copy is just being deleted, nor a clip whose copy is still on its way."""
    storage, clip_events = configured(box)
    published = a_clip(status=Status.PUBLISHED, remote=(PUBLIC,))
    assert clip_events.facts(published).public_url == "https://media.example.com/clips/public/id/clip.mp4"
    assert clip_events.facts(a_clip(status=Status.DRAFT, remote=(PUBLIC,))).public_url is None
    assert clip_events.facts(a_clip(status=Status.PUBLISHED)).public_url is None
    await storage.close()


async def test_in_one_bucket_a_public_address_names_the_folder(box: Box) -> None:
    """Which is part of the store's affairs: rows do not know it, so they outlive a move of the objects."""
    storage, clip_events = configured(box, bucket="one")
    published = a_clip(status=Status.PUBLISHED, remote=(PUBLIC,))
    address = "https://media.example.com/one/clips/public/id/clip.mp4"
    assert clip_events.facts(published).public_url == address
    await storage.close()


async def test_without_public_urls_nothing_is_public(box: Box) -> None:
    """Even if an object of another configuration is still there."""
    storage, clip_events = configured(box, public_urls=False)
    assert clip_events.facts(a_clip(status=Status.PUBLISHED, remote=(PUBLIC,))).public_url is None
    await storage.close()


async def test_the_state_of_the_queue_is_told_in_numbers_and_words(box: Box) -> None:
    """Length, oldest age, state and cause: what an operator needs at a glance."""
    storage, _ = configured(box)
    assert storage.queue is not None
    oldest = box.clock.time - timedelta(minutes=5)
    storage.queue._known.backlog = UploadBacklog(
        files=2, size_bytes=7, oldest=oldest, clips_not_planned=1, deletions=3
    )
    storage.queue.monitor.failed(StoreError(FailureCause.FULL, "No room."), 0.0, 0.0)
    now = storage.status(box.clock.time)
    assert (now.state, now.cause, now.detail) == ("failing", "full", "No room.")
    assert (now.waiting_files, now.waiting_bytes, now.oldest_age_s) == (3, 7, 300.0)
    assert storage.numbers()["store_up"] == 0
    assert storage.numbers()["store_deletions_waiting"] == 3
    await storage.close()
