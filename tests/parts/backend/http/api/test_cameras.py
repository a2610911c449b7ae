"""What a camera is asked for over HTTP: its state, and the refusals of frames and spans."""

import pytest

from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_cameras_tell_their_state(app: WholeApp) -> None:
    """State, codec, size, buffer and counters; an unknown one is a 404 that names what there is."""
    (camera,) = (await app.get("/api/cameras")).json()["cameras"]
    assert camera["id"] == "front"
    assert camera["state"] == "live"
    assert camera["default"] is True
    assert (camera["codec"], camera["width"], camera["height"], camera["fps"]) == ("h264", 320, 180, 30.0)
    assert (await app.get("/api/cameras/front")).json()["id"] == "front"
    missing = await app.get("/api/cameras/back")
    assert (missing.status, "front" in missing.json()["detail"]) == (404, True)


async def test_a_frame_that_is_not_buffered_is_refused(app: WholeApp) -> None:
    """Older than the buffer is a conflict; nonsense names its field."""
    assert (await app.get("/api/cameras/front/frame.jpg?at=2001-01-01T00:00:00Z")).status == 409
    for at in ("9999-12-31T23:59:59.999999Z", "2001-01-01T00:00:00Z"):
        answers = [
            await app.get(f"/api/cameras/front/frame.jpg?at={at}"),
            await app.post("/api/snapshots", {"at": at}),
            await app.post("/api/clips", {"at": at}),
        ]
        assert [(answer.status, answer.json().get("field")) for answer in answers] == [(409, "at")] * 3
    for query, field in (("at=yesterday", "at"), ("width=1", "width"), ("width=x", "width")):
        answer = await app.get(f"/api/cameras/front/frame.jpg?{query}")
        assert (answer.status, answer.json()["field"]) == (422, field)


async def test_a_span_that_runs_backwards_names_its_end(app: WholeApp) -> None:
    """Not an empty answer, and not a moment that is said to be gone."""
    span = "start=2026-01-01T00:00:01Z&end=2026-01-01T00:00:00Z"
    for path in ("frames", "replay", "replay.mp4", "filmstrip"):
        answer = await app.get(f"/api/cameras/front/{path}?{span}")
        assert (answer.status, answer.json()["field"]) == (422, "end")
        early = await app.get(f"/api/cameras/front/{path}?end=2001-01-01T00:00:00Z")
        assert (early.status, early.json().get("field")) in {(409, "end"), (200, None)}


async def test_a_filmstrip_spans_the_buffer(app: WholeApp) -> None:
    """Small pictures in order, each with its label and the address of the full frame."""
    await app.wait_for_buffer(2.0, "front")
    strip = (await app.get("/api/cameras/front/filmstrip?count=3&width=160")).json()
    labels = [picture["label"] for picture in strip["pictures"]]
    assert 2 <= len(labels) <= 3
    assert labels == sorted(labels)
    assert all(picture["width"] == 160 for picture in strip["pictures"])
    assert strip["pictures"][0]["image"].startswith("data:image/jpeg;base64,")
    assert (await app.get(strip["pictures"][-1]["frame_url"])).status == 200
