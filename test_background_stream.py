#!/usr/bin/env python3
"""Does the background stream run, and does it make real video? A pytest test and a script.

    ./test_background_stream.py [--url http://127.0.0.1:8080] [--key KEY] [--camera ID] [--seconds 5]

asks a running daemon and ends with 0 when all four checks hold, 1 when one does not, 2 when it cannot be
asked at all. Any Python will do: the check goes on in the environment that `./hindsight` made. Under pytest
it starts a daemon of its own with the synthetic camera.
"""

import argparse
import hashlib
import http.client
import importlib.util
import io
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUS = "/api/debug/background-stream-status"
FILL_TIMEOUT_S = 90.0
CLIP_TIMEOUT_S = 60.0


class CheckFailed(Exception):
    """One of the four checks does not hold; the message says what was seen."""


class Unreachable(Exception):
    """No daemon answers there, or nothing here can decode what it sends; the message says what to do."""


@dataclass(frozen=True)
class Remote:
    """A running daemon."""

    url: str
    key: str | None = None
    camera: str | None = None

    def get(self, path: str) -> bytes:
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(self._ask(request))
        return answer

    def status(self) -> dict[str, Any]:
        query = f"?camera={urllib.parse.quote(self.camera)}" if self.camera else ""
        status: dict[str, Any] = json.loads(self.get(STATUS + query))
        return status

    def _ask(self, request: urllib.request.Request) -> bytes:
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as error:
            told = error.read().decode("utf-8", "replace")[:500]
            raise CheckFailed(f"{request.get_method()} {request.selector}: {error.code} {told}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                f"No daemon answers at {self.url}: {error}. "
                "Start it with ./hindsight run, or name it with --url."
            ) from error


def check_stream_runs(remote: Remote) -> dict[str, Any]:
    """(1) The background stream runs, whoever is watching."""
    end = time.monotonic() + FILL_TIMEOUT_S
    while not (status := remote.status())["stream_running"]:
        if time.monotonic() > end:
            raise CheckFailed(f"the stream does not run: {status}")
        time.sleep(0.2)
    return status


def check_buffer_fills(remote: Remote, seconds: float) -> dict[str, Any]:
    """(2) The buffer holds `seconds`, or all it can, and its newest frame moves on."""
    first: dict[str, Any] = remote.status()["buffer"]
    enough = min(seconds, first["capacity_seconds"] - 1)
    end = time.monotonic() + FILL_TIMEOUT_S
    while True:
        buffer: dict[str, Any] = remote.status()["buffer"]
        moved = buffer["newest_frame"] is not None and buffer["newest_frame"] != first["newest_frame"]
        if moved and buffer["duration_seconds"] >= enough:
            return buffer
        if time.monotonic() > end:
            raise CheckFailed(f"the buffer does not fill: {buffer}")
        time.sleep(0.2)


def check_makes_a_clip(remote: Remote, seconds: float) -> dict[str, Any]:
    """(3) Record makes a clip of what was just seen."""
    body: dict[str, Any] = {"before_seconds": seconds, "after_seconds": 0, "title": "Background stream check"}
    if remote.camera:
        body["camera"] = remote.camera
    clip = remote.post("/api/clips", body)
    end = time.monotonic() + CLIP_TIMEOUT_S
    while clip["status"] not in {"draft", "published"}:
        if clip["status"] == "failed" or time.monotonic() > end:
            raise CheckFailed(f"the clip is {clip['status']}: {clip['error']}")
        time.sleep(0.2)
        clip = json.loads(remote.get(f"/api/clips/{clip['id']}"))
    return clip


def check_is_real_video(remote: Remote, clip: dict[str, Any]) -> tuple[int, int, int]:
    """(4) The clip decodes, has the frames it says, and its pictures change: frames, pictures, bytes."""
    import av

    video = remote.get(clip["playback_url"])
    pictures = set()
    frames = 0
    try:
        with av.open(io.BytesIO(video), "r") as container:
            for frame in container.decode(video=0):
                frames += 1
                pictures.add(hashlib.sha256(frame.to_ndarray(format="gray").tobytes()).digest())
    except (av.error.FFmpegError, IndexError) as error:
        raise CheckFailed(f"the clip does not decode: {error}") from error
    if frames == 0 or frames != clip["frame_count"]:
        raise CheckFailed(f"{frames} frames were decoded, the clip says {clip['frame_count']}")
    if frames > 1 and len(pictures) < 2:
        raise CheckFailed(f"all {frames} frames show the same picture")
    return frames, len(pictures), len(video)


def run(remote: Remote, seconds: float) -> None:
    """All four, each telling what it saw. Raises CheckFailed or Unreachable."""
    status = check_stream_runs(remote)
    print(f"1 ok  the background stream runs: camera {status['camera']}, {status['state']}")
    buffer = check_buffer_fills(remote, seconds)
    print(
        f"2 ok  the buffer fills: {buffer['frame_count']} frames, {buffer['duration_seconds']:.1f} s, "
        f"{buffer['oldest_frame']} to {buffer['newest_frame']} (UTC)"
    )
    clip = check_makes_a_clip(remote, seconds)
    print(
        f"3 ok  a clip was made: {clip['id']}, {clip['duration_seconds']:.2f} s, "
        f"{clip['width']}x{clip['height']} {clip['video_codec']}"
    )
    frames, pictures, size = check_is_real_video(remote, clip)
    print(f"4 ok  it is real video: {frames} frames decoded, {pictures} different pictures, {size} bytes")


def main(arguments: Sequence[str] | None = None) -> int:
    """The script."""
    parser = argparse.ArgumentParser(description="Does the background stream run and make real video?")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="default: %(default)s")
    parser.add_argument("--key", default=os.environ.get("HINDSIGHT_KEY"), help="or HINDSIGHT_KEY")
    parser.add_argument("--camera", help="default: the first one")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of the clip, default: %(default)s")
    options = parser.parse_args(arguments)
    if not options.url.startswith(("http://", "https://")):
        parser.error(f"argument --url: {options.url!r} is no address such as http://127.0.0.1:8080")
    try:
        run(Remote(options.url.rstrip("/"), options.key, options.camera), options.seconds)
    except CheckFailed as error:
        print(f"FAILED  {error}")
        return 1
    except Unreachable as error:
        print(error)
        return 2
    return 0


def continue_where_video_decodes() -> None:
    """Become the same script in the environment of `./hindsight`, if only that one has PyAV."""
    if importlib.util.find_spec("av") is not None:
        return
    environment = Path(__file__).resolve().parent / ".venv"
    python = environment / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != environment:
        os.execv(python, [str(python), __file__, *sys.argv[1:]])
    print("PyAV is not installed here, and without it no video is decoded. ./hindsight version installs it.")
    sys.exit(2)


if __name__ == "__main__":
    continue_where_video_decodes()
    sys.exit(main())

import pytest  # noqa: E402  only the tests need it: whoever runs the script may have nothing but a running daemon


def test_the_background_stream_makes_real_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script itself, against a daemon with the synthetic camera: every step holds and says so."""
    from tests.support.daemon import Daemon

    with Daemon(tmp_path) as daemon:
        assert main(["--url", daemon.url, "--seconds", "3"]) == 0
    said = capsys.readouterr().out
    assert [line[:4] for line in said.splitlines()] == ["1 ok", "2 ok", "3 ok", "4 ok"]


def test_a_daemon_that_is_not_there_is_told_apart_from_a_check_that_failed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit status 2, and how to start it."""
    from tests.support.daemon import free_port

    assert main(["--url", f"http://127.0.0.1:{free_port()}"]) == 2
    assert "hindsight run" in capsys.readouterr().out


def test_the_script_needs_no_more_than_a_python_beside_our_environment() -> None:
    """Without site-packages there is neither PyAV nor pytest; the check goes on where they are."""
    from tests.support.daemon import free_port

    # From Python 3.14 on the interpreter of an environment is in it even without site-packages.
    outside = os.path.realpath(sys.executable)
    command = [outside, "-I", "-S", __file__, "--url", f"http://127.0.0.1:{free_port()}"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (2, "")
    assert "No daemon answers" in answer.stdout
