"""Carries a reload of the configuration out: reads it, changes the cameras, and says what was done.

One reload at a time; requests that come meanwhile are folded into one more. A configuration that
cannot be used changes nothing. What a change means is decided in `changes`. Event loop only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.base.numbers import counted
from backend.cameras.cameras import camera_settings
from backend.cameras.changes import camera_changes
from backend.cameras.parts import CameraRoom
from backend.config.load import ConfigError
from backend.config.model import Config
from backend.events.log import EventLog
from backend.reload.changes import describe, in_force, needs_restart

log = logging.getLogger(__name__)

Read = Callable[[], Config]
"""Reads the configuration again. Blocks; raises ConfigError."""


@dataclass(slots=True)
class ReloadCounters:
    """Since the daemon started."""

    done: int = 0
    refused: int = 0
    failed: int = 0


class Reloader:
    """Holds the configuration in force."""

    def __init__(
        self,
        config: Config,
        cameras: CameraRoom,
        events: EventLog,
        followers: Sequence[Callable[[Config], Awaitable[None]]],
    ) -> None:
        """`followers` get every configuration that holds from now on, when the cameras have taken it."""
        self.config = config
        self.counters = ReloadCounters()
        self._cameras = cameras
        self._events = events
        self._followers = followers

    def numbers(self) -> Mapping[str, float]:
        """For /metrics."""
        return counted("reloads", self.counters)

    async def follow(self, wanted: asyncio.Event, read: Read) -> None:
        """Reload whenever `wanted` is set, until cancelled."""
        while True:
            await wanted.wait()
            wanted.clear()
            try:
                await self._reload(read)
            except Exception:
                # The outermost frame of this task: the cameras that run go on, the next request is heard.
                self.counters.failed += 1
                log.exception("the reload broke off")

    async def _reload(self, read: Read) -> None:
        try:
            fresh = await asyncio.to_thread(read)
        except ConfigError as error:
            self.counters.refused += 1
            self._publish(
                f"The configuration cannot be used, so nothing was changed: {' '.join(error.lines)}"
            )
            return
        await self.apply(fresh)

    async def apply(self, fresh: Config) -> None:
        """Make `fresh` hold as far as a running daemon can."""
        settings = await asyncio.to_thread(camera_settings, fresh)
        running = [recorder.settings for recorder in self._cameras.cameras]
        changes = camera_changes(running, settings)
        waiting = needs_restart(self.config, fresh)
        if changes.any:
            await self._cameras.cameras.change(changes, self._cameras.make)
        self.config = in_force(self.config, fresh)
        for follow in self._followers:
            await follow(self.config)
        self.counters.done += 1
        self._publish(describe(changes, waiting), ok=True, waiting=bool(waiting))
        # Also where only the defaults of Record changed: pages read those with the cameras.
        self._events.publish("cameras", {})

    def _publish(self, sentence: str, *, ok: bool = False, waiting: bool = False) -> None:
        level = logging.INFO if ok and not waiting else logging.WARNING
        log.log(level, "%s", sentence)
        self._events.publish("config", {"ok": ok, "message": sentence})
