"""Random lives of many clips, with crashes, through real catalogue, files and start-up.

Hypothesis draws what happens: press, stop, fail, retry, publish, promise, like, delete, a clock that is
set, a crash after any durable step. A small model says what must be true; catalogue and disk must agree
with it, and with each other, after every step.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backend.base.ids import new_id
from backend.catalogue import Clip, ClipFilter, IllegalTransition, NewClip
from backend.catalogue.lifecycle import FINISHED, UNFINISHED, Status, can
from backend.clips.rows import finished_fields
from backend.http.problems import STATUSES
from backend.problems.refused import Refused
from backend.recovery import fsck
from recorder.base.values import FinishedClip
from recorder.recording.clip_files import ClipFiles
from recorder.recording.finishing import finish_part
from tests.support.backend.rows import HERE, NOON, Box
from tests.support.killed.operations import UNITS, Life, write_part

pytestmark = pytest.mark.blocking

STEPS = [timedelta(seconds=1), timedelta(minutes=10), timedelta(hours=1), timedelta(days=400)]
CLOCK_STEPS = [*STEPS, -timedelta(hours=1), -timedelta(days=400)]
VISITORS = ["anna", "ben"]
Step = Callable[[], Awaitable[object]]


@dataclass
class Known:
    """What must be true of one clip. `order` is when it was pressed, `out` when it was published."""

    status: Status
    order: int
    retryable: bool = False
    publish_at: datetime | None = None
    out: int | None = None
    likes: set[str] = field(default_factory=set)


class Lives(RuleBasedStateMachine):
    """One box. Rules are what happens to it; each runs its steps on a loop of its own making."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="hindsight-lives-"))
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.known: dict[str, Known] = {}
        self.deleted: set[str] = set()
        self.numbers = 0

    @initialize()
    def open(self) -> None:
        self.do(self._open(NOON))

    def teardown(self) -> None:
        try:
            self.crash()
            self.do(self.stack.aclose())
        finally:
            self.runner.close()
            shutil.rmtree(self.directory, ignore_errors=True)

    # What happens

    @rule(done=st.integers(0, 4))
    def press(self, done: int) -> None:
        """A crash before the last step: nobody was promised anything before the row was committed."""
        clip_id = new_id()
        row = NewClip(id=clip_id, recorder_id=HERE, camera="front", start_time=NOON, pressed_at=NOON)
        files = self.files(clip_id)

        async def write() -> None:
            await asyncio.to_thread(write_part, files)

        claim, acknowledge = self.on_disk(files.claim), self.on_disk(files.acknowledge)
        self.steps([claim, write, lambda: self.box.catalogue.insert_clip(row), acknowledge][:done])
        if done >= 3:
            self.known[clip_id] = Known(Status.PENDING, self.next())
        if done < 4:
            self.crash()

    @precondition(lambda self: self.some(Status.PENDING))
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        clip_id = self.pick(data, Status.PENDING)
        self.do(self.box.catalogue.transition(clip_id, Status.PROCESSING, fields={"progress": 0.0}))
        self.known[clip_id].status = Status.PROCESSING

    @precondition(lambda self: self.some(Status.PROCESSING))
    @rule(data=st.data(), done=st.integers(1, 3))
    def finish(self, data: st.DataObject, done: int) -> None:
        """A crash behind the file but before the row, or behind the row but before the part file goes."""
        clip_id = self.pick(data, Status.PROCESSING)
        files = self.files(clip_id)
        made: list[FinishedClip] = []

        async def make() -> None:
            made.append(await asyncio.to_thread(finish_part, files))

        async def commit() -> None:
            fields = finished_fields(made[0], NOON, clip_id)
            await self.box.catalogue.transition(clip_id, Status.DRAFT, fields=fields)

        self.steps([make, commit, self.on_disk(files.discard_part)][:done])
        if done >= 2:
            self.known[clip_id].status = Status.DRAFT
        if done < 3:
            self.crash()

    @precondition(lambda self: self.some(*UNFINISHED))
    @rule(data=st.data(), material=st.booleans())
    def fail(self, data: st.DataObject, material: bool) -> None:
        clip_id = self.pick(data, *UNFINISHED)
        if not material:
            self.files(clip_id).part.unlink()
        fields = {"error": "The disk was full.", "retryable": material}
        self.do(self.box.catalogue.transition(clip_id, Status.FAILED, fields=fields))
        self.known[clip_id].status, self.known[clip_id].retryable = Status.FAILED, material

    @precondition(lambda self: any(k.retryable for k in self.known.values()))
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        clip_id = data.draw(st.sampled_from([i for i, k in self.known.items() if k.retryable]))
        fields = {"error": None, "retryable": False}
        self.do(self.box.catalogue.transition(clip_id, Status.PROCESSING, fields=fields))
        self.known[clip_id].status, self.known[clip_id].retryable = Status.PROCESSING, False

    @precondition(lambda self: bool(self.known))
    @rule(data=st.data(), later=st.sampled_from([None, -STEPS[1], *STEPS]))
    def publish(self, data: st.DataObject, later: timedelta | None) -> None:
        clip_id = self.pick(data, *Status)
        known = self.known[clip_id]
        put_off = later is not None and later > timedelta(0)
        at = None if later is None else self.box.clock.time + later
        allowed = known.status is Status.DRAFT or (known.status is Status.PUBLISHED and not put_off)
        if self.allowed(allowed, self.life.publishing.publish(clip_id, at=at)):
            if put_off:
                known.publish_at = at
            elif known.status is Status.DRAFT:
                self.goes_out(known)

    @precondition(lambda self: bool(self.known))
    @rule(data=st.data())
    def unpublish(self, data: st.DataObject) -> None:
        clip_id = self.pick(data, *Status)
        known = self.known[clip_id]
        if self.allowed(known.status in FINISHED, self.life.publishing.unpublish(clip_id)):
            known.status, known.publish_at, known.out = Status.DRAFT, None, None

    @precondition(lambda self: bool(self.known))
    @rule(data=st.data(), visitor=st.sampled_from(VISITORS), back=st.booleans())
    def like(self, data: st.DataObject, visitor: str, back: bool) -> None:
        clip_id = self.pick(data, *Status)
        known = self.known[clip_id]
        if back:
            self.do(self.life.publishing.unlike(clip_id, visitor))
            known.likes.discard(visitor)
        elif self.allowed(known.status in FINISHED, self.life.publishing.like(clip_id, visitor)):
            known.likes.add(visitor)

    @precondition(lambda self: bool(self.known))
    @rule(data=st.data(), swept=st.booleans())
    def delete(self, data: st.DataObject, swept: bool) -> None:
        """From every state; the files of an unswept one are found by the next sweep or start."""
        clip_id = self.pick(data, *Status)
        self.do(self.box.catalogue.delete_clip(clip_id))
        del self.known[clip_id]
        self.deleted.add(clip_id)
        if swept:
            self.do(self.life.sweep())

    @precondition(lambda self: bool(self.known))
    @rule(data=st.data(), to=st.sampled_from(Status))
    def try_anything(self, data: st.DataObject, to: Status) -> None:
        """What the table forbids is refused and changes nothing."""
        clip_id = self.pick(data, *Status)
        if can(self.known[clip_id].status, to):
            return
        with pytest.raises(IllegalTransition):
            self.do(self.box.catalogue.transition(clip_id, to))

    @rule(by=st.sampled_from(CLOCK_STEPS))
    def set_clock(self, by: timedelta) -> None:
        self.box.clock.time += by

    @rule()
    def tick(self) -> None:
        self.do(self.life.publishing.tick())
        self.promises_come_due()

    @rule()
    def crash(self) -> None:
        """The process is gone; the next one starts on what it left."""
        self.do(self._open(self.box.clock.time))
        self.do(self.life.start_up())
        for known in self.known.values():
            if known.status in UNFINISHED:
                known.status = Status.DRAFT
        self.promises_come_due()
        self.nothing_is_left_over()

    # What must be true

    @invariant()
    def rows_are_as_they_must_be(self) -> None:
        rows = self.do(self.rows())
        assert {clip.id: clip.status for clip in rows} == {i: k.status for i, k in self.known.items()}
        assert [clip.id for clip in rows] == sorted(self.known, key=lambda i: -self.known[i].order)
        for clip in rows:
            known = self.known[clip.id]
            assert (clip.publish_at, clip.likes) == (known.publish_at, len(known.likes))
            assert (clip.published_at is not None) == (clip.status is Status.PUBLISHED)
            assert (clip.path is not None) >= (clip.status in FINISHED)
            if clip.status in FINISHED:
                assert clip.frame_count == len(UNITS)

    @invariant()
    def the_feed_is_what_is_out(self) -> None:
        feed = self.do(self.box.catalogue.feed(ClipFilter(), None, 200)).items
        out = {i: k.out for i, k in self.known.items() if k.out is not None}
        assert [clip.id for clip in feed] == sorted(out, key=lambda i: -out[i])

    @invariant()
    def catalogue_and_disk_agree(self) -> None:
        report = self.do(fsck.check(self.box.catalogue, self.box.files, HERE, settle_s=0))
        assert [finding.sentence for finding in report.findings] == []

    def nothing_is_left_over(self) -> None:
        """After a start no file of a deleted clip is there, and nothing had to be set aside."""
        folders = {path.name for path in self.box.files.clips_dir.iterdir()}
        assert folders <= set(self.known)
        assert not folders & self.deleted
        assert list(self.box.files.quarantine_dir.iterdir()) == []

    # How

    @property
    def life(self) -> Life:
        return Life(self.box, self.directory)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def steps(self, steps: Sequence[Step]) -> None:
        async def run() -> None:
            for step in steps:
                await step()

        self.do(run())

    def on_disk(self, work: Callable[[], None]) -> Step:
        return lambda: asyncio.to_thread(work)

    def allowed(self, expected: bool, work: Coroutine[Any, Any, Clip]) -> bool:
        """Do it; a refusal must come exactly when it is expected, and says what to do."""
        if expected:
            self.do(work)
        else:
            with pytest.raises(Refused, match=r"[a-z]") as refusal:
                self.do(work)
            assert STATUSES[refusal.value.kind] == 409
        return expected

    async def _open(self, at: datetime) -> None:
        await self.stack.aclose()
        self.box = await self.stack.enter_async_context(Box.opened(self.directory))
        self.box.clock.time = at

    async def rows(self) -> list[Clip]:
        return list((await self.box.catalogue.list_clips(ClipFilter(), None, 200)).items)

    def files(self, clip_id: str) -> ClipFiles:
        return ClipFiles(self.box.files.clips_dir, clip_id)

    def some(self, *statuses: Status) -> bool:
        return any(known.status in statuses for known in self.known.values())

    def pick(self, data: st.DataObject, *statuses: Status) -> str:
        fitting = [clip_id for clip_id, known in self.known.items() if known.status in statuses]
        return data.draw(st.sampled_from(fitting))

    def next(self) -> int:
        self.numbers += 1
        return self.numbers

    def goes_out(self, known: Known) -> None:
        known.status, known.publish_at, known.out = Status.PUBLISHED, None, self.next()

    def promises_come_due(self) -> None:
        promised = [(k.publish_at, k.order, k) for k in self.known.values() if k.publish_at is not None]
        for at, _, known in sorted(promised, key=lambda promise: promise[:2]):
            if at <= self.box.clock.time:
                self.goes_out(known)


Lives.TestCase.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.slow("a dozen lives of thirty steps, on real files")
def test_whatever_happens_no_clip_is_lost_stuck_or_orphaned() -> None:
    """See the rules above for what happens, and the invariants for what must be true."""
    case = Lives.TestCase()
    case.runTest()
