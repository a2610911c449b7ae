"""A daemon that looks after its disk: what things cost, what goes, what is refused, and how it recovers."""

import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Ended, called
from tests.support.daemon import Daemon
from tests.support.kills import rows_of
from tests.support.s3_servers import S3Server
from tests.system.test_disk_full import SmallDisk, mounted
from tests.system.test_storage import storage_of, wait_until_both

pytestmark = pytest.mark.slow("disks of a few megabytes fill by recordings in real time")

CAMERA = {"id": "front", "source": "synthetic?size=320x180&fps=30&gop_s=1"}
RESERVE_BYTES = 8 * 1024 * 1024
LAST_SECOND = {"before_seconds": 1, "after_seconds": 0}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with mounted(tmp_path / "data") as small:
        yield small


def cli(daemon: Daemon, *arguments: str) -> Ended:
    return called("retention", "--config", str(daemon.config_path), *arguments)


def agrees(daemon: Daemon) -> bool:
    found = called("fsck", "--config", str(daemon.config_path), "--level", "hash")
    print(found.stdout)
    return found.returncode == 0


def record(daemon: Daemon, **body: Any) -> dict[str, Any]:
    answer = daemon.post("/api/clips", LAST_SECOND | body)
    assert answer.status == 201, answer.body
    clip: dict[str, Any] = answer.json()
    return clip


def test_credits_are_spent_refused_with_the_hour_and_survive_a_kill(tmp_path: Path) -> None:
    """Twelve credits: a clip, two snapshots, no more; the refusal leaves nothing; a reload lifts it."""
    with Daemon(tmp_path, [CAMERA], budget={"credits": 12, "period": "366d"}) as daemon:
        daemon.wait_for_buffer(1.5)
        clip = record(daemon)
        assert daemon.post("/api/snapshots").status == 201
        refused = daemon.post("/api/clips", LAST_SECOND)
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) > 60
        assert (
            "A clip costs 10 credits, and 1 of 12 is left. There are 12 new ones in "
            in refused.json()["detail"]
        )
        daemon.kill()
        daemon.start()
        daemon.wait_for_buffer(1.5)
        assert daemon.post("/api/clips", LAST_SECOND).status == 429
        assert daemon.post("/api/snapshots").status == 201
        assert daemon.post("/api/snapshots").status == 429
        assert daemon.request("DELETE", f"/api/clips/{clip['id']}").status == 204
        told = daemon.get("/api/budget").json()["credits"]
        assert (told["spent"], told["left"], told["clip_cost"]) == (12, 0, 10)
        assert len(rows_of(daemon)) == 2
        daemon.configure([CAMERA], budget={"credits": 30, "period": "366d"})
        daemon.hang_up()
        daemon.wait(lambda: daemon.get("/api/budget").json()["credits"]["left"] == 18, 20, "the reload")
        assert daemon.post("/api/clips", LAST_SECOND).status == 201


def test_a_rule_deletes_what_it_lists_and_asks_before_it_deletes_much(tmp_path: Path) -> None:
    """The dry run names clip and reason; a changed rule waits, also across a kill, until it is approved."""
    with Daemon(tmp_path, [CAMERA]) as daemon:
        daemon.wait_for_buffer(1.5)
        clips = [record(daemon) for _ in range(5)]
        assert daemon.request("PATCH", f"/api/clips/{clips[0]['id']}", {"keep": True}).status == 200
        assert cli(daemon, "--dry-run").stdout.startswith("0 clips (0 bytes) go with the next sweep.")
        assert daemon.post("/api/retention/approve").status == 409
        daemon.configure([CAMERA], retention={"rules": [{"max_clips": 2}], "reserve": {"bytes": 0}})
        daemon.hang_up()
        ready = "/readyz"
        daemon.wait(lambda: "Retention waits" in str(daemon.get(ready).json()["concerns"]), 20, "the hold")
        daemon.kill()
        daemon.start()
        daemon.wait(
            lambda: "Retention waits" in str(daemon.get(ready).json()["concerns"]), 20, "the hold again"
        )
        preview = json.loads(cli(daemon, "--json").stdout)
        assert [one["clip_id"] for one in preview["clips"]] == [clips[1]["id"], clips[2]["id"]]
        assert {one["reason"] for one in preview["clips"]} == {"one of more than 2 clips"}
        assert preview["held"]["clips"] == 2
        assert len(rows_of(daemon)) == 5
        said = cli(daemon)
        assert clips[1]["id"] in said.stdout
        assert "Waiting for you: the changed settings would delete 2 of 5 clips" in said.stdout
        approved = cli(daemon, "--approve")
        assert approved.stdout.startswith("Approved: 2 clips"), approved.stderr
        kept = {clips[0]["id"], clips[3]["id"], clips[4]["id"]}
        daemon.wait(lambda: rows_of(daemon).keys() == kept, 20, "the clips to go")
        daemon.wait(lambda: daemon.get(ready).json()["concerns"] == [], 20, "the note to go")
        metrics = daemon.get("/metrics").body.decode()
        assert "hindsight_retention_deleted_total 2.0" in metrics
        assert "hindsight_retention_held 0.0" in metrics
        assert agrees(daemon)


def test_a_small_disk_filled_by_recordings_keeps_the_newest(tmp_path: Path, disk: SmallDisk) -> None:
    """Twice as much is recorded as may lie there; nothing is broken at the end."""
    camera = {"id": "front", "source": "synthetic?size=1280x720&fps=30&gop_s=0.2"}
    retention = {"reserve": {"bytes": RESERVE_BYTES, "clips": 0}}
    with Daemon(tmp_path, [camera], retention=retention, buffer={"max_bytes": "64MiB"}) as daemon:
        daemon.wait_for_buffer(4.0)
        made: list[dict[str, Any]] = []
        written = 0
        while written < 32 * 1024 * 1024 and len(made) < 120:
            answer = daemon.post("/api/clips", {"before_seconds": 4, "after_seconds": 0})
            if answer.status == 507:
                # Presses one after the other, faster than deletions: it comes back by itself.
                daemon.wait(lambda: daemon.get("/api/budget").json()["disk"]["refusal"] is None, 30, "room")
                continue
            assert answer.status == 201, answer.body
            made.append(answer.json())
            written += made[-1]["size_bytes"]
        daemon.wait(lambda: disk.free_bytes() >= RESERVE_BYTES, 30, "the reserve")
        left = rows_of(daemon)
        assert 1 <= len(left) < len(made)
        assert left.keys() == {clip["id"] for clip in made[-len(left) :]}
        assert agrees(daemon)


def test_a_disk_without_a_single_block_is_emptied_of_the_oldest_all_the_same(
    tmp_path: Path, disk: SmallDisk
) -> None:
    """SQLite must write to delete, and there is room kept for that."""
    camera = {"id": "front", "source": "synthetic?size=1280x720&fps=30&gop_s=0.2"}
    retention = {"reserve": {"bytes": "2MiB", "clips": 0}}
    with Daemon(tmp_path, [camera], retention=retention) as daemon:
        daemon.wait_for_buffer(3.0)
        ids = []
        while disk.free_bytes() > 10 * 1024 * 1024:
            ids.append(record(daemon, before_seconds=3)["id"])
        leave(disk, 0)
        daemon.wait(lambda: len(rows_of(daemon)) < len(ids), 60, "the oldest to go")
        daemon.wait(lambda: disk.free_bytes() >= 2 * 1024 * 1024, 60, "room")
        left = rows_of(daemon)
        assert len(left) > 0
        assert left.keys() == set(ids[-len(left) :])
        daemon.wait(lambda: daemon.post("/api/snapshots").status == 201, 30, "snapshots to be taken")
        daemon.wait((daemon.data_dir / "spare-room").exists, 30, "the room to be kept again")
        assert agrees(daemon)


def test_a_small_disk_filled_by_a_stranger_costs_no_clip_and_recovers(
    tmp_path: Path, disk: SmallDisk
) -> None:
    """A recording under way ends whole and in time, new ones get 507 and why; then everything works again."""
    retention = {"reserve": {"bytes": RESERVE_BYTES, "clips": 0}}
    with Daemon(tmp_path, [CAMERA], retention=retention) as daemon:
        daemon.wait_for_buffer(1.5)
        earlier = record(daemon)
        running = record(daemon, after_seconds=600)
        leave(disk, 512 * 1024)
        ended = daemon.wait_for_clip(running["id"])
        assert ended["frame_count"] > 30
        for path, body in (("/api/clips", LAST_SECOND), ("/api/snapshots", {})):
            refused = daemon.post(path, body)
            assert refused.status == 507
            assert (
                "are free on the disk of the clips, and 8 MiB are kept in reserve" in refused.json()["detail"]
            )
        budget = daemon.get("/api/budget").json()["disk"]
        assert (budget["available_bytes"], budget["refusal"] is None) == (0, False)
        assert "Recordings are refused" in str(daemon.get("/readyz").json()["concerns"])
        before = daemon.get("/video/buffer/status").json()["newest_frame"]
        daemon.wait(
            lambda: daemon.get("/video/buffer/status").json()["newest_frame"] > before,
            10,
            "the buffer to go on",
        )
        assert rows_of(daemon).keys() == {earlier["id"], running["id"]}
        disk.empty()
        daemon.wait(lambda: daemon.post("/api/clips", LAST_SECOND).status == 201, 20, "space again")
        assert daemon.get("/readyz").json()["concerns"] == []
        assert agrees(daemon)


def test_a_size_rule_gives_up_copies_that_the_store_has_and_deletes_no_clip(tmp_path: Path) -> None:
    """The oldest first, the newest stays here; what is only at the store still plays."""
    (tmp_path / "store").mkdir()
    server = S3Server("rclone", tmp_path / "store" / "objects")
    server.start()
    try:
        with Daemon(tmp_path, [CAMERA], storage=storage_of(server)) as daemon:
            daemon.wait_for_buffer(1.5)
            ids = [record(daemon)["id"] for _ in range(3)]
            for clip_id in ids:
                wait_until_both(daemon, clip_id)
            limit = {"rules": [{"max_bytes": "1KiB"}], "hold_above": 1}
            daemon.configure([CAMERA], storage=storage_of(server), retention=limit)
            daemon.hang_up()
            for clip_id in ids[:2]:
                daemon.wait(lambda c=clip_id: daemon.clip(c)["location"] == "remote", 60, "space")  # type: ignore[misc]
            assert daemon.clip(ids[2])["location"] == "both"
            assert daemon.get(daemon.clip(ids[0])["playback_url"], Range="bytes=0-99").status == 206
            daemon.wait(
                lambda: "retention_reclaimed_total 2.0" in str(daemon.get("/metrics").body), 20, "both"
            )
            folder = daemon.data_dir / "clips" / ids[0] / "clip.mp4"
            daemon.wait(lambda: not folder.exists(), 30, "the local file to go")
            assert agrees(daemon)
    finally:
        server.kill()


def leave(disk: SmallDisk, free_bytes: int) -> None:
    """Let a stranger's file take everything but so much."""
    descriptor = os.open(disk.ballast, os.O_WRONLY | os.O_CREAT)
    try:
        for tries_left in reversed(range(20)):
            try:
                return os.posix_fallocate(descriptor, 0, disk.free_bytes() - free_bytes)
            except OSError as error:
                # The daemon wrote a picture between the look and the taking.
                if error.errno != errno.ENOSPC or tries_left == 0:
                    raise
    finally:
        os.close(descriptor)
