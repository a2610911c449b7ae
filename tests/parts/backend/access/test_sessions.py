"""Browser sessions."""

from datetime import datetime, timedelta
from pathlib import Path

from backend.access.sessions import Sessions
from backend.catalogue import Catalogue


async def test_a_session_lives_from_its_last_use_and_dies_with_its_key(tmp_path: Path) -> None:
    """Used daily it stays; left alone it expires; a new key ends it."""
    now = datetime(2026, 1, 1)
    clock_s = 0.0

    def advance(seconds: float) -> None:
        nonlocal now, clock_s
        now += timedelta(seconds=seconds)
        clock_s += seconds

    catalogue = Catalogue(f"sqlite:///{tmp_path / 'c.sqlite'}", now=lambda: now)
    await catalogue.open()
    try:
        sessions = Sessions(catalogue, lifetime_s=3600, now=lambda: now, monotonic_s=lambda: clock_s)
        token = await sessions.begin("fingerprint")
        for _ in range(4):
            advance(1800)
            assert await sessions.is_valid(token, "fingerprint")
        assert not await sessions.is_valid(token, "other key")
        assert not await sessions.is_valid("x" * 1000, "fingerprint")
        advance(3601)
        assert not await sessions.is_valid(token, "fingerprint")
        again = await sessions.begin("fingerprint")
        await sessions.end(again)
        assert not await sessions.is_valid(again, "fingerprint")
    finally:
        await catalogue.close()
