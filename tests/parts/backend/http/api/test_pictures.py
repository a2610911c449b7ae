"""Picking the picture of a clip: what is refused, with which words, and what is done once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.backend.whole_app import WholeApp, whole_app
from tests.support.daemon import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAMERAS = (
    {"id": "plain", "source": "synthetic?size=320x180&fps=10&gop_s=1"},
    {"id": "bframes", "source": "synthetic?size=320x180&fps=30&gop_s=1&bframes=3"},
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeApp]:
    async with whole_app(tmp_path_factory.mktemp("app"), CAMERAS, buffered_s=2.0) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["plain", "bframes"])
async def clip(request: pytest.FixtureRequest, app: WholeApp) -> dict[str, Any]:
    """A clip of one and a half seconds."""
    return await app.record(camera=request.param, before_seconds=1.5)


async def pick(app: WholeApp, clip: dict[str, Any], body: Any, **headers: str) -> Answer:
    path = f"/api/clips/{clip['id']}/set_manual_from_timestamp"
    return await app.post(path, body, Content_Type="application/json", **headers)


@pytest.mark.parametrize(
    ("asked", "status", "field", "said"),
    [
        ('{"time": NaN}', 400, "time", "duration of"),
        ('{"time": null}', 400, "time", "duration of"),
        ('{"time": "NaN"}', 400, "time", "duration of"),
        ('{"time": -0.001}', 400, "time", "duration of"),
        ('{"time": 1e999}', 400, "time", "duration of"),
        ('{"time": 1.5}', 400, "time", "duration of 1.5"),
        ('{"time": 99}', 400, "time", "duration of 1.5"),
        ('{"time": 1, "width": 0}', 422, "width", "width"),
        ('{"time": 1, "width": 1.5}', 422, "width", "width"),
        ('{"time": 1, "overwrite": "no"}', 422, "overwrite", "overwrite"),
        ('{"time": 1, "at": 2}', 422, "at", "known"),
        ("{}", 422, "time", "required"),
        ('{"time": 1, "frame": 3}', 422, "time", "either label or frame"),
        ('{"frame": -1}', 400, "frame", "numbered from 0"),
        ('{"frame": 1000}', 400, "frame", "numbered from 0"),
        ('{"frame": 1.5}', 422, "frame", "frame"),
        ('{"frame": "1"}', 422, "frame", "frame"),
        ('{"label": "1999-10-26T08:00:00Z"}', 400, "label", "at or after"),
        ('{"label": "yesterday"}', 422, "label", "time such as"),
        ("[", 400, None, "JSON"),
    ],
)
async def test_a_bad_order_is_refused_with_the_field_and_the_duration(
    app: WholeApp, clip: dict[str, Any], asked: str, status: int, field: str | None, said: str
) -> None:
    """As plain JSON, as the endpoint promises; the picture there was stays."""
    before = (await app.clip(clip["id"]))["previews"]["manual"]
    answer = await pick(app, clip, asked.encode())
    told = answer.json()
    assert (answer.status, told["status"], told["field"]) == (status, "error", field)
    assert answer.headers["content-type"].startswith("application/json")
    assert said in told["error"]
    assert (await app.clip(clip["id"]))["previews"]["manual"] == before


async def test_what_has_no_frames_to_pick_from_is_refused(app: WholeApp) -> None:
    """An unknown clip, a snapshot, a recording under way."""
    unknown = await pick(app, {"id": "01a1fb45-90bf-751a-8b4f-e8ac524908f8"}, {"time": 0})
    assert (unknown.status, unknown.json()["status"]) == (404, "error")
    snapshot = (await app.post("/api/snapshots")).json()
    refused = await pick(app, snapshot, {"time": 0})
    assert (refused.status, refused.json()["field"]) == (400, "id")
    running = await app.record(before_seconds=1, after_seconds=600)
    assert (await pick(app, running, {"time": 0})).status == 409
    promoted = await app.post(f"/api/clips/{running['id']}/promote_preview", {"source": "middle"})
    assert (promoted.status, promoted.json()["field"]) == (409, "source")
    assert (await app.request("DELETE", f"/api/clips/{running['id']}")).status == 204


async def test_the_same_order_sent_twice_is_carried_out_once(app: WholeApp) -> None:
    """An Idempotency-Key works as for every other POST, and a refusal frees it."""
    clip = await app.record(before_seconds=1.5)
    assert (await pick(app, clip, {"time": 77}, Idempotency_Key="k")).status == 400
    first, again = [await pick(app, clip, {"time": 1}, Idempotency_Key="k") for _ in range(2)]
    assert (first.status, first.body) == (again.status, again.body) == (200, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert (await pick(app, clip, {"time": 0.5}, Idempotency_Key="k")).status == 422
