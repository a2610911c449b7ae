"""Whatever happens in whatever order: one worker per file, nothing forgotten or given up too early."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.catalogue import Clip, ClipUnknown, IllegalTransition, Location, Root, StoredPath, Upload
from backend.storage.upload_plan import wanted
from tests.support.backend.rows import HERE, Box

HOLD, LONGEST = timedelta(minutes=2), timedelta(minutes=5)
WANTED = partial(wanted, public_urls=True)
OF_TIME = ["later", "back", "crash", "sweep"]
OF_CLIPS = ["finish", "publish", "unpublish", "delete", "reclaim"]
OF_UPLOADS = ["plan", "lease", "confirm", "fail", "renew"]
ACTIONS = st.lists(
    st.tuples(st.sampled_from(OF_TIME + OF_CLIPS + OF_UPLOADS), st.integers(0, 5)), min_size=5, max_size=60
)


class World:
    """A catalogue, a store that is a set of keys, and workers who hold what they leased."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.rows = box.catalogue.uploads
        self.clips: list[str] = []
        self.held: list[Upload] = []
        self.store: set[StoredPath] = set()
        self.tokens = 0

    async def happen(self, what: str, which: int) -> None:
        if what == "finish":
            self.clips.append((await self.box.finished_clip(bytes([which]))).id)
        elif what == "plan":
            await self.rows.plan(HERE, WANTED)
        elif what == "lease":
            await self._lease()
        elif what in {"later", "back"}:
            self.box.clock.time += timedelta(minutes=which) * (1 if what == "later" else -60)
        elif what == "sweep":
            await self._sweep()
        elif what == "crash":
            # Some had copied their file and were killed before they could say so.
            self.store |= {StoredPath(upload.root, upload.key) for upload in self.held[:which]}
            self.held.clear()
            await self.rows.begin(HERE, "store", public=True)
        elif self.held and what in {"confirm", "fail", "renew"}:
            await self._work(what, self.held.pop(which % len(self.held)))
        elif self.clips and what in {"publish", "unpublish", "delete", "reclaim"}:
            await self._change(what, self.clips[which % len(self.clips)])

    async def _lease(self) -> None:
        self.tokens += 1
        busy = {upload.clip_id for upload in self.held}
        upload = await self.rows.lease(HERE, str(self.tokens), HOLD, LONGEST, busy)
        if upload is not None:
            assert upload.clip_id not in busy
            self.held.append(upload)

    async def _work(self, what: str, upload: Upload) -> None:
        if what == "fail":
            await self.rows.failed(upload, "It fails.", timedelta(seconds=30), counts=True)
        elif what == "renew":
            if await self.rows.renew(upload, HOLD):
                self.held.append(upload)
        else:
            self.store.add(StoredPath(upload.root, upload.key))
            await self.rows.confirm(upload, WANTED)

    async def _change(self, what: str, clip_id: str) -> None:
        catalogue: Any = self.box.catalogue
        with suppress(ClipUnknown, IllegalTransition):
            if what == "reclaim":
                await self.rows.reclaim(clip_id)
            elif what == "delete":
                await catalogue.delete_clip(clip_id)
                self.clips.remove(clip_id)
            else:
                await getattr(catalogue, what)(clip_id)

    async def _sweep(self) -> None:
        for garbage in await self.rows.garbage_due(HERE):
            if garbage.clip_id in {upload.clip_id for upload in self.held}:
                continue
            used = await self.rows.still_used(garbage.clip_id)
            self.store -= set(garbage.paths) - used
            await self.box.catalogue.garbage_done(garbage.id)

    async def clip(self, clip_id: str) -> Clip:
        found = await self.box.catalogue.get_clip(clip_id)
        assert found is not None
        return found

    async def check(self) -> None:
        """True at every moment."""
        for clip_id in self.clips:
            clip = await self.clip(clip_id)
            assert {one.place for one in clip.remote} <= self.store
            if clip.location is not Location.LOCAL:
                assert clip.remote_file in self.store

    async def settle(self) -> None:
        """Everybody works until nothing is left to do."""
        self.held.clear()
        await self.rows.begin(HERE, "store", public=True)
        self.box.clock.time += timedelta(days=1)
        for _ in range(300):
            planned = await self.rows.plan(HERE, WANTED)
            await self._lease()
            if self.held:
                await self._work("confirm", self.held.pop())
            elif not planned and not await self.rows.garbage_due(HERE):
                return
            await self._sweep()
        raise AssertionError("it never settles")


async def _play(directory: Path, actions: list[tuple[str, int]]) -> None:
    async with Box.opened(directory) as box:
        world = World(box)
        await world.rows.begin(HERE, "store", public=True)
        for what, which in actions:
            await world.happen(what, which)
            await world.check()
        await world.settle()
        await world.check()
        clips = [await world.clip(clip_id) for clip_id in world.clips]
        assert all(clip.location is not Location.LOCAL for clip in clips)
        expected = {StoredPath(one.root, one.key) for clip in clips for one in WANTED(clip)}
        assert world.store == expected
        assert {place.root for place in expected} <= {Root.CLIPS, Root.THUMBNAILS}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_every_history_ends_with_exactly_what_should_be_at_the_store(
    tmp_path_factory: Any, actions: list[tuple[str, int]]
) -> None:
    """Publishing, deleting, reclaiming, crashes and wrong clocks in any order; no orphan and no gap."""
    asyncio.run(_play(tmp_path_factory.mktemp("world"), actions))
