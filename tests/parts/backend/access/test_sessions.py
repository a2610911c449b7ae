"""Browser sessions."""

from datetime import datetime, timedelta
from pathlib import Path

from backend.access.sessions import Sessions, token_hash
from backend.catalogue import Catalogue


async def test_a_session_lives_from_its_last_use_and_dies_with_its_key(tmp_path: Path) -> None:
    """Used daily it stays until its longest time; left alone it expires; a new key ends it."""
    now = datetime(2026, 1, 1)
    clock_s = 0.0

    def advance(seconds: float) -> None:
        nonlocal now, clock_s
        now += timedelta(seconds=seconds)
        clock_s += seconds

    catalogue = Catalogue(f"sqlite:///{tmp_path / 'c.sqlite'}", now=lambda: now)
    await catalogue.open()
    try:
        sessions = Sessions(
            catalogue, lifetime_s=3600, longest_s=9000, now=lambda: now, monotonic_s=lambda: clock_s
        )
        token = await sessions.begin("fingerprint", device="Firefox on Linux", address="192.0.2.1")
        for _ in range(4):
            advance(1800)
            assert await sessions.find(token, "fingerprint")
        assert not await sessions.find(token, "other key")
        assert not await sessions.find("x" * 1000, "fingerprint")
        advance(1801)
        assert not await sessions.find(token, "fingerprint"), "used all the time, it still ends one day"
        left = await sessions.begin("fingerprint", device="", address="192.0.2.1")
        advance(3601)
        assert not await sessions.find(left, "fingerprint")
        again = await sessions.begin("fingerprint", device="", address="192.0.2.1")
        assert await sessions.find(again, "fingerprint")
        await sessions.end(token_hash(again))
        assert not await sessions.find(again, "fingerprint")
    finally:
        await catalogue.close()
