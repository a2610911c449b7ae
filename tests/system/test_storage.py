"""The whole daemon beside a real S3 server that stops, dies and comes back."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Ended, called
from tests.support.daemon import Daemon
from tests.support.s3_servers import S3Server, find_minio

pytestmark = pytest.mark.slow("a store stops, dies and comes back while clips are copied to it")

PATIENCE_S = 3.0
"""On a machine that does nine other things at once; without them an answer takes milliseconds."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[S3Server]:
    own = S3Server("rclone", tmp_path / "store" / "objects")
    (tmp_path / "store").mkdir()
    own.start()
    yield own
    own.kill()


def storage_of(server: S3Server, **more: Any) -> dict[str, Any]:
    s3 = {"endpoint": server.endpoint, "access_key": server.access_key, "secret_key": server.secret_key}
    return {"s3": s3} | more


def record(daemon: Daemon, count: int) -> list[str]:
    """Clips of what is in the buffer; each answer in time, whatever the store does."""
    made = []
    for _ in range(count):
        begun_s = time.monotonic()
        answer = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0.2})
        assert answer.status == 201, answer.body
        assert daemon.get("/api/clips?limit=5").status == 200
        assert time.monotonic() - begun_s < PATIENCE_S
        made.append(answer.json()["id"])
    return made


def test_twenty_recordings_reach_a_store_that_stops_and_dies_meanwhile(
    tmp_path: Path, server: S3Server
) -> None:
    """SIGSTOP, the daemon killed in the middle of a copy, SIGKILL, both back: every clip ends `both`."""
    with Daemon(tmp_path, storage=storage_of(server)) as daemon:
        daemon.wait_for_buffer(2.0)
        ids = record(daemon, 4)
        daemon.wait(lambda: daemon.clip(ids[0])["location"] == "both", 30, "the first copy")

        server.pause()
        oldest = daemon.get("/video/buffer/status").json()["oldest_frame"]
        ids += record(daemon, 8)
        waiting = daemon.wait_for_clip(ids[-1])
        assert daemon.get(waiting["playback_url"], Range="bytes=0-99").status == 206
        assert daemon.get("/video/buffer/status").json()["oldest_frame"] == oldest

        daemon.kill()
        server.kill()
        daemon.start()
        assert daemon.clip(ids[-1])["location"] == "local"
        daemon.wait_for_buffer(2.0)
        ids += record(daemon, 8)
        concern = daemon.wait(lambda: daemon.get("/readyz").json()["concerns"], 30, "a concern")[0]
        assert concern["subject"] == "storage"
        assert "Check storage.s3.endpoint" in concern["detail"]
        ready = daemon.get("/readyz").json()
        assert (ready["status"], ready["storage"]["cause"]) == ("ready", "host")
        assert ready["storage"]["waiting_files"] >= 8
        assert b"hindsight_store_up 0.0" in daemon.get("/metrics").body

        server.start()
        for clip_id in ids:
            wait_until_both(daemon, clip_id)
        daemon.wait(lambda: not daemon.get("/readyz").json()["storage"]["waiting_files"], 60, "all copied")
        assert daemon.get("/readyz").json()["concerns"] == []
        objects = [name for name in server.objects() if name.startswith("clips/")]
        assert objects == sorted(f"clips/{clip_id}/clip.mp4" for clip_id in ids)
        pictures = "".join(name for name in server.objects() if name.startswith("thumbnails/"))
        assert all(clip_id in pictures for clip_id in ids)
        for clip_id in ids:
            local = daemon.data_dir / "clips" / clip_id / "clip.mp4"
            assert local.read_bytes() == (server.directory / "clips" / clip_id / "clip.mp4").read_bytes()
        assert fsck(daemon).returncode == 0, fsck(daemon).stdout


def wait_until_both(daemon: Daemon, clip_id: str) -> None:
    daemon.wait(lambda: daemon.clip(clip_id)["location"] == "both", 90, f"{clip_id} at both places")


def fsck(daemon: Daemon) -> Ended:
    return called("fsck", "--level", "hash", "--config", str(daemon.config_path))


def test_a_clip_that_is_only_at_the_store_plays_and_is_deleted_there(
    tmp_path: Path, server: S3Server
) -> None:
    """`keep_local: never`: the local file goes once the store has it; the clip is as good as before."""
    with Daemon(tmp_path, storage=storage_of(server, keep_local="never")) as daemon:
        daemon.wait_for_buffer(2.0)
        (clip_id,) = record(daemon, 1)
        folder = daemon.data_dir / "clips" / clip_id
        clip = daemon.wait(
            lambda: found if (found := daemon.clip(clip_id))["location"] == "remote" else None, 30, "remote"
        )
        daemon.wait(lambda: not folder.exists(), 30, "the local file to go")
        stored = (server.directory / "clips" / clip_id / "clip.mp4").read_bytes()
        assert daemon.get(f"/api/clips/{clip_id}/playback/stream").body == stored
        part = daemon.get(f"/api/clips/{clip_id}/playback/stream", Range="bytes=100-199")
        assert (part.status, part.body) == (206, stored[100:200])
        assert daemon.get(clip["thumbnail_url"]).headers["content-type"] == "image/jpeg"
        assert daemon.stop() == 0
        daemon.start()
        assert daemon.clip(clip_id)["location"] == "remote"
        assert daemon.get(f"/api/clips/{clip_id}/download").body == stored
        assert fsck(daemon).returncode == 0, fsck(daemon).stdout
        (server.directory / "clips" / clip_id / "clip.mp4").unlink()
        server.kill()
        server.start()  # rclone remembers what it has listed
        found = fsck(daemon)
        assert found.returncode == 1
        assert "gone from the store" in found.stdout
        assert daemon.request("DELETE", f"/api/clips/{clip_id}").status == 204
        daemon.wait(lambda: not [n for n in server.objects() if clip_id in n], 30, "its objects to go")


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_everybody_may_read_a_published_clip_and_nobody_a_draft(tmp_path: Path) -> None:
    """`public_urls`: plain HTTP, no key; gone once unpublished. rclone knows no policies: MinIO only."""
    if find_minio() is None:
        return
    minio = S3Server("minio", tmp_path / "minio")
    minio.start()
    storage = storage_of(minio)
    storage["s3"]["public_urls"] = True
    try:
        with Daemon(tmp_path, storage=storage) as daemon:
            daemon.wait_for_buffer(2.0)
            (clip_id,) = record(daemon, 1)
            wait_until_both(daemon, clip_id)
            assert daemon.clip(clip_id)["public_url"] is None
            assert status_of(f"{minio.endpoint}/clips/{clip_id}/clip.mp4") == 403
            assert daemon.post(f"/api/clips/{clip_id}/publish", {}).status == 200
            url = daemon.wait(lambda: daemon.clip(clip_id)["public_url"], 30, "its public address")
            assert url == f"{minio.endpoint}/clips/public/{clip_id}/clip.mp4"
            assert status_of(url) == 200
            assert status_of(f"{minio.endpoint}/clips/{clip_id}/clip.mp4") == 403
            assert daemon.post(f"/api/clips/{clip_id}/unpublish").status == 200
            assert daemon.clip(clip_id)["public_url"] is None
            daemon.wait(lambda: status_of(url) in {403, 404}, 30, "the public copy to go")
            assert daemon.clip(clip_id)["location"] == "both"
    finally:
        minio.kill()
