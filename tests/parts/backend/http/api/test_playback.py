"""Where a clip plays, asked before there is anything to play."""

import pytest

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
