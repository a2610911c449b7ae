"""What people ask of schedules: list, make, change, delete, and those that config.yaml lists.

Not here: what may be asked (`recurrence.requests`), when something is due (`recurrence.due`), carrying it
out (`runner`), HTTP (`http.api.schedules`). Event loop only; the calendar search runs in a thread.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.base.ids import is_id, new_id
from backend.cameras.cameras import Cameras
from backend.catalogue import Catalogue
from backend.catalogue.schedule_values import (
    Origin,
    Run,
    Schedule,
    ScheduleKind,
    ScheduleSpec,
    ScheduleView,
)
from backend.events.log import EventLog
from backend.events.writers import Writers
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from backend.recurrence.due import upcoming
from backend.recurrence.requests import DEFAULT_FPS, check

log = logging.getLogger(__name__)

MOST_SCHEDULES = 200
"""Of one recorder: each is looked at every second."""
SHOWN_NEXT = 3
DISABLED = "The schedule is disabled."


class Schedules:
    """The use cases. `now` gives the label of this moment, by the line that the buffers go by."""

    def __init__(
        self,
        catalogue: Catalogue,
        cameras: Cameras,
        events: EventLog,
        recorder_id: str,
        now: Callable[[], datetime],
        writers: Writers,
    ) -> None:
        self._rows = catalogue.schedules
        self._cameras = cameras
        self._events = events
        self._recorder_id = recorder_id
        self._now = now
        self._writers = writers
        self.timezone = "UTC"
        """What a schedule is meant in when it does not say; another one after a reload."""

    async def get(self, schedule_id: str) -> Schedule:
        """The schedule. Refused when there is none."""
        found = await self._find(schedule_id)
        if found is None:
            raise Refused(Kind.SCHEDULE_UNKNOWN, field="id")
        return found

    async def camera_of(self, schedule_id: str) -> str | None:
        """The camera of a schedule; None when there is none."""
        found = await self._find(schedule_id)
        return None if found is None else found.spec.camera

    async def every(self, camera: str | None = None) -> list[Schedule]:
        """All, oldest first; those of other boxes on the same database too."""
        return [s for s in await self._rows.every() if camera is None or s.spec.camera == camera]

    async def views(self, schedules: Sequence[Schedule]) -> list[ScheduleView]:
        """With the next times and the newest run of each."""
        latest = await self._rows.latest_runs([schedule.id for schedule in schedules])
        now = self._now()

        def made() -> list[ScheduleView]:
            return [ScheduleView(s, _next(s.spec, now), latest.get(s.id)) for s in schedules]

        return await asyncio.to_thread(made)

    async def view(self, schedule_id: str) -> ScheduleView:
        """One of them. Refused when there is none."""
        (found,) = await self.views([await self.get(schedule_id)])
        return found

    async def runs(self, schedule_id: str, limit: int) -> Sequence[Run]:
        """What became of it, newest first."""
        await self.get(schedule_id)
        return await self._rows.runs(schedule_id, limit)

    async def create(self, spec: ScheduleSpec, schedule_id: str) -> Schedule:
        """Make one; it counts from now on, also in the middle of its time."""
        await asyncio.to_thread(check, spec)
        if len(await self._rows.every(self._recorder_id)) >= MOST_SCHEDULES:
            raise Refused(Kind.TOO_MANY_SCHEDULES, limit=MOST_SCHEDULES)
        return await self._publish_schedule(await self._insert(spec, Origin.API, schedule_id))

    async def change(self, schedule_id: str, changes: Mapping[str, Any]) -> Schedule:
        """Change some fields of its spec; None for camera, timezone and fps stands for the default.

        What is under way goes on as it began; the change counts after it.
        """
        schedule = await self._writable(schedule_id)
        changed = dict(changes)
        if "camera" in changed:
            if schedule.recorder_id != self._recorder_id:
                raise Refused(Kind.SCHEDULE_OF_OTHER_BOX, field="camera")
            changed["camera"] = self._cameras.find(changed["camera"]).settings.camera_id
        if "timezone" in changed:
            changed["timezone"] = changed["timezone"] or self.timezone
        if schedule.spec.kind is ScheduleKind.TIMELAPSE and "fps" in changed:
            changed["fps"] = DEFAULT_FPS if changed["fps"] is None else changed["fps"]
        spec = replace(schedule.spec, **changed)
        await asyncio.to_thread(check, spec)
        return await self._publish_schedule(await self._change(schedule, spec))

    async def delete(self, schedule_id: str) -> None:
        """Remove it and its history. A recording under way goes on to its end; a timelapse ends now."""
        await self._delete(await self._writable(schedule_id))

    async def follow_config(self, wanted: Sequence[ScheduleSpec], timezone: str) -> None:
        """Make the rows of config.yaml what it lists; `wanted` is checked already, names are unique."""
        self.timezone = timezone
        rows = [s for s in await self._rows.every(self._recorder_id) if s.origin is Origin.CONFIG]
        by_name = {schedule.spec.name: schedule for schedule in rows}
        names = {spec.name for spec in wanted}
        for schedule in rows:
            if schedule.spec.name not in names:
                log.info("schedule %s left the configuration", schedule.spec.name)
                await self._delete(schedule)
        for spec in wanted:
            known = by_name.get(spec.name)
            if known is None or known.spec != spec:
                log.info("schedule %s of the configuration is %s", spec.name, "changed" if known else "new")
            if known is None or known.spec.kind is not spec.kind:
                if known is not None:
                    await self._delete(known)
                await self._publish_schedule(await self._insert(spec, Origin.CONFIG, new_id()))
            elif known.spec != spec:
                await self._publish_schedule(await self._change(known, spec))

    def publish_run(self, run: Run) -> None:
        """Publish a run that is new or has changed."""

        self._events.publish("schedule_run", self._writers.run(run), camera=run.spec.camera)

    async def _find(self, schedule_id: str) -> Schedule | None:
        return await self._rows.get(schedule_id) if is_id(schedule_id) else None

    async def _insert(self, spec: ScheduleSpec, origin: Origin, schedule_id: str) -> Schedule:
        now = self._now()
        return await self._rows.insert(
            Schedule(
                id=schedule_id,
                recorder_id=self._recorder_id,
                origin=origin,
                spec=spec,
                created_at=now,
                updated_at=now,
                version=1,
                seen_until=None,
                era=0,
            )
        )

    async def _change(self, schedule: Schedule, spec: ScheduleSpec) -> Schedule:
        changed = await self._rows.change(schedule.id, spec)
        if schedule.spec.enabled and not spec.enabled:
            await self._rows.disable_runs(schedule.id, self._now(), DISABLED)
        return changed

    async def _delete(self, schedule: Schedule) -> None:
        await self._rows.delete(schedule.id, self._now())
        camera = schedule.spec.camera
        self._events.publish("schedule_deleted", {"id": schedule.id, "camera": camera}, camera=camera)

    async def _writable(self, schedule_id: str) -> Schedule:
        schedule = await self.get(schedule_id)
        if schedule.origin is Origin.CONFIG:
            raise Refused(Kind.SCHEDULE_READ_ONLY, name=schedule.spec.name)
        return schedule

    async def _publish_schedule(self, schedule: Schedule) -> Schedule:
        (view,) = await self.views([schedule])
        self._events.publish("schedule", self._writers.schedule(view), camera=schedule.spec.camera)
        return schedule


def _next(spec: ScheduleSpec, now: datetime) -> tuple[datetime, ...]:
    if not spec.enabled:
        return ()
    times = upcoming(spec, now, SHOWN_NEXT)
    # What a timelapse is due at is when its next clip begins.
    return tuple(occurrence.due_at for occurrence in times)
