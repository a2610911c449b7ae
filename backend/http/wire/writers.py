"""How events become JSON: the same models as the responses. Pure."""

from backend.events.writers import Writers
from backend.http.wire.cameras import CameraJson
from backend.http.wire.clips import ClipJson
from backend.http.wire.schedules import RunJson, ScheduleJson

WRITERS = Writers(
    clip=lambda clip, facts: ClipJson.of(clip, facts).model_dump(mode="json"),
    camera=lambda status, default: CameraJson.of(status, default=default).model_dump(mode="json"),
    schedule=lambda view: ScheduleJson.of(view).model_dump(mode="json"),
    run=lambda run: RunJson.of(run).model_dump(mode="json"),
)
