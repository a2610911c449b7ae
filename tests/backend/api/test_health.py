"""Liveness and readiness."""

from pathlib import Path

from backend.keys import HEALTH
from tests.backend.serving import Served, serving


async def _status(served: Served, method: str, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with served.client.request(method, path, headers=named) as answer:
        return answer.status


async def test_readyz_says_what_it_waits_for(tmp_path: Path) -> None:
    """503 until the composition root says otherwise."""
    async with serving(tmp_path) as served:
        async with served.client.get("/readyz", headers=served.bearer) as answer:
            assert answer.status == 503
        served.app[HEALTH].waiting_for = None
        assert await _status(served, "GET", "/readyz", **served.bearer) == 200
