"""The key for a cookie."""

from pathlib import Path

from tests.support.backend.serving import Served, serving


async def _status(served: Served, method: str, path: str, **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with served.client.request(method, path, headers=named) as answer:
        return answer.status


async def test_the_page_swaps_the_key_for_a_cookie_that_scripts_cannot_read(tmp_path: Path) -> None:
    """Sign in, be somebody, sign out, be nobody."""
    async with serving(tmp_path) as served:
        async with served.client.post("/api/session", json={"key": "wrong-key-wrong-key"}) as answer:
            assert answer.status == 401
        async with served.client.post("/api/session", json={"key": served.key.value}) as answer:
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
            assert "Secure" not in cookie
            token = answer.cookies["hindsight_session"].value
            assert served.key.value not in cookie
        async with served.client.get("/api/session") as answer:
            assert (await answer.json())["principal"] == "session"
        assert token.encode() not in (tmp_path / "catalogue.sqlite").read_bytes()
        async with served.client.delete("/api/session") as answer:
            assert answer.status == 204
        assert await _status(served, "GET", "/api/session", Cookie=f"hindsight_session={token}") == 401


async def test_a_browser_that_signs_in_again_stays_one_device(tmp_path: Path) -> None:
    """Its new cookie takes the place of the old one, which nobody could use or recognise."""
    async with serving(tmp_path) as served:
        tokens = []
        for _ in range(2):
            async with served.client.post("/api/session", json={"key": served.key.value}) as answer:
                tokens.append(answer.cookies["hindsight_session"].value)
        async with served.client.get("/api/sessions") as answer:
            assert [device["current"] for device in (await answer.json())["sessions"]] == [True]
        served.client.cookie_jar.clear()
        found = [
            await _status(served, "GET", "/api/session", Cookie=f"hindsight_session={t}") for t in tokens
        ]
        assert found == [401, 200]
