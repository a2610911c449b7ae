"""Publishing, likes and batches: what each answers, and what is refused."""

from typing import Any

import pytest

from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

GHOST = "0199f0d0-0000-7000-8000-000000000001"


async def test_a_recording_is_not_published_before_it_is_done(app: WholeApp) -> None:
    """409 with what to do; an unknown clip is 404; a wrong time names its field."""
    running = await app.record(after_seconds=None)
    refused = await app.post(f"/api/clips/{running['id']}/publish")
    assert (refused.status, "draft" in refused.json()["detail"]) == (409, True)
    assert (await app.post(f"/api/clips/{running['id']}/like")).status == 409
    drafts = (await app.get("/api/drafts")).json()["clips"]
    assert running["id"] in [clip["id"] for clip in drafts]
    assert (await app.request("DELETE", f"/api/clips/{running['id']}")).status == 204
    assert (await app.post(f"/api/clips/{GHOST}/publish")).status == 404
    draft = await app.record()
    wrong = await app.post(f"/api/clips/{draft['id']}/publish", {"at": "tomorrow"})
    assert (wrong.status, wrong.json()["field"]) == (422, "at")


async def test_a_device_likes_once_however_often_it_signs_in(app: WholeApp) -> None:
    """This machine without a key is one visitor, the sessions from one address are another."""
    clip = await app.record()
    path = f"/api/clips/{clip['id']}/like"
    assert [(await app.post(path)).json()["likes"] for _ in range(2)] == [1, 1]
    key = (app.data_dir / "access_key").read_text().strip()
    for likes in (2, 2):
        session = await app.post("/api/session", {"key": key})
        assert session.status < 300, session.body
        cookie = {"Cookie": session.headers["set-cookie"].split(";")[0]}
        assert (await app.request("POST", path, headers=cookie)).json()["likes"] == likes
        assert (await app.request("GET", path, headers=cookie)).json()["liked"] is True
    assert (await app.request("DELETE", path)).json()["likes"] == 1
    assert (await app.get(path)).json() == {"clip_id": clip["id"], "likes": 1, "liked": False}


async def test_a_batch_gives_each_clip_its_own_answer(app: WholeApp) -> None:
    """What cannot be done says why; the others are done; the same again is done already."""
    one, two = await app.record(), await app.record()
    body = {"action": "publish", "ids": [one["id"], GHOST, two["id"], one["id"]], "caption": "both"}
    answer = (await app.post("/api/clips/batch", body, Idempotency_Key="batch-1")).json()
    assert (answer["done"], answer["failed"]) == (2, 1)
    assert [result["id"] for result in answer["results"]] == [one["id"], GHOST, two["id"]]
    assert answer["results"][1]["error"]["status"] == 404
    assert [answer["results"][n]["clip"]["status"] for n in (0, 2)] == ["published"] * 2
    replayed = await app.post("/api/clips/batch", body, Idempotency_Key="batch-1")
    assert (replayed.json(), replayed.headers["idempotent-replayed"]) == (answer, "true")
    for action in ("publish", "unpublish", "retry", "delete", "delete"):
        order = {"action": action, "ids": [one["id"], two["id"]]}
        again = (await app.post("/api/clips/batch", order)).json()
        assert (again["done"], again["failed"]) == (2, 0), again
    assert (await app.get(f"/api/clips/{one['id']}")).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "publish", "ids": []}, "ids"),
        ({"action": "publish", "ids": ["../x"]}, "ids"),
        ({"action": "publish", "ids": [GHOST.replace("01", f"{n:02}") for n in range(201)]}, "ids"),
        ({"action": "burn", "ids": [GHOST]}, "action"),
        ({"action": "delete", "ids": [GHOST], "caption": "x"}, "caption"),
    ],
)
async def test_a_batch_that_means_nothing_is_refused_whole(
    app: WholeApp, body: dict[str, Any], field: str
) -> None:
    """Before anything is done, with the name of the field at fault."""
    answer = await app.post("/api/clips/batch", body)
    assert (answer.status, answer.json()["field"].split(".")[0]) == (422, field), answer.body
