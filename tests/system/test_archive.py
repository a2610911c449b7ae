"""Many clips as one download from a whole daemon."""

import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.daemon import Daemon

pytestmark = pytest.mark.slow("pictures of full size, encoded in real time")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    # Large pictures, so that a client can leave in the middle.
    camera = {"id": "front", "source": "synthetic?size=1920x1080&fps=10&gop_s=1"}
    with Daemon(tmp_path_factory.mktemp("archive"), [camera]) as running:
        running.wait_for_buffer(2)
        yield running


def a_draft(daemon: Daemon, **more: Any) -> dict[str, Any]:
    clip: dict[str, Any] = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0} | more).json()
    return clip


def number(daemon: Daemon, name: str) -> float:
    for line in daemon.get("/metrics").body.decode().splitlines():
        if line.startswith(f"hindsight_{name} "):
            return float(line.split()[1])
    raise AssertionError(f"no {name} in /metrics")


def test_an_archive_holds_the_downloads_under_readable_names(daemon: Daemon) -> None:
    """Exact length, equal titles told apart, snapshots too, and the bytes of each clip's clean form."""
    clips = [a_draft(daemon, title="Tür/Gate") for _ in range(2)]
    clips.append(daemon.post("/api/snapshots", {}).json())
    path = "/api/clips/archive.zip?ids=" + ",".join(clip["id"] for clip in clips)
    answer = daemon.get(path + "&job=mine")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert (answer.headers["archive-job"], answer.headers["accept-ranges"]) == ("mine", "none")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        infos = archive.infolist()
        assert len({info.filename for info in infos}) == 3
        assert infos[0].filename.startswith("Tür Gate ")
        assert infos[2].filename.endswith(".jpg")
        for info, clip in zip(infos, clips, strict=True):
            clean = daemon.get(f"/api/clips/{clip['id']}/download?form=clean").body
            assert archive.read(info) == clean
    head = daemon.request("HEAD", path)
    assert (head.headers["content-length"], head.body) == (answer.headers["content-length"], b"")


def test_progress_of_an_archive_is_pushed(daemon: Daemon) -> None:
    """Under the name the page gave it, from 0 to 1."""
    clip = a_draft(daemon)
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=20) as stream:
        stream.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert stream.recv(4096).startswith(b"HTTP/1.1 200")
        threading.Thread(
            target=daemon.get, args=[f"/api/clips/archive.zip?ids={clip['id']}&job=watched"]
        ).start()
        heard = b""
        while b'"state":"done"' not in heard:
            heard += stream.recv(65536)
    assert b'"job":"watched"' in heard
    assert b'"progress":1.0' in heard


def test_a_client_that_leaves_ends_the_reading(daemon: Daemon) -> None:
    """It hangs up in the middle; the place is free again, and the break is counted."""
    clips = [a_draft(daemon, before_seconds=30) for _ in range(20)]
    total = sum(clip["size_bytes"] for clip in clips)
    broken = number(daemon, "archives_broken_total")
    ids = ",".join(clip["id"] for clip in clips)
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=20) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(f"GET /api/clips/archive.zip?ids={ids} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert client.recv(1024)
        daemon.wait(lambda: number(daemon, "archives_under_way") == 1, 10, "the archive is being sent")
    daemon.wait(lambda: number(daemon, "archives_under_way") == 0, 10, "the reading ended")
    assert number(daemon, "archives_broken_total") == broken + 1
    assert number(daemon, "archives_bytes_total") < total * 10


def test_a_clip_deleted_while_it_is_sent_is_sent_whole(daemon: Daemon) -> None:
    """Its file was opened before the answer began."""
    clips = [a_draft(daemon, before_seconds=30) for _ in range(20)]
    ids = ",".join(clip["id"] for clip in clips)
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=20) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
        request = (
            f"GET /api/clips/archive.zip?ids={ids} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        client.sendall(request.encode())
        data = client.recv(1024)
        gone = daemon.post("/api/clips/batch", {"action": "delete", "ids": [clip["id"] for clip in clips]})
        assert gone.json()["done"] == 20
        while piece := client.recv(1 << 20):
            data += piece
    with zipfile.ZipFile(io.BytesIO(data.partition(b"\r\n\r\n")[2])) as archive:
        assert len(archive.infolist()) == 20
        assert archive.testzip() is None
