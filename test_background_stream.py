#!/usr/bin/env python3
"""Does the background stream run, and does it make real video? A pytest test and a script.

    ./test_background_stream.py [--url http://127.0.0.1:8080] [--camera ID] [--seconds 5]

asks a running daemon and ends with 0 when all four checks hold, 1 when one does not, 2 when it cannot be
asked at all. On the daemon's own machine it needs no key: its status is open to programs there, and the rest
goes by the Unix socket in its data_dir. For another machine: `--key KEY` or HINDSIGHT_KEY. Any Python will
do: the check goes on in the environment that `./hindsight` made. Under pytest it starts a daemon of its own
with the synthetic camera.
"""

import argparse
import contextlib
import hashlib
import http.client
import importlib.util
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUS = "/api/debug/background-stream-status"
FILL_TIMEOUT_S = 90.0
CLIP_TIMEOUT_S = 60.0
TIMEOUT_S = 30.0
SOCKET_NAME = "hindsight.sock"


class CheckFailed(Exception):
    """One of the four checks does not hold; the message says what was seen."""


class Unreachable(Exception):
    """No daemon answers there, or nothing here can decode what it sends; the message says what to do."""


class ByUnixSocket(http.client.HTTPConnection):
    """HTTP over the daemon's Unix socket, which lets its owner in without a key."""

    def __init__(self, runtime_dir: Path) -> None:
        super().__init__("localhost", timeout=TIMEOUT_S)
        self._runtime_dir = runtime_dir

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_S)
        # The kernel takes paths of 107 bytes; data_dir may be longer.
        directory = os.open(self._runtime_dir, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{directory}/{SOCKET_NAME}")
        finally:
            os.close(directory)


@dataclass(frozen=True)
class Remote:
    """A running daemon."""

    url: str
    key: str | None = None
    camera: str | None = None
    runtime_dir: Path | None = None
    """Where its Unix socket lies, for what needs authority; None: there is none on this machine."""

    def get(self, path: str) -> bytes:
        return self._ask("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._ask("POST", path, json.dumps(body).encode()))
        return answer

    def status(self) -> dict[str, Any]:
        """Of the first camera it is open to programs of this machine, and goes by TCP as theirs does."""
        is_open = self.camera is None
        query = "" if is_open else f"?camera={urllib.parse.quote(str(self.camera))}"
        status: dict[str, Any] = json.loads(self._ask("GET", STATUS + query, by_tcp=is_open))
        return status

    def _ask(self, method: str, path: str, body: bytes | None = None, *, by_tcp: bool = False) -> bytes:
        headers = {} if body is None else {"Content-Type": "application/json"}
        if self.runtime_dir is None or by_tcp:
            connection = self._by_tcp()
            path = self._here(path)
            headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
        else:
            connection = ByUnixSocket(self.runtime_dir)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            found = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                f"No daemon answers at {self.url}: {error}. "
                "Start it with ./hindsight run, or name it with --url."
            ) from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise CheckFailed(f"{method} {path}: {answer.status} {found.decode('utf-8', 'replace')[:500]}")
        return found

    def _here(self, path: str) -> str:
        """`path` below that of the address; one that the daemon made may lie there already."""
        base = urllib.parse.urlsplit(self.url).path
        return path if path.startswith(f"{base}/") else base + path

    def _by_tcp(self) -> http.client.HTTPConnection:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme == "https":
            return http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT_S)
        return http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT_S)


def own_runtime_dir(url: str, config: str | None) -> Path | None:
    """Where the Unix socket lies, if the daemon of this configuration is the one at `url`; else None."""
    command = [sys.executable, "-m", "backend", "config", "print", "--json"]
    command += [] if config is None else ["--config", config]
    printed = subprocess.run(command, capture_output=True, text=True, check=False)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        data_dir = Path(json.loads(printed.stdout)["data_dir"])
        own_url = json.loads((data_dir / "daemon.lock").read_text())["url"]
        is_same = urllib.parse.urlsplit(own_url).port == urllib.parse.urlsplit(url).port
        is_here = urllib.parse.urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
        if is_same and is_here and (data_dir / "runtime" / SOCKET_NAME).is_socket():
            return data_dir / "runtime"
    return None


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
    capacity_s = json.loads(remote.get("/video/buffer/status"))["capacity_seconds"]
    enough = min(seconds, capacity_s - 1)
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
    print(f"1 ok  the background stream runs: {status['buffer']['frame_count']} frames are held")
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
    parser.add_argument("--key", default=os.environ.get("HINDSIGHT_KEY"), help="of another machine's daemon")
    parser.add_argument("--config", metavar="FILE", help="of this machine's daemon, default: ./config.yaml")
    parser.add_argument("--camera", help="default: the first one")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of the clip, default: %(default)s")
    options = parser.parse_args(arguments)
    if not options.url.startswith(("http://", "https://")):
        parser.error(f"argument --url: {options.url!r} is no address such as http://127.0.0.1:8080")
    url = options.url.rstrip("/")
    runtime_dir = None if options.key else own_runtime_dir(url, options.config)
    try:
        run(Remote(url, options.key, options.camera, runtime_dir), options.seconds)
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


def test_the_background_stream_makes_real_video(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script itself, against a daemon that lets nobody in: every step holds, and no key is typed."""
    from tests.support.daemon import Daemon

    monkeypatch.delenv("HINDSIGHT_KEY", raising=False)
    daemon = Daemon(tmp_path, server={"loopback_without_key": False})
    daemon.start(wait=False)
    try:
        daemon.wait(daemon.is_open, 60, "serving")
        arguments = ["--url", daemon.url, "--config", str(daemon.config_path), "--seconds", "3"]
        assert main(arguments) == 0
    finally:
        daemon.stop()
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
