"""Live viewing that is refused, before a socket is opened or a picture sent."""

import aiohttp
import pytest

from tests.support.backend.whole_app import WholeApp

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_live_without_a_websocket_says_what_it_is(app: WholeApp) -> None:
    """The address may be pasted into a browser."""
    answer = await app.get("/live/front")
    assert (answer.status, answer.headers["upgrade"]) == (426, "websocket")
    assert "/live/{camera}.mjpeg" in answer.json()["detail"]


async def test_a_wrong_query_of_the_pictures_for_other_programs_is_refused_before_the_first(
    app: WholeApp,
) -> None:
    """Once a stream has begun, nothing but breaking it off can tell."""
    answer = await app.get("/live/front.mjpeg?fps=-1")
    assert (answer.status, answer.json()["field"]) == (422, "fps")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [("/live/back", {}, 404), ("/live/front", {"Origin": "http://evil.example"}, 403)],
)
async def test_live_of_an_unknown_camera_or_for_a_foreign_page_is_refused(
    app: WholeApp, path: str, headers: dict[str, str], status: int
) -> None:
    """404 and 403 instead of an upgrade."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await app.client.ws_connect(f"{app.url}{path}", headers=headers)
    assert refusal.value.status == status
