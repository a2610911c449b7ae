"""From the press to the bytes, through the real daemon and the synthetic camera."""

import hashlib
import io
from datetime import datetime, timedelta
from typing import Any

import av

from backend.foundation.other_accounts import OWN_NAMES
from recorder.sources.test_picture.test_card import read_counter
from tests.support.daemon import Daemon


def counters(video: bytes) -> list[int | None]:
    """The counter of every picture of an MP4, in order."""
    with av.open(io.BytesIO(video), "r") as container:
        return [read_counter(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]


def newest(daemon: Daemon) -> datetime:
    label: str = daemon.get("/video/buffer/status").json()["newest_frame_utc"]
    return datetime.fromisoformat(label)


def record(daemon: Daemon, **asked: Any) -> dict[str, Any]:
    answer = daemon.post("/api/clips", asked)
    assert answer.status == 201, answer.body
    clip: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/clips/{clip['id']}"
    return clip


def test_a_look_back_is_ready_in_the_answer_and_holds_every_frame(daemon: Daemon) -> None:
    """201 carries a draft; the counters in its pictures follow each other without a hole."""
    clip = record(daemon, before_seconds=2, after_seconds=0)
    assert (clip["status"], clip["frame_count"], clip["duration_seconds"]) == ("draft", 60, 2.0)
    video = daemon.get(clip["playback_url"]).body
    assert hashlib.sha256(video).hexdigest() == clip["sha256"]
    seen = counters(video)
    assert seen[0] is not None
    assert seen == list(range(seen[0], seen[0] + 60))


def test_a_recording_goes_on_after_the_press_and_finishes_by_itself(daemon: Daemon) -> None:
    """Pending, then a draft whose frames are exactly those of the asked span."""
    clip = record(daemon, before_seconds=1, after_seconds=1)
    assert clip["status"] == "pending"
    assert clip["playback_url"] is None
    clip = daemon.wait_for_clip(clip["id"])
    assert (clip["frame_count"], clip["duration_seconds"], clip["gaps"]) == (60, 2.0, [])
    seen = counters(daemon.get(clip["playback_url"]).body)
    assert seen[0] is not None
    assert seen == list(range(seen[0], seen[0] + 60))


def test_an_open_ended_recording_ends_when_it_is_stopped(daemon: Daemon) -> None:
    """`after_seconds: null` runs on; stop makes a clip of what there is."""
    clip = record(daemon, before_seconds=0.5, after_seconds=None)
    assert clip["planned_end"] is None
    daemon.wait(lambda: (daemon.clip(clip["id"])["duration_seconds"] or 0) > 1, 10, "a second recorded")
    assert daemon.post(f"/api/clips/{clip['id']}/extend", {"seconds": 1}).status == 409
    assert daemon.post(f"/api/clips/{clip['id']}/stop").status == 200
    done = daemon.wait_for_clip(clip["id"])
    assert done["duration_seconds"] > 1
    assert daemon.post(f"/api/clips/{clip['id']}/stop").status == 409


def test_an_extended_recording_is_longer_by_just_that(daemon: Daemon) -> None:
    """The planned end moves, and the frames are there."""
    clip = record(daemon, before_seconds=0.5, after_seconds=3)
    extended = daemon.post(f"/api/clips/{clip['id']}/extend", {"seconds": 0.5}).json()
    moved = datetime.fromisoformat(extended["planned_end"]) - datetime.fromisoformat(clip["planned_end"])
    assert moved == timedelta(seconds=0.5)
    assert daemon.wait_for_clip(clip["id"])["frame_count"] == 120


def test_an_absolute_span_begins_and_ends_on_its_frames(daemon: Daemon) -> None:
    """Half-open over labels, inside a GOP, and overlapping ones do not disturb each other."""
    end = newest(daemon)
    start = end - timedelta(seconds=1)
    spans = [(start, end), (start + timedelta(seconds=0.5), end)]
    clips = [record(daemon, start=a.isoformat(), end=b.isoformat()) for a, b in spans]
    long, short = (counters(daemon.get(daemon.wait_for_clip(c["id"])["playback_url"]).body) for c in clips)
    assert (len(long), len(short)) == (30, 15)
    assert long[15:] == short


def test_the_previews_come_by_themselves(daemon: Daemon) -> None:
    """`current`, then `middle`; the card's address changes with the picture and may then be kept."""
    clip = record(daemon, before_seconds=1, after_seconds=0)
    daemon.wait(lambda: daemon.clip(clip["id"])["previews"]["middle"], 20, "a middle preview")
    daemon.wait(lambda: daemon.clip(clip["id"])["previews"]["current"], 20, "a current preview")
    clip = daemon.clip(clip["id"])
    assert "source=middle" in clip["thumbnail_url"]
    picture = daemon.get(clip["thumbnail_url"])
    assert (picture.status, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.headers["cache-control"] == "private, max-age=300"
    listed = daemon.get(f"/api/clips/{clip['id']}/previews").json()
    assert listed["chosen"] == "middle"
    placeholder = daemon.get(f"/api/clips/{clip['id']}/thumbnail?source=manual")
    assert placeholder.headers["content-type"] == "image/svg+xml"


def test_a_snapshot_is_the_frame_of_its_label(daemon: Daemon) -> None:
    """The same frame as frame.jpg shows at that label, kept as an image row."""
    answer = daemon.post("/api/snapshots", {"title": "Häuser / am Weg"})
    assert answer.status == 201
    image = answer.json()
    assert (image["media_type"], image["status"], image["frame_count"]) == ("image", "draft", 1)
    picture = daemon.get(image["image_url"])
    assert (picture.headers["content-type"], picture.body[:2]) == ("image/jpeg", b"\xff\xd8")
    assert picture.body == daemon.get(f"/api/cameras/front/frame.jpg?at={image['start_time']}").body
    assert daemon.get(f"/api/clips/{image['id']}/playback").status == 400
    saved = daemon.get(image["download_url"]).headers["content-disposition"]
    assert saved.startswith('attachment; filename="Hauser am Weg ')
    assert "filename*=UTF-8''H%C3%A4user%20am%20Weg" in saved


def test_a_clip_is_served_by_range_and_only_once(daemon: Daemon) -> None:
    """206, 416, HEAD, 304: what a player and a download manager need."""
    clip = record(daemon, before_seconds=1, after_seconds=0)
    url, size = clip["playback_url"], clip["size_bytes"]
    told = daemon.get(f"/api/clips/{clip['id']}/playback").json()
    assert (told["mode"], told["playback_url"], told["mime_type"]) == ("proxy_stream", url, "video/mp4")
    whole = daemon.get(url)
    part = daemon.get(url, Range="bytes=100-199")
    assert (part.status, part.body) == (206, whole.body[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{size}"
    assert daemon.get(url, Range="bytes=-10").body == whole.body[-10:]
    beyond = daemon.get(url, Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    head = daemon.request("HEAD", url)
    assert (head.status, head.body, int(head.headers["content-length"])) == (200, b"", size)
    assert daemon.get(url, If_None_Match=whole.headers["etag"]).status == 304
    assert daemon.get(url, Range="bytes=0-9", If_Range='"another"').status == 200


def test_a_clip_can_be_changed_listed_and_deleted(daemon: Daemon) -> None:
    """What is given changes, the rest stays; deleted, it is gone at once and its files soon."""
    clip = record(daemon, before_seconds=1, after_seconds=0, title="Fox", tags=["night"])
    path = f"/api/clips/{clip['id']}"
    changed = daemon.request("PATCH", path, {"caption": "by the hedge"}).json()
    assert (changed["title"], changed["caption"], changed["tags"]) == ("Fox", "by the hedge", ["night"])
    found = daemon.get("/api/clips?q=hedge&status=draft,published&camera=front&media_type=video").json()
    assert [one["id"] for one in found["clips"]] == [clip["id"]]
    assert not changed["keep"]
    assert daemon.request("PATCH", path, {"keep": True}).json()["keep"]
    assert [one["id"] for one in daemon.get("/api/clips?keep=true").json()["clips"]] == [clip["id"]]
    assert daemon.request("DELETE", path).status == 204
    assert daemon.get(path).status == 404
    assert daemon.request("DELETE", path).status == 404
    assert daemon.get(clip["playback_url"]).status == 404
    folder = daemon.data_dir / "clips" / clip["id"]
    daemon.wait(lambda: not folder.exists(), 30, "the files to go")


def test_a_recording_under_way_can_be_deleted(daemon: Daemon) -> None:
    """It is stopped and leaves nothing behind."""
    clip = record(daemon, before_seconds=1, after_seconds=600)
    assert daemon.request("DELETE", f"/api/clips/{clip['id']}").status == 204
    folder = daemon.data_dir / "clips" / clip["id"]
    daemon.wait(lambda: not folder.exists(), 30, "the files to go")
    assert daemon.get("/api/cameras/front").json()["recordings"] == 0


def test_a_retry_finishes_what_failed(daemon: Daemon) -> None:
    """The part file stays when finishing fails; once the cause is gone, retry makes the clip."""
    clip = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 1}).json()
    folder = daemon.data_dir / "clips" / clip["id"]
    # A directory where the temporary file would be: the finish cannot write.
    (folder / "clip.mp4.tmp").mkdir()
    failed = daemon.wait_for_clip(clip["id"], "failed")
    assert failed["retryable"] is True
    assert failed["error"]
    assert (folder / "recording.part").exists()
    (folder / "clip.mp4.tmp").rmdir()
    assert daemon.post(f"/api/clips/{clip['id']}/retry").json()["status"] == "processing"
    assert daemon.wait_for_clip(clip["id"])["frame_count"] == 60
    daemon.wait(lambda: not (folder / "recording.part").exists(), 10, "the part file to go")


def test_nothing_that_the_daemon_writes_is_for_other_accounts(daemon: Daemon) -> None:
    """Clips, pictures, rows, locks; all that lies directly in data_dir is known to the look at the start."""
    made = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": 0}).json()
    daemon.wait_for_clip(made["id"])
    data_dir = daemon.data_dir
    written = [data_dir, *data_dir.rglob("*")]
    assert any(path.name == "clip.mp4" for path in written)
    # The kernel says who is at the other end of the socket, and nobody else passes the folders before it.
    assert [path for path in written if path.lstat().st_mode & 0o077 and not path.is_socket()] == []
    assert {path.name for path in data_dir.iterdir()} <= OWN_NAMES.keys()
