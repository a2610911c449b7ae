"""A daemon that is ended again and again while it records, and what it promised each time.

A campaign plans each round with its own random generator: which recordings to ask for and when, what
moment to aim the kill at. Then it starts the daemon again on the same data and compares. What a clip
must hold follows from its 201, from the moment of the kill, and from the camera, whose counter is 0 at
the oldest frame of each life.
"""

import os
import random
import signal
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import Any

from tests.support.daemon import Answer, Daemon

FPS = 30
FRAME = timedelta(seconds=1 / FPS)
PROMISED_LOSS = timedelta(seconds=1)
CAMERAS = (
    {"id": "long", "source": f"synthetic?size=320x180&fps={FPS}&gop_s=10"},
    {"id": "short", "source": f"synthetic?size=320x180&fps={FPS}&gop_s=1&bframes=2"},
)
LEFT_OVERS = {"unacknowledged", "recording.part"}


@dataclass(frozen=True, slots=True)
class Ask:
    """One POST: when it is sent, seconds after the daemon is ready, and what it asks."""

    after_ready_s: float
    body: dict[str, Any]
    stop_after_s: float | None = None

    @property
    def ends_s(self) -> float:
        """When it should end by itself, seconds after the daemon is ready."""
        after_s = self.body.get("after_seconds", 0)
        return float("inf") if after_s is None else self.after_ready_s + after_s


@dataclass(frozen=True, slots=True)
class Promise:
    """A 201 that arrived, and what is known about the daemon's life in which it did."""

    clip: dict[str, Any]
    oldest: datetime
    newest: datetime
    """The last frame in its camera's buffer just before the kill."""
    stopped_at: datetime | None


@dataclass(slots=True)
class Tally:
    """What the campaign has seen."""

    kills: int = 0
    kills_at_start: int = 0
    refused: list[str] = field(default_factory=list)
    cut: int = 0
    """Requests that were under way at the kill."""
    answered_late: int = 0
    """Rows that were committed although no 201 arrived."""
    drafts_at_once: int = 0
    promises: list[Promise] = field(default_factory=list)


class Campaign:
    """One daemon, one random generator, many kills. Runs in one thread, asks from a few more."""

    def __init__(self, directory: Path, seed: str, ending: signal.Signals = signal.SIGKILL) -> None:
        directory.mkdir()
        self._ending = ending
        self.daemon = Daemon(directory, CAMERAS, is_measured=False)
        self.tally = Tally()
        self._random = random.Random(seed)
        self._oldest: dict[str, datetime] = {}

    def run(self, kills: int) -> None:
        """Start, record, kill and compare, `kills` times; the daemon is gone at the end."""
        try:
            with ThreadPoolExecutor(8) as threads:
                for _ in range(kills):
                    self._round(threads)
            self._start()
            self._check_places()
        finally:
            self.daemon.kill()

    def _start(self) -> None:
        if self._random.random() < 0.15:
            self.daemon.start(wait=False)
            time.sleep(self._random.uniform(0.4, 1.2))
            self.daemon.kill()
            self.tally.kills_at_start += 1
        self.daemon.start()

    def _round(self, threads: ThreadPoolExecutor) -> None:
        self._start()
        self._check_places()
        for camera in ("long", "short"):
            self.daemon.wait_for_buffer(0.3, camera)
            self._oldest[camera] = self._frame(camera, "oldest_frame_utc")
        asks = self._plan_asks()
        kill_s = self._plan_kill(asks)
        ready_s = time.monotonic()
        # The pid now: nobody may be asked for it while the kill is due.
        pid = self.daemon.pid
        sent = [threads.submit(self._ask, ask, ready_s) for ask in asks]
        stops = [threads.submit(self._stop, ask, future) for ask, future in zip(asks, sent, strict=True)]
        time.sleep(max(0.0, ready_s + kill_s - time.monotonic()))
        # The newest frame and not the wall clock: frames that a busy machine delays are not lost.
        newest = {camera: self._frame(camera, "newest_frame_utc") for camera in self._oldest}
        os.kill(pid, self._ending)
        if self._ending is signal.SIGTERM:
            assert self.daemon.wait_for_end() == 0
        self.daemon.kill()
        self.tally.kills += 1
        for future, stop in zip(sent, stops, strict=True):
            self._note(future.result(), newest, stop.result())

    def _plan_asks(self) -> list[Ask]:
        draw = self._random
        asks = [Ask(draw.uniform(0, 0.1), {"camera": draw.choice(("long", "short")), "after_seconds": None})]
        for _ in range(draw.choice((1, 2, 3, 4))):
            body: dict[str, Any] = {"camera": draw.choice(("long", "short"))}
            stop_after_s = None
            match draw.choice(("back", "both", "both", "ahead", "open")):
                case "back":
                    body |= {"before_seconds": draw.uniform(0.2, 2), "after_seconds": 0}
                case "both":
                    body |= {"before_seconds": draw.uniform(0, 2), "after_seconds": draw.uniform(0.1, 1.5)}
                case "ahead":
                    body |= {"before_seconds": 0, "after_seconds": draw.uniform(0.1, 1.5)}
                case _:
                    body |= {"before_seconds": draw.uniform(0, 2), "after_seconds": None}
                    stop_after_s = draw.choice((None, draw.uniform(0.1, 1)))
            asks.append(Ask(draw.uniform(0, 1.2), body, stop_after_s))
        return asks

    def _plan_kill(self, asks: list[Ask]) -> float:
        """Seconds after ready: at any moment, within a POST, or while something is being finished."""
        draw = self._random
        target = draw.choice(asks[1:])
        match draw.choice(("any", "in flight", "finishing")):
            case "in flight":
                return target.after_ready_s + draw.uniform(0, 0.04)
            case "finishing" if any(ask.ends_s < 3 for ask in asks):
                ending = draw.choice([ask for ask in asks if ask.ends_s < 3])
                return ending.ends_s + draw.uniform(0, 0.2)
            case _:
                return draw.uniform(0.2, 2.2)

    def _ask(self, ask: Ask, ready_s: float) -> Answer | None:
        time.sleep(max(0.0, ready_s + ask.after_ready_s - time.monotonic()))
        return self._post("/api/clips", ask.body)

    def _stop(self, ask: Ask, sent: "Future[Answer | None]") -> datetime | None:
        answer = sent.result()
        if ask.stop_after_s is None or answer is None or answer.status != 201:
            return None
        time.sleep(ask.stop_after_s)
        before = datetime.now(UTC)
        stopped = self._post(f"/api/clips/{answer.json()['id']}/stop", None)
        # Without an answer it may have been stopped all the same, at any moment from then on.
        return before if stopped is None or stopped.status == 200 else None

    def _post(self, path: str, body: Any) -> Answer | None:
        """The answer; None where the kill cut the connection, or came before it."""
        try:
            return self.daemon.post(path, body)
        except ConnectionRefusedError:
            return None
        except (OSError, HTTPException):
            self.tally.cut += 1
            return None

    def _frame(self, camera: str, which: str) -> datetime:
        status = self.daemon.get(f"/video/buffer/status?camera={camera}").json()
        return datetime.fromisoformat(status[which])

    def _note(
        self, answer: Answer | None, newest: Mapping[str, datetime], stopped_at: datetime | None
    ) -> None:
        if answer is None:
            return
        if answer.status != 201:
            self.tally.refused.append(answer.body.decode())
        else:
            clip = answer.json()
            self.tally.drafts_at_once += clip["status"] == "draft"
            oldest = self._oldest[clip["camera"]]
            self.tally.promises.append(Promise(clip, oldest, newest[clip["camera"]], stopped_at))

    def _check_places(self) -> None:
        """After a start: rows and directories are the same clips, all drafts, and nothing is left over."""
        rows = rows_of(self.daemon)
        promised = {promise.clip["id"] for promise in self.tally.promises}
        assert promised <= rows.keys(), f"lost: {promised - rows.keys()}"
        self.tally.answered_late = len(rows.keys() - promised)
        wrong = {clip_id: row["error"] for clip_id, row in rows.items() if row["status"] != "draft"}
        assert not wrong, f"not drafts after recovery: {wrong}"
        clips = self.daemon.data_dir / "clips"
        assert {path.name for path in clips.iterdir()} == rows.keys()
        left = [path for path in clips.rglob("*") if path.name in LEFT_OVERS or path.suffix == ".tmp"]
        assert not left
        quarantined = list((self.daemon.data_dir / "quarantine").rglob("*"))
        assert not quarantined


def rows_of(daemon: Daemon) -> dict[str, dict[str, Any]]:
    """Every clip that a running daemon lists, by id."""
    found: dict[str, dict[str, Any]] = {}
    cursor = ""
    while True:
        page = daemon.get(f"/api/clips?limit=200{cursor}").json()
        found |= {clip["id"]: clip for clip in page["clips"]}
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"
