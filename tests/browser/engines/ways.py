"""What a person does on the page and what the picture then shows, in whichever engine.

Each function does one thing in an `Engine` and returns what was seen; tests judge it, and the matrix of
docs/ref/browsers.md words it. Pictures are told apart by the counter that the test card paints.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from itertools import dropwhile, groupby
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from recorder.sources.test_picture.test_card import read_counter
from tests.support.daemon import Daemon
from tests.support.engines.engine import Engine

Clip = dict[str, Any]

FPS = 10
FRONT = {"id": "front", "name": "Front door", "source": f"synthetic?size=320x180&fps={FPS}&gop_s=1"}
FAR_FPS = 5
GOP_S = 10
FAR = {"id": "far", "name": "Far", "source": f"synthetic?size=320x180&fps={FAR_FPS}&gop_s={GOP_S}&bframes=2"}
"""Nearly every moment of it lies inside a GOP. A busy machine, too, paints that few pictures."""
CLIP_S = 3.4
HIDDEN_S = {"less": 2.4, "more": 7.2, "more, and has no keyframe": 4}
"""What the file of a clip hides before its first picture: less than it shows, or more.

The first ends between two B-frames, so that its file hides a later picture behind the end. The clean form of
one without a keyframe of its own has no parameter sets of the camera.
"""
BUFFERED_S = 7.0
"""Enough for a look back and for a clip that begins five seconds before the press."""

PAINTED = (Path(__file__).parents[1] / "painted.js").read_text().replace("export ", "")
"""The functions of painted.js, for scripts."""
_OPEN_S = 30.0
_NOTE_CODEC = """
const Known = window.WebSocket;
window.WebSocket = class extends Known {
  constructor(...address) {
    super(...address);
    this.addEventListener("message", ({ data }) => {
      const said = typeof data === "string" ? JSON.parse(data) : {};
      if (said.type === "init") window.codec = said.codec;
    });
  }
};
location.hash = `#/?camera=${camera}`;
"""
_IS_MOVING = "return document.querySelector('.live-latency')?.hidden === false"
_LIVE = """
const live = document.querySelector("hs-live-view");
const { video, picture } = live;
const looks = [];
const end = performance.now() + 1000 * seconds;
while (performance.now() < end) {
  await new Promise((resolve) => setTimeout(resolve, 25));
  const shown = picture.hidden ? video : picture;
  const [width, height] = [shown.videoWidth ?? shown.width, shown.videoHeight ?? shown.height];
  const counter = width ? counterOf(shown, width, height) : null;
  looks.push([performance.now() / 1000, counter, live.labelOnScreen]);
}
return looks;
"""
_SETTLED = """
const shown = document.querySelector(".replay > :first-child");
const replay = document.querySelector(".replay");
const near = document.querySelector(".replay-near");
const hidden = (element) => !element || element.hidden || !element.getClientRects().length;
return Boolean(shown) && !hidden(replay) && replay.getAttribute("aria-busy") !== "true" && hidden(near);
"""
_LOOK_BACK = """
const shown = document.querySelector(".replay > :first-child");
const [width, height] = [shown.videoWidth || shown.naturalWidth, shown.videoHeight || shown.naturalHeight];
const { at_us } = document.querySelector("hs-rewind-panel");
return [counterOf(shown, width, height), at_us];
"""
_FOLLOW = """
const shown = (window.followed = []);
// As where a browser forbids to play by itself: on a busy machine the first look would come too late.
const once = { capture: true, once: true };
document.addEventListener("loadstart", ({ target }) => { target.autoplay = false; }, once);
document.addEventListener("loadeddata", ({ target: video }) => {
  const look = () => shown.push(counterOf(video, video.videoWidth, video.videoHeight));
  look();
  // Not by requestVideoFrameCallback, which WebKit on a busy machine calls for one picture in ten.
  const looking = setInterval(look, 20);
  const end = () => { clearInterval(looking); look(); window.ended = video; };
  // A busy machine paints its last picture late.
  video.addEventListener("ended", () => setTimeout(end, 1000), once);
}, once);
location.hash = `#/clips/${id}`;
"""
_PAUSE = """
const late = new Promise((resolve) => setTimeout(() => resolve(null), 1000 * within_s));
return Promise.race([late, counterAt(document.querySelector("hs-clip-player video"), time_s)]);
"""
_STAYS = """
const video = document.querySelector("hs-clip-player video");
const before = counterOf(video, video.videoWidth, video.videoHeight);
const latest = performance.now() + 10_000;
let [shown, since] = [before, performance.now()];
while (performance.now() < Math.min(latest, since + (shown === before ? 5000 : 1000))) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  const now = video.seeking ? null : counterOf(video, video.videoWidth, video.videoHeight);
  if (now !== shown) [shown, since] = [now, performance.now()];
}
return shown;
"""
_CLIP_IS_OPEN = """
const video = document.querySelector("hs-clip-player video");
const { open } = document.querySelector("dialog.clip-dialog") ?? {};
return Boolean(open && video && video.readyState >= 3 && location.hash === `#/clips/${id}`);
"""
_TOASTS = """
const toasts = [...document.querySelectorAll(".toast:not([data-old])")];
for (const toast of toasts) toast.dataset.old = "";
return toasts.map((toast) => toast.textContent);
"""


@dataclass(frozen=True, slots=True)
class LiveLook:
    """One look at the live picture."""

    at_s: float
    counter: int | None
    label_us: int | None


@dataclass(frozen=True, slots=True)
class Played:
    """A clip that played from its first picture to its end."""

    counters: Sequence[int | None]
    """In the order painted, each once."""
    duration_s: float
    ended_at_s: float
    address: str
    first_png: bytes
    last_png: bytes


def open_live(engine: Engine, daemon: Daemon, camera: str) -> None:
    """The page with this camera's live picture, once it moves."""
    engine.open("about:blank")
    engine.open(f"{daemon.url}/#/?camera={camera}")
    engine.wait_for(_IS_MOVING, "the live picture", _OPEN_S)


def open_live_noting_codec(engine: Engine, daemon: Daemon, camera: str) -> str:
    """The same; returns as what the daemon sends it."""
    engine.open("about:blank")
    engine.open(f"{daemon.url}/#/clips")
    engine.wait_for("return document.querySelector('hs-clip-card') !== null", "the gallery")
    engine.evaluate(_NOTE_CODEC, camera=camera)
    engine.wait_for(_IS_MOVING, "the live picture", _OPEN_S)
    return str(engine.evaluate("return window.codec"))


def sound_state(engine: Engine) -> str:
    """What the button of the live sound says, once it is no longer opening."""
    state = """
      const { state } = document.querySelector(".live-sound").dataset;
      return ["off", "opening"].includes(state) ? null : state;
    """
    return str(engine.wait_for(state, "the live sound"))


def watch_live(engine: Engine, seconds: float) -> list[LiveLook]:
    """The live picture, looked at forty times a second."""
    return [LiveLook(*look) for look in engine.evaluate(PAINTED + _LIVE, seconds=seconds)]


def record_inside_a_gop(daemon: Daemon, hides: str) -> Clip:
    """A clip that begins inside a GOP: its file hides pictures before its first.

    `hides`: one of `HIDDEN_S`. WebKitGTK shows nothing of a file that hides "more" than it shows.
    """
    # The buffer begins with a keyframe.
    until_us = (HIDDEN_S[hides] + CLIP_S) * 1e6

    def last_label() -> datetime | None:
        answer = daemon.get("/api/cameras/far/frames")
        if answer.status != 200:  # nothing is buffered yet
            return None
        frames = answer.json()
        later_us = [offset_us for offset_us in frames["frame_offsets_us"] if offset_us >= until_us]
        begin = datetime.fromisoformat(frames["start_time"])
        return begin + timedelta(microseconds=later_us[0]) if later_us else None

    at = daemon.wait(last_label, 60, "buffered frames for a clip")
    request = {"camera": "far", "at": at.isoformat(), "before_seconds": CLIP_S, "after_seconds": 0}
    clip = daemon.wait_for_clip(daemon.post("/api/clips", request).json()["id"])
    assert abs(clip["lead_in_seconds"] - HIDDEN_S[hides]) < 1.5 / FAR_FPS
    return clip


def frame_at(daemon: Daemon, camera: str, label_us: int) -> int | None:
    """The counter of the buffered frame at a label."""
    label = datetime(1970, 1, 1) + timedelta(microseconds=label_us)
    answer = daemon.get(f"/api/cameras/{camera}/frame.jpg?at={label.isoformat()}Z")
    assert answer.status == 200, answer.body
    return counter_of_jpeg(answer.body)


def counter_of_jpeg(jpeg: bytes) -> int | None:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return read_counter(np.asarray(picture, np.uint8))


def counters_of_clip(daemon: Daemon, clip: Clip) -> list[int]:
    """Every picture of a finished clip, by FFmpeg."""
    with av.open(BytesIO(daemon.get(clip["playback_url"]).body), "r") as video:
        read = [read_counter(frame.to_ndarray(format="bgr24")) for frame in video.decode(video=0)]
    counters = [counter for counter in read if counter is not None]
    assert len(counters) == len(read) == clip["frame_count"]
    return counters


def look_back(engine: Engine, along: float) -> tuple[int | None, int]:
    """Click the timeline at a share of its length; the counter shown, and the label it is said to have."""
    engine.click("hs-rewind-timeline", along)
    return shown_back(engine)


def shown_back(engine: Engine) -> tuple[int | None, int]:
    """The picture of the look back, once it is the exact one: its counter and its label."""
    engine.wait_for(_SETTLED, "the exact picture of the look back")
    counter, label_us = engine.evaluate(PAINTED + _LOOK_BACK)
    return counter, label_us


def press_record(engine: Engine, daemon: Daemon, before_s: int) -> tuple[int | None, Clip]:
    """Press Record for the last seconds only; the counter on screen just then, and the finished clip."""
    choose = """
      for (const [id, value] of [["before", String(before_s)], ["after", "0"]]) {
        const field = document.getElementById(id);
        field.value = value;
        field.dispatchEvent(new Event("change", { bubbles: true }));
      }
      document.addEventListener("pointerdown", () => {
        const { video } = document.querySelector("hs-live-view");
        window.pressed = counterOf(video, video.videoWidth, video.videoHeight);
      }, { capture: true });
    """
    engine.evaluate(PAINTED + choose, before_s=before_s)
    # As the box knows them: the page may still be about to show those of an earlier engine.
    known = [clip["id"] for clip in daemon.get("/api/clips?limit=100").json()["clips"]]
    engine.click(".record-button")
    seen = engine.evaluate("return window.pressed")
    card = """
      const ids = [...document.querySelectorAll("hs-clip-card")].map((card) => card.dataset.id);
      return ids.find((id) => id && !known.includes(id)) ?? null;
    """
    return seen, daemon.wait_for_clip(engine.wait_for(card, "the new clip's card", known=known))


def play_clip(engine: Engine, daemon: Daemon, clip: Clip) -> Played:
    """Open the clip from the gallery and play it; every picture is looked at when it is painted."""
    engine.open("about:blank")
    engine.open(f"{daemon.url}/#/clips")
    engine.wait_for("return document.querySelector('hs-clip-card') !== null", "the gallery")
    engine.evaluate(PAINTED + _FOLLOW, id=clip["id"])
    engine.wait_for(_CLIP_IS_OPEN, "the clip's picture", _OPEN_S, id=clip["id"])
    first_png = _picture(engine)
    engine.press("k")
    ended = """
      const { followed, ended } = window;
      return ended ? [followed, ended.duration, ended.currentTime, ended.currentSrc] : null;
    """
    shown, duration_s, ended_at_s, address = engine.wait_for(ended, "the end of the clip", 60)
    # Chromium may report the first picture a moment before it can be drawn.
    counters = [counter for counter, _ in groupby(dropwhile(lambda counter: counter is None, shown))]
    return Played(counters, duration_s, ended_at_s, address, first_png, _picture(engine))


def _picture(engine: Engine) -> bytes:
    """What the open clip's video shows, as PNG."""
    body = """
      const video = document.querySelector("hs-clip-player video");
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      canvas.getContext("2d").drawImage(video, 0, 0);
      return canvas.toDataURL("image/png").split(",")[1];
    """
    return base64.b64decode(engine.evaluate(body))


def step(engine: Engine) -> int | None:
    """Step to the next picture by key; what is shown once it has stayed for a second.

    The page may seek more than once to find it.
    """
    engine.press(".")
    shown: int | None = engine.evaluate(PAINTED + _STAYS)
    return shown


def open_clip(engine: Engine, daemon: Daemon, clip: Clip) -> None:
    """Follow a link to the clip, in a page of its own."""
    engine.open("about:blank")
    engine.open(f"{daemon.url}/#/clips/{clip['id']}")


def wait_for_clip_shown(engine: Engine, clip: Clip) -> None:
    """Until its dialog is open, at its address, with a picture."""
    engine.wait_for(_CLIP_IS_OPEN, "the clip's dialog and picture", _OPEN_S, id=clip["id"])


def pause_at(engine: Engine, time_s: float, within_s: float = 30) -> int:
    """Pause the open clip there, by its player's own clock; the counter painted."""
    counter: int | None = engine.evaluate(PAINTED + _PAUSE, time_s=time_s, within_s=within_s)
    assert counter is not None, f"no picture within {within_s:.0f} s of a seek to {time_s:.1f} s"
    return counter


def set_thumbnail(engine: Engine, daemon: Daemon, clip: Clip) -> int | None:
    """Make the frame on screen the thumbnail; the counter of the picture that was stored."""
    before = daemon.clip(clip["id"])["previews"]["manual"]
    engine.click("hs-clip-previews > button")
    engine.wait_for("return document.querySelector('.toast:not([data-old])') !== null", "an answer")
    said = engine.evaluate(_TOASTS)

    def stored() -> Any:
        manual = daemon.clip(clip["id"])["previews"]["manual"]
        return manual if manual and manual != before else None

    manual = daemon.wait(stored, 30, f"the new thumbnail (the page says {said})")
    return counter_of_jpeg(daemon.get(manual["url"]).body)


def sign_in(engine: Engine, daemon: Daemon, code: str) -> None:
    """Type the code into the form, and wait for what is behind it."""
    engine.open(daemon.url)
    engine.click("#credential")
    engine.write(code)
    engine.press("Enter")
    wait_for_signed_in(engine)


def wait_for_signed_in(engine: Engine) -> None:
    """Until the page shows more than its form."""
    body = "return document.querySelector('hs-navigation') !== null && !document.querySelector('#credential')"
    engine.wait_for(body, "the page behind the form")
