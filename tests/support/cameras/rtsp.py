"""A real RTSP camera for one test: starts `rtsp_server.py` as a process of its own and can hurt it.

    with RtspCamera(Material(gop=60)) as camera:
        camera.url()            # rtsp://127.0.0.1:PORT/cam0
        camera.kill()           # like a power cut
        camera.start()          # back again, on the same port
        camera.freeze(); camera.thaw()

Ends only the process it started, by its own pid.
"""

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.cameras.material import Material, click_track

SYSTEM_PYTHON = Path("/usr/bin/python3")
_SERVER = Path(__file__).with_name("rtsp_server.py")
_START_S = 20.0
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the camera speaks. `config_interval` -1 repeats SPS and PPS in packets of their own."""

    mounts: int = 1
    config_interval: int = 0
    out_of_band: bool = False
    account: str = ""
    """`user:password`; empty: everybody may watch."""
    digest: bool = False
    change_to: Material | None = None
    change_after_s: float | None = None
    tls_pem: Path | None = None
    sound: str = ""
    """`aac`, `pcma` or `pcmu`: a click at each whole second."""
    sound_stops_s: float | None = None
    sound_garbage_s: float | None = None


@cache
def available() -> bool:
    """Whether this machine has gst-rtsp-server for its own Python."""
    if not SYSTEM_PYTHON.exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False).returncode == 0


class RtspCamera:
    """One server process. After a kill `start` brings it back on the same port."""

    def __init__(self, material: Material | None = None, behaviour: Behaviour | None = None) -> None:
        self.material = material or Material()
        self.behaviour = behaviour or Behaviour()
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The server's process; raises AssertionError when it does not run."""
        assert self._process is not None
        return self._process.pid

    def url(self, mount: int = 0, *, account: str | None = None) -> str:
        """The camera's address, with its credentials (or `account`, to try wrong ones)."""
        given = self.behaviour.account if account is None else account
        scheme = "rtsps" if self.behaviour.tls_pem else "rtsp"
        return f"{scheme}://{given + '@' if given else ''}127.0.0.1:{self.port}/cam{mount}"

    def start(self) -> None:
        """Start the server and wait until it listens."""
        assert self._process is None
        # The child's standard error is not read, so it must not be a pipe that can fill.
        self._process = subprocess.Popen(
            [SYSTEM_PYTHON, str(_SERVER), *self._arguments()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(self.behaviour.account.encode() + b"\n")
        self._process.stdin.flush()
        readable, _, _ = select.select([self._process.stdout], [], [], _START_S)
        words = self._process.stdout.readline().split() if readable else []
        if len(words) != 2:
            self.kill()
            msg = "The RTSP test server did not start."
            raise RuntimeError(msg)
        self.port = int(words[1])

    def kill(self) -> None:
        """End the server at once, as a power cut does; its sockets die with it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def freeze(self) -> None:
        """Stop the process: connections stay open and say nothing more. Returns once it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        self._wait_for_state("T")

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def _wait_for_state(self, letter: str) -> None:
        deadline = time.monotonic() + 5
        while Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != letter:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def _arguments(self) -> list[str]:
        behaviour = self.behaviour
        arguments = [str(self.material.file())]
        if behaviour.change_to is not None:
            arguments += [str(behaviour.change_to.file()), f"--change-after={behaviour.change_after_s}"]
        arguments += [f"--port={self.port}", f"--mounts={behaviour.mounts}"]
        arguments += [f"--config-interval={behaviour.config_interval}"]
        if behaviour.out_of_band:
            arguments.append("--out-of-band")
        if behaviour.digest:
            arguments.append("--digest")
        if behaviour.sound:
            arguments.append(f"--sound={behaviour.sound}")
        if behaviour.sound == "aac":
            arguments.append(f"--sound-file={click_track()}")
        if behaviour.sound_stops_s is not None:
            arguments.append(f"--sound-stops={behaviour.sound_stops_s}")
        if behaviour.sound_garbage_s is not None:
            arguments.append(f"--sound-garbage={behaviour.sound_garbage_s}")
        if behaviour.tls_pem is not None:
            arguments.append(f"--tls-pem={behaviour.tls_pem}")
        return arguments


def resized(material: Material, width: int, height: int) -> Material:
    """The same camera after somebody changed its resolution."""
    return replace(material, width=width, height=height)
