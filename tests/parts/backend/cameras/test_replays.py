"""How long a replay is kept: a while after the last look, and never taken from under a reader."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from backend.cameras.replays import OpenReplays
from backend.http.problems import STATUSES
from backend.problems.refused import Refused
from recorder.stills.replay import ReplayFile

AT = datetime(2025, 10, 26, 8)


@dataclass
class OneCamera:
    """What of a recorder replays need."""

    closed: list[str] = field(default_factory=list)
    opened: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    cutting: asyncio.Event | None = None

    async def replay(
        self, start: datetime | None, end: datetime | None, owner: str, *, from_keyframe: bool
    ) -> ReplayFile:
        self.opened += 1
        token = f"token{self.opened}"
        if self.cutting is not None:
            await self.cutting.wait()
        return ReplayFile(token, Path("replay.mp4"), AT, AT, 1.0, 30, 1, (0,))

    async def close_replay(self, token: str) -> None:
        self.closed.append(token)


async def released(camera: OneCamera, token: str) -> None:
    async with asyncio.timeout(5):
        while token not in camera.closed:
            await asyncio.sleep(0.005)


async def test_a_replay_nobody_looks_at_is_closed() -> None:
    """Its bytes count in the camera's bound, so it must not linger."""
    camera = OneCamera()
    replays = OpenReplays(keep_s=0.02)
    file = await replays.open(cast(Any, camera), None, None)
    assert len(replays) == 1
    await released(camera, file.token)
    assert len(replays) == 0
    with pytest.raises(Refused) as refusal:
        async with replays.reading(file.token):
            pass
    assert STATUSES[refusal.value.kind] == 404
    await replays.close()


async def test_a_replay_that_is_let_go_is_closed_once() -> None:
    """Whoever goes back to the live picture says so; only a few replays of a camera may be open."""
    camera = OneCamera()
    replays = OpenReplays(keep_s=0.02)
    file = await replays.open(cast(Any, camera), None, None)
    await replays.release(file.token)
    assert (len(replays), camera.closed) == (0, [file.token])
    await replays.release(file.token)
    other = await replays.open(cast(Any, camera), None, None)
    await released(camera, other.token)
    assert camera.closed == [file.token, other.token]
    await replays.close()


async def test_a_replay_that_is_being_read_stays() -> None:
    """The time counts from the end of the last look."""
    camera = OneCamera()
    replays = OpenReplays(keep_s=0.02)
    file = await replays.open(cast(Any, camera), None, None)
    async with replays.reading(file.token) as path:
        await asyncio.sleep(0.1)
        assert path == Path("replay.mp4")
        assert camera.closed == []
    await released(camera, file.token)
    await replays.close()


async def test_replays_of_a_camera_that_went_are_gone() -> None:
    """The camera removes their files itself; those of the others stay."""
    camera, other = OneCamera(), OneCamera(opened=7)
    replays = OpenReplays()
    file = await replays.open(cast(Any, camera), None, None)
    kept = await replays.open(cast(Any, other), None, None)
    camera.released.set()
    with pytest.raises(Refused):
        async with replays.reading(file.token):
            pass
    async with replays.reading(kept.token):
        pass
    await replays.close()


async def opened(replays: OpenReplays, camera: OneCamera, *visitors: str) -> list[str]:
    """The tokens of one replay for each."""
    return [(await replays.open(cast(Any, camera), None, None, visitor)).token for visitor in visitors]


async def test_one_session_keeps_two_replays_of_a_camera_and_gives_up_the_one_it_used_least() -> None:
    """A browser that died holds two at most, and the same person is not refused for it."""
    camera, clock = OneCamera(), iter(range(100))
    replays = OpenReplays(monotonic_s=lambda: float(next(clock)))
    first, second = await opened(replays, camera, "ann", "ann")
    async with replays.reading(first):
        pass
    (third,) = await opened(replays, camera, "ann")
    assert camera.closed == [second]
    async with replays.reading(first):
        await opened(replays, camera, "ann")
    assert camera.closed == [second, third]
    assert (len(replays), replays.given_up) == (2, 2)
    await replays.close()


async def test_a_session_that_has_none_takes_the_place_of_one_that_has_most() -> None:
    """Two sessions cannot keep a third from looking back."""
    camera = OneCamera()
    replays = OpenReplays()
    tokens = await opened(replays, camera, "ann", "ann", "bob", "bob", "cid")
    assert camera.closed == tokens[:1]
    await opened(replays, camera, "dan")
    assert camera.closed == [tokens[0], tokens[2]]
    with pytest.raises(Refused) as refusal:
        await opened(replays, camera, "eve")
    assert STATUSES[refusal.value.kind] == 503
    assert refusal.value.retry_after_s == 5
    await opened(replays, camera, "ann")
    assert camera.closed == [tokens[0], tokens[2], tokens[1]]
    await replays.close()


async def test_replays_of_another_camera_count_for_themselves() -> None:
    """A wall of cameras is looked back at one by one."""
    one, other = OneCamera(), OneCamera(opened=7)
    replays = OpenReplays()
    await opened(replays, one, "ann", "ann")
    await opened(replays, other, "ann", "ann")
    assert (one.closed, other.closed) == ([], [])
    await replays.close()


async def test_replays_that_are_being_cut_count_already() -> None:
    """Requests sent at once take no more than those sent one after the other."""
    camera = OneCamera(cutting=asyncio.Event())
    replays = OpenReplays()
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(opened(replays, camera, "ann"))
        await asyncio.sleep(0)
        with pytest.raises(Refused):
            await opened(replays, camera, "ann")
        assert camera.cutting is not None
        camera.cutting.set()
    assert (len(replays), camera.closed) == (2, [])
    await replays.close()
