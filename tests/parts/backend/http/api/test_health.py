"""Liveness and readiness."""

from pathlib import Path

from backend.base.health import Health
from tests.support.backend.serving import Served, serving


async def _status(served: Served, method: str, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with served.client.request(method, path, headers=named) as answer:
        return answer.status


async def test_readyz_says_what_it_waits_for(tmp_path: Path) -> None:
    """503 until the composition root says otherwise."""
    async with serving(tmp_path) as served:
        async with served.client.get("/readyz", headers=served.bearer) as answer:
            assert answer.status == 503
        served.rooms.health.waiting_for = None
        assert await _status(served, "GET", "/readyz", **served.bearer) == 200


async def test_readyz_lists_what_the_daemon_works_without(tmp_path: Path) -> None:
    """Ready all the same: recording goes on; a person reads what to do."""
    async with serving(tmp_path) as served:
        served.rooms.health.waiting_for = None
        served.rooms.health.concern("thumbnails", "The disk is read-only. Look at it.")
        async with served.client.get("/readyz", headers=served.bearer) as answer:
            told = await answer.json()
        concern = {"subject": "thumbnails", "detail": "The disk is read-only. Look at it."}
        assert (answer.status, told["status"], told["concerns"]) == (200, "ready", [concern])
        assert (told["storage"]["state"], told["storage"]["waiting_files"]) == ("none", 0)


def test_pages_hear_of_every_change_of_a_concern_and_of_nothing_else() -> None:
    """The same trouble a hundred times is one piece of news."""
    told: list[tuple[str, str | None]] = []
    health = Health(lambda subject, sentence: told.append((subject, sentence)))
    for sentence in (None, "Full.", "Full.", "Read-only.", None, None):
        health.concern("thumbnails", sentence)
    assert told == [("thumbnails", "Full."), ("thumbnails", "Read-only."), ("thumbnails", None)]
