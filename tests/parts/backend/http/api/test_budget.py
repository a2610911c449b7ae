"""What a recording will take, before it is made."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.backend.whole_app import WholeApp, whole_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESERVE_BYTES = 1024 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeApp]:
    """A box that keeps a reserve."""
    retention = {"reserve": {"bytes": "1MiB", "clips": 0}}
    async with whole_app(tmp_path_factory.mktemp("app"), buffered_s=3.0, retention=retention) as opened:
        yield opened


async def test_the_budget_says_what_a_clip_takes_before_one_presses(app: WholeApp) -> None:
    """Within a factor of what it then takes; snapshots by those taken; free space and hours with it."""
    told = (await app.get("/api/budget?seconds=2&camera=front")).json()
    (camera,) = told["cameras"]
    clip = await app.record(before_seconds=2)
    assert 0.3 < camera["clip"]["size_bytes"] / clip["size_bytes"] < 3
    assert camera["clip"]["basis"] == "buffer"
    assert camera["snapshot"]["basis"] == "size"
    disk = told["disk"]
    assert (disk["reserve_bytes"], disk["refusal"]) == (RESERVE_BYTES, None)
    assert disk["available_bytes"] == disk["free_bytes"] - disk["reserve_bytes"]
    hours = disk["available_bytes"] / camera["bytes_per_second"] / 3600
    assert camera["hours_left"] == pytest.approx(hours, rel=0.01, abs=0.1)
    assert told["credits"] is None
    snapshot = (await app.post("/api/snapshots")).json()
    camera = (await app.get("/api/budget")).json()["cameras"][0]
    assert camera["snapshot"] == {"size_bytes": snapshot["size_bytes"], "basis": "clips"}


@pytest.mark.parametrize(("query", "status"), [("camera=no", 404), ("seconds=0", 422)])
async def test_a_budget_of_nothing_is_refused(app: WholeApp, query: str, status: int) -> None:
    """An unknown camera, and a clip without a length."""
    assert (await app.get(f"/api/budget?{query}")).status == status
