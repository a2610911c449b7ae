"""The pictures that stand for clips, through the real daemon: which frame they show, and that they last."""

import http.client
import io
import json
import os
import random
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from recorder.sources.test_picture.test_card import read_counter
from tests.support.daemon import SMALL_CAMERA, Answer, Daemon
from tests.support.s3_servers import S3Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow("a buffer of twelve seconds, so that GOPs of ten seconds are whole")

PLAIN = {"id": "plain", "source": "synthetic?size=960x540&fps=10&gop_s=10"}
BFRAMES = {"id": "bframes", "source": "synthetic?size=640x360&fps=30&gop_s=10&bframes=3"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """Two cameras whose GOPs are 10 s long, in directories as people name them."""
    home = tmp_path_factory.mktemp("Bilder & Töne ♥")
    storage = {"thumbnails_dir": str(home / "Vorschau 100 %")}
    with Daemon(home, [PLAIN, BFRAMES], storage=storage, previews={"manual_width": 800}) as daemon:
        for camera in ("plain", "bframes"):
            daemon.wait_for_buffer(12.0, camera)
        yield daemon


@pytest.fixture(scope="module", params=["plain", "bframes"])
def clip(request: pytest.FixtureRequest, house: Daemon) -> dict[str, Any]:
    """Begins within one GOP of ten seconds and ends within the next."""
    asked = {"camera": request.param, "before_seconds": 10, "after_seconds": 0.5}
    answer = house.post("/api/clips", asked)
    assert answer.status == 201, answer.body
    return house.wait_for_clip(answer.json()["id"])


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon of its own: small, and its to be killed."""
    with Daemon(tmp_path, [SMALL_CAMERA]) as running:
        running.wait_for_buffer(2.0)
        yield running


def pick(daemon: Daemon, clip: dict[str, Any], **asked: Any) -> Answer:
    return daemon.post(f"/api/clips/{clip['id']}/set_manual_from_timestamp", asked)


def short_clip(daemon: Daemon) -> dict[str, Any]:
    answer = daemon.post("/api/clips", {"before_seconds": 1.5, "after_seconds": 0})
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json()
    return found


def picture(answer: Answer) -> np.ndarray[Any, Any]:
    assert answer.status == 200, answer.body
    decoded = cv2.imdecode(np.frombuffer(answer.body, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def manual(daemon: Daemon, clip: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The manual picture as the page would fetch it."""
    url = daemon.clip(clip["id"])["previews"]["manual"]["url"]
    answer = daemon.get(url)
    assert answer.headers["content-type"] == "image/png"
    return picture(answer)


def frames(video: bytes) -> list[tuple[float, int]]:
    """When each frame is shown and its counter, as a player that honours edit lists sees them."""
    with av.open(io.BytesIO(video), "r") as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        shown = [
            (float((frame.pts or 0) * stream.time_base), read_counter(frame.to_ndarray(format="bgr24")))
            for frame in container.decode(stream)
        ]
    assert all(counter is not None for _, counter in shown)
    return [(time_s, counter or 0) for time_s, counter in shown]


def test_the_manual_picture_is_the_frame_on_show_at_the_asked_time(
    house: Daemon, clip: dict[str, Any]
) -> None:
    """At twenty random times of GOPs of ten seconds: pts ≤ time < pts + duration, by its counter."""
    shown = frames(house.get(clip["playback_url"]).body)
    chance = random.Random(clip["camera"])
    duration_s = clip["duration_seconds"]
    times = [0.0, duration_s - 0.001, *(chance.uniform(0, duration_s) for _ in range(18))]
    for time_s in times:
        answer = pick(house, clip, time=time_s)
        assert answer.status == 200, answer.body
        wanted = [counter for pts_s, counter in shown if pts_s <= time_s][-1]
        assert read_counter(manual(house, clip)) == wanted, time_s


def test_a_picked_picture_is_as_wide_as_asked_and_never_wider_than_the_clip(
    house: Daemon, clip: dict[str, Any]
) -> None:
    """The configured width by default; the height even; the card shows it at once."""
    width, height = clip["width"], clip["height"]
    for asked, expected in ((None, min(800, width)), (333, 333), (5000, width)):
        answer = pick(house, clip, time=1.0, **({} if asked is None else {"width": asked}))
        told = answer.json()
        assert (told["status"], told["width"]) == ("ok", expected)
        assert abs(told["height"] - height * expected / width) <= 1
        assert told["height"] % 2 == 0
        assert manual(house, clip).shape[:2] == (told["height"], told["width"])
        assert (house.data_dir.parent / "Vorschau 100 %" / told["path"]).is_file()
        listed = house.get(f"/api/clips/{clip['id']}/previews").json()
        assert listed["chosen"] == "manual"
        assert listed["thumbnail_url"] == told["thumbnail_url"] == listed["previews"]["manual"]["url"]


def test_cards_are_small_and_kept_for_ever_under_their_version(house: Daemon, clip: dict[str, Any]) -> None:
    """JPEG, at most 640 px wide and 50 KB; a change of the picture is a change of its address."""

    def both() -> dict[str, Any] | None:
        found: dict[str, Any] = house.clip(clip["id"])["previews"]
        exact = found["current"] and found["middle"] and not found["current"]["approximate"]
        return found if exact else None

    previews = house.wait(both, 30, "current and middle, exact")
    middles = []
    for source in ("current", "middle"):
        answer = house.get(previews[source]["url"])
        shown = picture(answer)
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "private, max-age=300"
        assert shown.shape[1] == previews[source]["width"] == 640
        assert len(answer.body) <= 50_000
        middles.append(read_counter(shown))
    counters = [counter for _, counter in frames(house.get(clip["playback_url"]).body)]
    assert middles[1] is not None
    assert abs(counters.index(middles[1]) - len(counters) // 2) <= 1
    assert middles[0] in counters
    urls = [pick(house, clip, time=0.5).json()["thumbnail_url"] for _ in range(2)]
    assert urls[0] != urls[1]


def test_the_moment_is_shown_at_once_and_then_exactly(house: Daemon) -> None:
    """First the keyframe, up to ten seconds earlier and marked so, then the frame; as pages hear it."""
    seen: list[dict[str, Any]] = []
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    try:
        connection.request("GET", "/api/events")
        events = connection.getresponse()
        clip = short_clip(house)
        while not seen or seen[-1]["approximate"]:
            line = events.readline()
            assert line, "the stream ended"
            told = json.loads(line[5:]) if line.startswith(b"data:") else {}
            if told.get("id") == clip["id"] and (current := told["previews"]["current"]) not in (None, *seen):
                seen.append(current)
    finally:
        connection.close()
    assert [one["approximate"] for one in seen] in ([True, False], [False]), "the press may hit a keyframe"
    assert len({one["url"] for one in seen}) == len(seen)


def test_a_picture_of_a_snapshot_is_made_of_the_snapshot(house: Daemon) -> None:
    """The same frame, smaller; it can be promoted like any other."""
    snapshot = house.post("/api/snapshots", {"camera": "plain"}).json()
    path = f"/api/clips/{snapshot['id']}"
    card = house.wait(lambda: house.clip(snapshot["id"])["previews"]["current"], 20, "its card")
    small = picture(house.get(card["url"]))
    assert small.shape == (360, 640, 3)
    whole = picture(house.get(f"{path}/download"))
    assert read_counter(small) == read_counter(whole)
    promoted = house.post(f"{path}/promote_preview", {"source": "current"}).json()
    assert (promoted["width"], promoted["height"]) == (640, 360)
    assert np.array_equal(manual(house, snapshot), small), "a copy, pixel by pixel"


def test_of_several_at_once_one_wins(house: Daemon) -> None:
    """Without `overwrite` exactly one is told so; with it the row names a whole picture of the later one."""
    daemon, clip = house, short_clip(house)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda t: pick(daemon, clip, time=t, overwrite=False), (0.1, 0.5, 0.9)))
        assert sorted(answer.status for answer in answers) == [200, 409, 409]
        refused = [answer.json() for answer in answers if answer.status == 409]
        assert {answer["field"] for answer in refused} == {"overwrite"}
        answers = list(threads.map(lambda t: pick(daemon, clip, time=t), (0.1, 0.5, 0.9, 1.3)))
    assert {answer.status for answer in answers} == {200}
    assert manual(daemon, clip).shape == (450, 800, 3)
    named = daemon.get(f"/api/clips/{clip['id']}/previews").json()["previews"]["manual"]["url"]
    assert named in {answer.json()["thumbnail_url"] for answer in answers}


def test_pictures_that_hang_hold_up_nothing_else(house: Daemon) -> None:
    """Their directory is on a disk that does not answer: clips are recorded and played all the same."""
    clip = short_clip(house)
    told = pick(house, clip, time=1).json()
    stuck = house.data_dir.parent / "Vorschau 100 %" / told["path"]
    stuck.unlink()
    os.mkfifo(stuck)  # to open it is to wait

    def let_go() -> bool:
        with suppress(OSError):
            os.close(os.open(stuck, os.O_WRONLY | os.O_NONBLOCK))
        return all(one.done() for one in asked)

    with ThreadPoolExecutor(12) as threads:
        asked = [threads.submit(house.get, told["thumbnail_url"]) for _ in range(12)]
        try:
            for _ in range(3):
                assert house.get(clip["playback_url"], Range="bytes=0-99").status == 206
                short_clip(house)
        finally:
            wait_until(let_go, 60)


def test_a_directory_that_refuses_costs_no_picture(tmp_path: Path) -> None:
    """Pictures go to the fallback and are told of; they are found again wherever they lie."""
    wanted, fallback = tmp_path / "wanted", tmp_path / "Ausweich ö"
    wanted.touch()
    storage = {"thumbnails_dir": str(wanted), "thumbnails_fallback_dir": str(fallback)}
    with Daemon(tmp_path, [SMALL_CAMERA], storage=storage) as daemon:
        daemon.wait_for_buffer(2.0)
        clip = short_clip(daemon)
        told = pick(daemon, clip, time=1).json()
        assert (fallback / told["path"]).is_file()
        (concern,) = daemon.get("/readyz").json()["concerns"]
        assert concern["subject"] == "thumbnails"
        assert str(fallback) in concern["detail"]
        assert daemon.get("/api/system").json()["concerns"] == [concern]
        assert b"hindsight_previews_in_fallback_total 0" not in daemon.get("/metrics").body
        before = manual(daemon, clip)
        wanted.unlink()
        other = short_clip(daemon)
        assert (wanted / pick(daemon, other, time=1).json()["path"]).is_file()
        daemon.wait(lambda: daemon.get("/readyz").json()["concerns"] == [], 20, "all is well again")
        daemon.stop()
        daemon.start()
        assert np.array_equal(manual(daemon, clip), before)
        # Somebody cleans up and moves everything to where it belongs.
        (wanted / clip["id"]).mkdir(exist_ok=True)
        for file in (fallback / clip["id"]).iterdir():
            file.rename(wanted / clip["id"] / file.name)
        assert np.array_equal(manual(daemon, clip), before)


def test_a_clip_that_only_the_store_has_gets_its_picture_all_the_same(tmp_path: Path) -> None:
    """Decoded from a few bytes of the object, copied to the store, shown from there when the disk lost it."""
    server = S3Server("rclone", tmp_path / "objects")
    server.start()
    s3 = {"endpoint": server.endpoint, "access_key": server.access_key, "secret_key": server.secret_key}
    try:
        with Daemon(tmp_path, [SMALL_CAMERA], storage={"s3": s3, "keep_local": "never"}) as daemon:
            daemon.wait_for_buffer(2.0)
            clip = short_clip(daemon)
            daemon.wait(lambda: daemon.clip(clip["id"])["location"] == "remote", 60, "only at the store")
            daemon.wait(lambda: not (daemon.data_dir / "clips" / clip["id"]).exists(), 60, "its file to go")
            shown = frames(daemon.get(clip["playback_url"]).body)
            wanted = [[counter for pts_s, counter in shown if pts_s <= time_s][-1] for time_s in (0.5, 1.2)]
            answers = []
            for time_s, counter in zip((0.5, 1.2), wanted, strict=True):
                answers.append(pick(daemon, clip, time=time_s))
                assert read_counter(manual(daemon, clip)) == counter
            path = answers[-1].json()["path"]

            def only_the_last_is_stored() -> bool:
                kept = [name for name in server.objects() if "/manual-" in name]
                return kept == [f"thumbnails/{path}"]

            daemon.wait(only_the_last_is_stored, 60, "the picture at the store, the one before gone")
            (daemon.data_dir / "thumbnails" / path).unlink()
            # The store has it a moment before the daemon knows; until then a placeholder stands in.
            url = daemon.clip(clip["id"])["previews"]["manual"]["url"]
            daemon.wait(lambda: "png" in daemon.get(url).headers["content-type"], 30, "the store's picture")
            assert read_counter(manual(daemon, clip)) == wanted[-1]
            assert not list((daemon.data_dir / "runtime" / "frames").iterdir())
    finally:
        server.kill()


def test_a_kill_leaves_the_old_picture_or_the_new_one(daemon: Daemon) -> None:
    """At any moment: the row names a whole picture, and nothing of another one stays."""
    clip = short_clip(daemon)
    assert pick(daemon, clip, time=0).status == 200
    chance = random.Random(7)
    folder = daemon.data_dir / "thumbnails" / clip["id"]
    for _ in range(2):
        stop = threading.Event()
        done = threading.Semaphore(0)

        def keep_picking(stop: threading.Event = stop, done: threading.Semaphore = done) -> None:
            while not stop.is_set():
                try:
                    pick(daemon, clip, time=chance.uniform(0, 1.4))
                except OSError:
                    return
                done.release()

        with ThreadPoolExecutor(1) as thread:
            picking = thread.submit(keep_picking)
            assert done.acquire(timeout=30)
            stop.wait(chance.uniform(0, 0.1))
            daemon.kill()
            stop.set()
            picking.result()
        daemon.start()
        assert manual(daemon, clip).shape == (180, 320, 3)
    daemon.wait(lambda: len(list(folder.glob("manual*"))) == 1, 60, "only the one in force")


def test_what_could_not_be_made_is_made_at_the_next_start(daemon: Daemon) -> None:
    """A picture that is lost, and one that a kill left approximate; the clip works meanwhile."""
    clip = short_clip(daemon)
    snapshot = daemon.post("/api/snapshots").json()

    def complete() -> bool:
        previews = daemon.clip(clip["id"])["previews"]
        current = previews["current"]
        card = daemon.clip(snapshot["id"])["previews"]["current"]
        return bool(previews["middle"] and current and not current["approximate"] and card)

    daemon.wait(complete, 30, "all pictures")
    before = daemon.clip(clip["id"])["previews"]
    daemon.kill()
    for card in (daemon.data_dir / "thumbnails").glob("*/*.jpg"):
        card.unlink()
    with sqlite3.connect(daemon.data_dir / "catalogue.sqlite") as db:
        (stored,) = db.execute("SELECT previews FROM clips WHERE id = ?", (clip["id"],)).fetchone()
        previews = json.loads(stored)
        previews["current"]["approximate"] = True
        db.execute("UPDATE clips SET previews = ? WHERE id = ?", (json.dumps(previews), clip["id"]))
    db.close()
    daemon.start()
    assert daemon.get(clip["playback_url"]).status == 200

    def made_again(url: str) -> Answer | None:
        answer = daemon.get(url)
        return answer if answer.headers["content-type"] == "image/jpeg" else None

    for clip_id, source in ((clip["id"], "current"), (clip["id"], "middle"), (snapshot["id"], "current")):
        url = f"/api/clips/{clip_id}/thumbnail?source={source}"
        answer = daemon.wait(partial(made_again, url), 30, f"{source} made again")
        assert read_counter(picture(answer)) is not None
    daemon.wait(complete, 30, "exact again")
    assert daemon.clip(clip["id"])["previews"] != before
