"""How commands reach their daemon, and whom they show the key."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.access.access_key import AccessKey
from backend.base.machine.daemon_proof import listens_on
from backend.base.machine.data_lock import DataLock
from backend.cli.client import client_for
from backend.cli.exits import CommandFailed, Exit
from backend.config.model import Config

KEY = "HINDSIGHT_KEY"


class Listener:
    """A program on a port, which keeps what it is sent and answers `{}`."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                self.heard.append(connection.recv(4096))
                if self.heard[-1] == b"end":
                    return
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                )

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"end")
        self._thread.join()
        self._socket.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    started = Listener()
    try:
        yield started
    finally:
        started.close()


def _config(data_dir: Path, port: int) -> Config:
    return Config.model_validate({"data_dir": str(data_dir), "server": {"host": "127.0.0.1", "port": port}})


async def _ask(config: Config, url: str | None = None) -> object:
    async with client_for(config, url) as client:
        return await client.call("GET", "/api/cameras")


def test_the_key_goes_to_nobody_who_merely_listens_on_the_port(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon that has stopped leaves its port to any program of any user, and its lock file behind."""
    key = AccessKey(tmp_path)
    key.load()
    monkeypatch.setenv(KEY, "from-the-environment")
    (tmp_path / "daemon.lock").write_text(f'{{"pid": 1, "url": "http://127.0.0.1:{listener.port}"}}')
    with pytest.raises(CommandFailed, match="Another program answers") as failed:
        asyncio.run(_ask(_config(tmp_path, listener.port)))
    assert failed.value.code is Exit.UNAVAILABLE
    said = b"".join(listener.heard)
    assert said.startswith(b"GET /api/cameras")
    assert key.value.encode() not in said
    assert b"from-the-environment" not in said


def test_the_key_of_this_machine_is_not_sent_to_another_one(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a key that was named together with the address is."""
    key = AccessKey(tmp_path)
    key.load()
    url = f"http://127.0.0.1:{listener.port}"
    asyncio.run(_ask(_config(tmp_path, 1), url))
    assert b"Authorization" not in listener.heard[0]
    monkeypatch.setenv(KEY, "its-own-key")
    asyncio.run(_ask(_config(tmp_path, 1), url))
    assert b"Authorization: Bearer its-own-key" in listener.heard[1]


def test_a_daemon_proves_itself_by_its_lock_and_its_listening_socket(tmp_path: Path) -> None:
    """Both by the kernel's word: a file alone says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as open_port:
        port = open_port.getsockname()[1]
        assert not listens_on(tmp_path, port), "nobody holds the lock"
        lock = DataLock.acquire(tmp_path)
        try:
            assert listens_on(tmp_path, port)
            assert not listens_on(tmp_path, port + 1)
        finally:
            lock.release()
        (tmp_path / "daemon.lock").write_text('{"pid": 1, "url": "http://127.0.0.1:1"}')
        assert not listens_on(tmp_path, port), "process 1 does not hold it"
