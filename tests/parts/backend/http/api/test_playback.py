"""Where a clip plays, which form of it is sent to whom, and how long a browser may keep it."""

import hashlib
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest

from backend.access.actions import Action
from backend.access.principals import Principal
from tests.support.backend.whole_app import WholeApp

SECOND = timedelta(seconds=1)
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


async def test_clip_bytes_may_be_kept_but_not_shown_unasked(app: WholeApp) -> None:
    """A browser whose session has ended gets a refusal, one that may gets a 304; ranges as ever."""
    clip = await app.wait_for_clip((await app.record())["id"])
    paths = [clip["playback_url"], clip["download_url"], f"{clip['download_url']}?form=clean"]
    newest = await app.newest()
    replay = await app.get(f"/api/cameras/front/replay.mp4?start={(newest - SECOND).isoformat()[:-6]}")
    for path in (*paths, replay.headers["location"]):
        whole = await app.get(path)
        etag = whole.headers["etag"]
        assert (whole.status, whole.headers["cache-control"]) == (200, "private, no-cache"), path
        assert etag.startswith('"')
        head = await app.request("HEAD", path)
        known = await app.get(path, If_None_Match=etag)
        resumed = await app.get(path, Range="bytes=100-", If_Range=etag)
        changed = await app.get(path, Range="bytes=100-", If_Range='"of another file"')
        assert [one.status for one in (head, known, resumed, changed)] == [200, 304, 206, 200]
        assert (resumed.body, changed.body, known.body, head.body) == (whole.body[100:], whole.body, b"", b"")
        for answer in (head, known, resumed, changed):
            assert answer.headers["cache-control"] == "private, no-cache"
            assert answer.headers["etag"] == etag
        beyond = await app.get(path, Range=f"bytes={len(whole.body)}-")
        assert (beyond.status, beyond.headers["cache-control"]) == (416, "no-store")


async def test_a_picture_with_its_version_may_be_shown_for_five_minutes(app: WholeApp) -> None:
    """Without one it is asked for each time."""
    clip = await app.wait_for_clip((await app.record())["id"])

    async def pictured() -> str | None:
        url: str = (await app.clip(clip["id"]))["thumbnail_url"]
        return url if "v=" in url else None

    url = await app.wait(pictured, 30, "a picture")
    kept = [(await app.get(path)).headers["cache-control"] for path in (url, url.partition("?")[0])]
    assert kept == ["private, max-age=300", "private, no-cache"]


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


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"


async def test_a_player_that_ignores_edit_lists_gets_the_clean_form_by_asking_or_by_its_name(
    app: WholeApp,
) -> None:
    """What was asked for counts for more than the name of the browser."""
    clip = await hiding_clip(app)
    base = f"/api/clips/{clip['id']}"
    clean = (await app.get(f"{base}/download?form=clean")).body
    own = (await app.get(f"{base}/download")).body
    for query, agent, body, url in (
        ("", "curl", own, f"{base}/playback/stream"),
        ("?form=clean", "curl", clean, f"{base}/playback/stream?form=clean"),
        ("", FIREFOX, clean, f"{base}/playback/stream?form=clean"),
        ("?form=original", FIREFOX, own, f"{base}/playback/stream"),
    ):
        told = (await app.get(f"{base}/playback{query}", User_Agent=agent)).json()
        assert told["playback_url"] == url
        streamed = await app.get(f"{base}/playback/stream{query}", User_Agent=agent)
        assert streamed.body == body
        part = await app.get(f"{base}/playback/stream{query}", User_Agent=agent, Range="bytes=100-199")
        assert (part.status, part.body) == (206, body[100:200])
    assert (await app.get(f"{base}/download", User_Agent=FIREFOX)).body == own
    for path in (f"{base}/playback", f"{base}/playback/stream"):
        assert (await app.get(f"{path}?form=other")).status == 422


async def test_who_may_only_look_may_not_ask_for_the_original(
    app: WholeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """403; asking for the clean form changes nothing."""
    clip = await hiding_clip(app)
    base = f"/api/clips/{clip['id']}"
    monkeypatch.setattr(Principal, "may", lambda self, action, camera=None: action is Action.VIEW)
    for path in (f"{base}/playback", f"{base}/playback/stream"):
        assert (await app.get(f"{path}?form=original")).status == 403
        assert (await app.get(f"{path}?form=clean")).status == 200


async def test_the_frames_of_a_clip_are_listed_with_their_labels(app: WholeApp) -> None:
    """As many as the clip says it has, from its start; the pictures themselves are not read."""
    clip = await hiding_clip(app)
    told = (await app.get(f"/api/clips/{clip['id']}/frames")).json()
    assert told["frame_count"] == len(told["frame_offsets_us"]) == clip["frame_count"]
    assert (told["clip_id"], told["start_time"]) == (clip["id"], clip["start_time"])
    assert told["frame_offsets_us"][0] == 0
    assert told["frame_offsets_us"] == sorted(set(told["frame_offsets_us"]))
    assert told["frame_offsets_us"][-1] < clip["duration_seconds"] * 1e6
    assert told["media_start_seconds"] == pytest.approx(clip["lead_in_seconds"], abs=1e-4)
    unknown = await app.get("/api/clips/0199a3b0-0000-7000-8000-000000000001/frames")
    assert unknown.status == 404
    snapshot = (await app.post("/api/snapshots")).json()
    assert (await app.get(f"/api/clips/{snapshot['id']}/frames")).status == 400


async def test_a_replay_can_be_had_without_a_hidden_start(app: WholeApp) -> None:
    """It says where its first frame lies on the clock of its media."""
    start = (await app.newest() - SECOND).isoformat()[:-6]
    exact = (await app.get(f"/api/cameras/front/replay?start={start}Z")).json()
    whole = (await app.get(f"/api/cameras/front/replay?form=clean&start={start}Z")).json()
    assert whole["media_start_seconds"] == 0
    assert whole["start_time"] <= exact["start_time"]
    assert whole["frame_count"] >= exact["frame_count"]
    for replay in (exact, whole):
        await app.request("DELETE", replay["url"])


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
