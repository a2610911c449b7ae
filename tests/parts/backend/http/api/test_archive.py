"""Archives that are refused before their first byte."""

import pytest

from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")

GHOST = "0199f0d0-0000-7000-8000-000000000001"


async def test_two_hundred_ids_fit_into_an_address_and_more_are_refused(app: WholeApp) -> None:
    """The bound is said; what is unknown, unready or no id names its field."""
    many = [GHOST[:-3] + f"{n:03}" for n in range(201)]
    assert (await app.get("/api/clips/archive.zip?ids=" + ",".join(many[:200]))).status == 404
    running = await app.record(after_seconds=None)
    for ids, status in ((",".join(many), 422), ("", 422), ("x", 422), (running["id"], 409)):
        refused = await app.get(f"/api/clips/archive.zip?ids={ids}")
        assert (refused.status, refused.json()["field"]) == (status, "ids"), refused.body
    await app.request("DELETE", f"/api/clips/{running['id']}")
