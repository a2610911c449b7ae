"""Where a clip plays, which form of it is sent to whom, and how long a browser may keep it."""

import hashlib
import io
import zipfile
from typing import Any

import pytest

from backend.access.actions import Action
from backend.access.principals import Principal
from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_clip_that_is_not_ready_cannot_be_played(app: WholeApp) -> None:
    """409 while it is being recorded, for every address of its bytes."""
    clip = await app.record(before_seconds=1, after_seconds=600)
    for verb in ("playback", "playback/stream", "download"):
        answer = await app.get(f"/api/clips/{clip['id']}/{verb}")
        assert (answer.status, "pending" in answer.json()["detail"]) == (409, True)
    assert (await app.post(f"/api/clips/{clip['id']}/retry")).status == 409
    await app.request("DELETE", f"/api/clips/{clip['id']}")


async def test_no_answer_about_playback_may_be_kept(app: WholeApp) -> None:
    """Not the refusal while it is recorded, nor the address afterwards; an unknown clip is a 404."""
    clip = await app.record(before_seconds=0, after_seconds=None)
    answer = await app.get(f"/api/clips/{clip['id']}/playback")
    assert (answer.status, answer.headers["cache-control"]) == (409, "no-store")
    assert (await app.get("/api/clips/0199a3b0-0000-7000-8000-000000000001/playback")).status == 404
    await app.post(f"/api/clips/{clip['id']}/stop")
    await app.wait_for_clip(clip["id"])
    answer = await app.get(f"/api/clips/{clip['id']}/playback")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")


async def test_who_may_only_look_gets_clean_forms_by_every_way(
    app: WholeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stream, download and archive; the camera's own file is for those who may manage the clip."""
    clip = await hiding_clip(app)
    base, archive = f"/api/clips/{clip['id']}", f"/api/clips/archive.zip?ids={clip['id']}"
    clean = (await app.get(f"{base}/download?form=clean")).body
    own = (await app.get(f"{base}/playback/stream")).body
    assert hashlib.sha256(own).hexdigest() == clip["sha256"] != hashlib.sha256(clean).hexdigest()
    assert (
        own
        == (await app.get(f"{base}/download")).body
        == (await app.get(f"{base}/download?form=original")).body
    )
    assert await zipped(app, f"{archive}&form=original") == own
    assert await zipped(app, archive) == clean
    monkeypatch.setattr(Principal, "may", lambda self, action, camera=None: action is Action.VIEW)
    for path in (f"{base}/playback/stream", f"{base}/download", f"{base}/download?form=clean"):
        assert (await app.get(path)).body == clean
    assert await zipped(app, archive) == clean
    for path in (f"{base}/download?form=original", f"{archive}&form=original"):
        assert (await app.get(path)).status == 403


async def zipped(app: WholeApp, path: str) -> bytes:
    """The one file of an archive."""
    answer = await app.get(path)
    assert answer.status == 200, answer.body
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        return archive.read(archive.namelist()[0])


async def hiding_clip(app: WholeApp) -> dict[str, Any]:
    """One that does not happen to begin at a keyframe."""
    while True:
        clip = await app.wait_for_clip((await app.record())["id"])
        if clip["lead_in_seconds"] > 0:
            return clip
