"""The box itself and its history."""

import pytest

from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_box_and_its_history_can_be_read(app: WholeApp) -> None:
    """System facts, and samples in steps; a swapped span names its field."""
    system = (await app.get("/api/system")).json()
    assert system["disk"]["free_bytes"] > 0
    assert system["uptime_seconds"] > 0
    assert (await app.get("/api/analytics?step=minute")).json()["step_seconds"] == 60
    swapped = await app.get("/api/analytics?from=2025-10-27T00:00:00Z&to=2025-10-26T00:00:00Z")
    assert (swapped.status, swapped.json()["field"]) == (422, "to")
