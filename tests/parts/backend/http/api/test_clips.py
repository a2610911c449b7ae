"""Requests for clips: what is refused and leaves nothing, what is done once, and how pages follow."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAD_BODIES: list[tuple[Any, str]] = [
    ({"before_seconds": -1}, "before_seconds"),
    ({"after_seconds": -0.001}, "after_seconds"),
    ({"before_seconds": 3601}, "before_seconds"),
    ({"after_seconds": 1e9}, "after_seconds"),
    ({"before_seconds": 0, "after_seconds": 0}, "before_seconds"),
    ({"start": "2025-10-26T08:00:10Z", "end": "2025-10-26T08:00:00Z"}, "end"),
    ({"start": "2025-10-26T08:00:10Z", "end": "2025-10-26T08:00:10Z"}, "end"),
    ({"start": "2025-10-26T08:00:10Z"}, "end"),
    ({"end": "2025-10-26T08:00:10Z"}, "start"),
    ({"start": "2025-10-26T08:00:00Z", "end": "2025-10-26T08:00:10Z", "at": "2025-10-26T08:00:00Z"}, "at"),
    ({"start": "2025-10-26T08:00:00Z", "end": "2026-10-26T08:00:10Z"}, "end"),
    ({"at": "now"}, "at"),
    ({"camera": "nowhere"}, "camera"),
    ({"camera": "../front"}, "camera"),
    ({"before_second": 5}, "before_second"),
    ({"title": ["x"]}, "title"),
]


async def everything(app: WholeApp) -> tuple[int, list[str]]:
    """How many clips there are, and the directories of their files."""
    listed = await app.get("/api/clips?limit=200")
    folders = sorted(path.name for path in (app.data_dir / "clips").iterdir())
    return len(listed.json()["clips"]), folders


@pytest.mark.parametrize(("body", "field"), BAD_BODIES)
async def test_a_bad_request_names_the_field_and_changes_nothing(
    app: WholeApp, body: Any, field: str
) -> None:
    """A 4xx problem document with a cure; no row, no directory."""
    before = await everything(app)
    answer = await app.post("/api/clips", body)
    assert 400 <= answer.status < 500
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert (answer.json()["field"], bool(answer.json()["detail"])) == (field, True)
    assert await everything(app) == before


@pytest.mark.parametrize(
    ("raw", "content_type", "status"),
    [
        (b'{"before_seconds": NaN}', "application/json", 422),
        (b'{"after_seconds": 1e999}', "application/json", 422),
        (b"[]", "application/json", 422),
        (b'"x"', "application/json", 422),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"before_seconds=1", "application/x-www-form-urlencoded", 415),
        (b'{"title": "' + b"x" * 100_000 + b'"}', "application/json", 413),
    ],
)
async def test_a_body_that_is_none_is_refused(
    app: WholeApp, raw: bytes, content_type: str, status: int
) -> None:
    """Not JSON, not an object, not numbers, too large."""
    before = await everything(app)
    answer = await app.request("POST", "/api/clips", raw, {"Content-Type": content_type})
    assert answer.status == status
    assert await everything(app) == before


@pytest.mark.parametrize("span", [(-7200, -7100), (3600, 3610)])
async def test_a_span_that_holds_no_frame_is_a_conflict(app: WholeApp, span: tuple[int, int]) -> None:
    """Older than the buffer, or not yet: 409 that says so, and nothing is left."""
    before = await everything(app)
    newest = await app.newest()
    start, end = (newest + timedelta(seconds=seconds) for seconds in span)
    answer = await app.post("/api/clips", {"start": start.isoformat(), "end": end.isoformat()})
    assert answer.status == 409
    assert "frame" in answer.json()["detail"]
    assert await everything(app) == before


@pytest.mark.parametrize(
    "clip_id",
    [
        "0",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "01a1fb45-90bf-751a-8b4f-e8ac524908f8%00",
        "01A1FB45-90BF-751A-8B4F-E8AC524908F8",
        "*",
        "' OR 1=1 --".replace(" ", "%20"),
        "01a1fb45-90bf-751a-8b4f-e8ac524908f8",
    ],
)
@pytest.mark.parametrize(
    "verb", ["", "/playback", "/playback/stream", "/download", "/thumbnail", "/previews"]
)
async def test_an_id_that_is_none_is_not_found(app: WholeApp, clip_id: str, verb: str) -> None:
    """Tricks with paths, wildcards and quotes are just unknown ids."""
    answer = await app.get(f"/api/clips/{clip_id}{verb}")
    assert answer.status == 404
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_pages_of_clips_follow_each_other_without_overlap(app: WholeApp) -> None:
    """Newest first; the cursor leads through all of them."""
    made = [(await app.record())["id"] for _ in range(3)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await app.get(f"/api/clips?limit=2{cursor}")).json()
        seen += [clip["id"] for clip in page["clips"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen))
    assert [clip_id for clip_id in seen if clip_id in made] == made[::-1]


async def test_the_same_request_with_the_same_key_is_done_once(app: WholeApp) -> None:
    """The same answer again; another body under the same key is refused."""
    body = {"before_seconds": 1, "after_seconds": 0}
    first = await app.post("/api/clips", body, Idempotency_Key="press-1")
    again = await app.post("/api/clips", body, Idempotency_Key="press-1")
    assert (first.status, again.status) == (201, 201)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    other = await app.post("/api/clips", {"before_seconds": 2}, Idempotency_Key="press-1")
    assert (other.status, other.json()["field"]) == (422, "Idempotency-Key")
