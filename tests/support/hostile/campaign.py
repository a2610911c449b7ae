"""One daemon, one good camera, many hostile ones, for as long as asked; what was seen of it as numbers.

Here: running it and watching. Not here: what hostile cameras send (`mutations`, `server`), the verdict of
the suite (`test_hostile`). `main` is for `./hindsight soak`; its exit status says whether `Seen.wrong` is
empty.
"""

import argparse
import http.client
import json
import random
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from recorder.bitstream.access_unit import Codec
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import RtspCamera
from tests.support.daemon import ROOT, Answer, Daemon
from tests.support.hostile.server import HTTP_WAYS, RTSP_WAYS

MIB = 1 << 20
GOOD = Material(width=320, height=176, gop=60)
GOOD_BYTES, HOSTILE_BYTES = 64 * MIB, 6 * MIB
SLACK_BYTES = 250 * MIB
"""What the daemon may take beyond its rings and 1.3 times their bounds: open connections of all cameras,
each with a unit under way (32 MiB at the very most), replays, allocators."""
KEEP_NOTHING = ("r-never-a-keyframe", "r-one-endless-gop", "r-firehose")
"""No whole GOP of these fits into their rings."""
CLEAN_ERRORS = {404, 409, 410, 415, 422, 429, 502, 503, 504}
_RECORDED_AT_THE_END = ("r-wraps", "r-frozen-clock", "r-wild-pts")
"""Whole pictures with wrong times."""
_NEVER_LATER = "r-frozen-clock"
"""Its clock stands still: a recording that goes on after the press takes half a minute to end."""
_CODECS = (Codec.H264, Codec.H265, Codec.MJPEG)


@dataclass(slots=True)
class Seen:
    """What a campaign saw."""

    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    rss_bytes: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    workers_bytes: int = 0
    clips: Counter[str] = field(default_factory=Counter)
    cameras: dict[str, Any] = field(default_factory=dict)
    good_clip: dict[str, Any] = field(default_factory=dict)
    good_video: bytes = b""

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds and len(self.wrong) < 50:
            self.wrong.append(otherwise)


def says_why(camera: Mapping[str, Any]) -> bool:
    """Whether a camera of which nothing is kept says so. On a busy machine it may just be away."""
    return camera["state"] != "live" or "keyframe" in camera["reason"]


def ring_bytes(hostile: int) -> int:
    """What all rings together may hold."""
    return GOOD_BYTES + hostile * HOSTILE_BYTES


@contextmanager
def hostile_server(seed: int) -> Iterator[tuple[int, int]]:
    """Its RTSP and its HTTP port."""
    files = [str(Material(320, 176, gop=30, frames=300, codec=codec).file()) for codec in _CODECS]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.hostile.server", str(seed), *files],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        readable, _, _ = select.select([process.stdout], [], [], 20)
        words = process.stdout.readline().split() if readable else []
        assert len(words) == 3, "the hostile server did not start"
        yield int(words[1]), int(words[2])
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def run(directory: Path, seconds: float, seed: int = 1, *, has_slow_ends: bool = True) -> Seen:
    """Run the campaign. `has_slow_ends`: include recordings that take half a minute to end."""
    seen = Seen()
    with hostile_server(seed) as (rtsp_port, http_port), RtspCamera(GOOD) as good:
        hostile = [{"id": f"r-{way}", "source": f"rtsp://127.0.0.1:{rtsp_port}/{way}"} for way in RTSP_WAYS]
        hostile += [{"id": f"h-{way}", "source": f"http://127.0.0.1:{http_port}/{way}"} for way in HTTP_WAYS]
        # One that is decoded and encoded inside the daemon.
        hostile.append({"id": "h-encoded", "source": f"http://127.0.0.1:{http_port}/smaller-bomb"})
        for camera in hostile:
            codec = "h264" if camera["id"] == "h-encoded" else "source"
            camera["buffer"] = {"seconds": 20, "max_bytes": HOSTILE_BYTES, "codec": codec}  # type: ignore[assignment]
        front = {"id": "good", "source": good.url(), "buffer": {"max_bytes": GOOD_BYTES}}
        with Daemon(directory, [front, *hostile], buffer={"total_bytes": 4096 * MIB}) as daemon:
            daemon.wait_for_buffer(2, "good")
            _Campaign(daemon, [str(one["id"]) for one in hostile], seen, seed, has_slow_ends).run(seconds)
            try:
                code = daemon.stop()
                seen.expect(code == 0, f"the daemon ended with {code}")
            except subprocess.TimeoutExpired:
                seen.expect(False, "the daemon did not end when it was asked to")
    return seen


class _Campaign:
    """The client of one run: asks of hostile cameras what people ask of good ones, and watches."""

    def __init__(
        self, daemon: Daemon, hostile: list[str], seen: Seen, seed: int, has_slow_ends: bool
    ) -> None:
        self._daemon, self._hostile, self._seen = daemon, hostile, seen
        self._has_slow_ends = has_slow_ends
        self._chance = random.Random(seed)
        self._process = psutil.Process(daemon.pid)
        self._clips: list[str] = []
        self._begun_s = time.monotonic()

    def run(self, seconds: float) -> None:
        clip = self._daemon.post("/api/clips", {"camera": "good", "before_seconds": 1, "after_seconds": None})
        assert clip.status == 201, clip.body
        while (left_s := self._begun_s + seconds - time.monotonic()) > 0:
            self._watch()
            self._ask(record=left_s > 10)
        self._finish(clip.json()["id"])

    def _finish(self, good_clip: str) -> None:
        seen, daemon = self._seen, self._daemon
        # The random requests may have recorded no camera that ever sent a picture.
        for camera in _RECORDED_AT_THE_END:
            self._record(camera, after_s=0)
        stopped = daemon.post(f"/api/clips/{good_clip}/stop")
        seen.expect(stopped.status in (200, 202), f"stop: {stopped.status} {stopped.body!r}")
        seen.good_clip = daemon.wait_for_clip(good_clip, deadline_s=60)
        seen.good_video = daemon.get(seen.good_clip["download_url"]).body
        seen.cameras = self._cameras_at_the_end()
        for clip_id in self._clips:
            status = self._settled(clip_id)
            seen.clips[status] += 1
            seen.expect(status in ("draft", "failed"), f"clip {clip_id} stays {status}")
        self._watch()

    def _cameras_at_the_end(self) -> dict[str, Any]:
        """All cameras, once those that keep nothing have filled their rings, or after a minute."""
        deadline_s = time.monotonic() + 60
        while True:
            cameras = {one["id"]: one for one in self._daemon.get("/api/cameras").json()["cameras"]}
            if all(map(says_why, (cameras[name] for name in KEEP_NOTHING))) or time.monotonic() > deadline_s:
                return cameras
            time.sleep(0.2)

    def _settled(self, clip_id: str) -> str:
        deadline_s = time.monotonic() + 60
        while True:
            clip = self._daemon.clip(clip_id)
            if clip["status"] in ("draft", "failed") or time.monotonic() > deadline_s:
                self._seen.expect(clip["status"] != "failed" or bool(clip["error"]), f"{clip_id}: no reason")
                return str(clip["status"])
            time.sleep(0.2)

    def _watch(self) -> None:
        seen = self._seen
        assert self._daemon.is_running, "the daemon died"
        with self._process.oneshot():
            seen.rss_bytes.append(self._process.memory_info().rss)
            seen.threads.append(self._process.num_threads())
        seen.files.append(self._process.num_fds())
        for child in self._process.children(recursive=True):
            try:
                seen.workers_bytes = max(seen.workers_bytes, child.memory_info().rss)
            except psutil.NoSuchProcess:
                continue

    def _ask(self, *, record: bool) -> None:
        camera = self._chance.choice(self._hostile)
        base = f"/api/cameras/{camera}"
        asked = self._chance.choice(
            [base, "/api/cameras", f"{base}/frame.jpg", f"{base}/frame.jpg?width=64&exact=false",
             f"{base}/filmstrip?count=6", f"{base}/replay.mp4", f"{base}/frames", "record", "record", "live",
             "/readyz", "/metrics"]
        )  # fmt: skip
        if asked == "record":
            if record:
                self._record(camera, after_s=self._chance.choice([0, 1, 2]))
        elif asked == "live":
            # H.265 is decoded inside the daemon while somebody watches, so it is watched most.
            watched = "r-h265-flips" if self._chance.random() < 0.3 else camera
            self._chance.choice([self._look, self._watch_live])(watched)
        else:
            try:
                self._noted(asked.replace(camera, "{camera}").partition("?")[0], self._daemon.get(asked))
            except TimeoutError:
                self._seen.expect(False, f"no answer to {asked}")

    def _record(self, camera: str, after_s: float) -> None:
        if camera == _NEVER_LATER and not self._has_slow_ends:
            after_s = 0
        body = {"camera": camera, "before_seconds": 3, "after_seconds": after_s}
        answer = self._noted("record", self._daemon.post("/api/clips", body))
        if answer.status == 201:
            self._clips.append(answer.json()["id"])

    def _look(self, camera: str) -> None:
        """Look at the moving picture for a moment, and go away without a word."""
        connection = http.client.HTTPConnection("127.0.0.1", self._daemon.port, timeout=2)
        try:
            connection.request("GET", f"/live/{camera}.mjpeg")
            answer = connection.getresponse()
            body = answer.read(2000) if answer.status == 200 else answer.read()
            self._noted("live", Answer(answer.status, {}, body))
        except TimeoutError:
            self._seen.answers["live: no picture yet"] += 1
        finally:
            connection.close()

    def _watch_live(self, camera: str) -> None:
        """The page's own way: a WebSocket, read for a moment."""
        with socket.create_connection(("127.0.0.1", self._daemon.port), timeout=3) as connection:
            connection.sendall(
                f"GET /live/{camera} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            connection.settimeout(0.5)
            answer, until_s = b"", time.monotonic() + 2
            while time.monotonic() < until_s:
                with suppress(TimeoutError):
                    came = connection.recv(1 << 16)
                    if not came:
                        break
                    answer += came
        self._seen.expect(b" 101 " in answer[:20], f"watch: {answer[:100]!r}")
        self._seen.answers["watch: pictures" if b"moof" in answer else "watch: no picture yet"] += 1

    def _noted(self, what: str, answer: Answer) -> Answer:
        self._seen.answers[f"{what} {answer.status}"] += 1
        clean = answer.status < 400 or answer.status in CLEAN_ERRORS
        self._seen.expect(clean, f"{what}: {answer.status} {answer.body[:300]!r}")
        return answer


def main(arguments: Sequence[str]) -> int:
    """Run one campaign and print what was seen."""
    parser = argparse.ArgumentParser(description="Hostile cameras against one daemon.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="hindsight-hostile-") as where:
        seen = run(Path(where), options.minutes * 60, options.seed)
        print(Path(where, "daemon.log").read_text("utf-8", "replace")[-3000:])
    from tests.support.hostile.verdict import judge

    judge(seen)
    for name, camera in seen.cameras.items():
        counters = {key: value for key, value in camera["counters"].items() if value}
        print(f"{name}: {camera['state']}: {camera['reason']}\n    {json.dumps(counters)}")
    print(json.dumps(dict(sorted(seen.answers.items())), indent=1))
    print("clips", dict(seen.clips), "good", seen.good_clip["duration_seconds"], seen.good_clip["gaps"])
    for what, numbers in (
        ("RSS MiB", [n // MIB for n in seen.rss_bytes]),
        ("threads", seen.threads),
        ("files", seen.files),
    ):
        step = max(1, len(numbers) // 20)
        print(what, numbers[::step], "last", numbers[-1], "most", max(numbers))
    print("largest child MiB", seen.workers_bytes // MIB)
    print("\n".join(["WRONG:", *seen.wrong]) if seen.wrong else "nothing wrong")
    return 1 if seen.wrong else 0
