"""The rows of docs/ref/browsers.md: what is tried in each engine, and in which words it is told.

A probe does one thing a person does, by `ways`, and returns what it saw; what goes wrong becomes the cell. It
judges nothing: that is for the tests. A cell that begins with "no" is a thing that does not work there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from tests.browser.engines import ways
from tests.browser.engines.ways import FAR_FPS, FPS
from tests.browser.locked import invitation
from tests.support.daemon import Daemon
from tests.support.engines.engine import Engine, EngineError

WATCHED_S = 4.0

_EDIT_LIST = """
const video = document.createElement("video");
video.muted = true;
video.src = url;
document.body.append(video);
await new Promise((resolve, reject) => {
  video.onloadeddata = resolve;
  video.onerror = () => reject(new Error(video.error.message));
});
const late = new Promise((resolve) => setTimeout(() => resolve(null), 5000));
return Promise.race([late, counterAt(video, 0)]);
"""
_SOUND = """
const { sound } = document.querySelector("hs-live-view").sound;
if (sound?.context?.state !== "running") return `its sound is ${sound?.context?.state ?? "missing"}`;
const tap = new AnalyserNode(sound.context, { fftSize: 4096 });
sound.output.connect(tap);
const samples = new Float32Array(tap.fftSize);
const until = performance.now() + 1000 * seconds;
let [clicks, last_ms] = [0, 0];
while (performance.now() < until) {
  tap.getFloatTimeDomainData(samples);
  const now = performance.now();
  const loud = samples.some((sample) => Math.abs(sample) > 0.2);
  if (loud && now - last_ms > 300) [clicks, last_ms] = [clicks + 1, now];
  await new Promise((resolve) => setTimeout(resolve, 20));
}
return clicks;
"""
_HAS_SOUND = """
const context = new AudioContext();
const late = new Promise((resolve) => setTimeout(resolve, 1000));
await Promise.race([context.resume(), late]);
await late;
return context.currentTime > 0;
"""


@dataclass
class Visit:
    """One engine in front of one box; what several probes look at is done once."""

    engine: Engine
    daemon: Daemon
    locked: Daemon
    clip: ways.Clip
    """Its file hides less than it shows."""
    late: ways.Clip
    """Its file hides more."""
    counters: list[int] = field(default_factory=list)
    """Of `clip`."""

    @cached_property
    def played(self) -> ways.Played:
        """The clip, played once from its first picture to its end."""
        return ways.play_clip(self.engine, self.daemon, self.clip)


@dataclass(frozen=True, slots=True)
class Probe:
    """One row of the table."""

    row: str
    look: Callable[[Visit], str]

    def cell(self, visit: Visit) -> str:
        """What was seen, or why nothing was."""
        try:
            return self.look(visit)
        except (AssertionError, EngineError) as error:
            words = str(error).splitlines()[0].removeprefix(f"{visit.engine.name}: ")
            return f"no: {words[:120]}"


def _live(visit: Visit, camera: str, fps: int) -> str:
    codec = ways.open_live_noting_codec(visit.engine, visit.daemon, camera)
    looks = ways.watch_live(visit.engine, WATCHED_S)
    counters = {look.counter for look in looks if look.counter is not None}
    sent = int(WATCHED_S * fps)
    moves = "yes" if len(counters) >= sent / 2 else "slowly" if len(counters) > 1 else "no"
    return f"{moves}, sent as {codec}; painted {min(len(counters), sent)} of {sent} pictures"


def _live_h264(visit: Visit) -> str:
    return _live(visit, "front", FPS)


def _live_h265(visit: Visit) -> str:
    return _live(visit, "h265", FPS)


def _live_jpeg(visit: Visit) -> str:
    return _live(visit, "jpeg", FPS)


def _live_sound(visit: Visit) -> str:
    ways.open_live(visit.engine, visit.daemon, "film")
    visit.engine.click(".live-sound")
    if not visit.engine.evaluate(_HAS_SOUND):
        return "not seen: without a sound device it plays none at all"
    state = ways.sound_state(visit.engine)
    heard = visit.engine.evaluate(_SOUND, seconds=WATCHED_S) if state == "on" else f"its button says {state}"
    return f"yes, {heard} clicks in {WATCHED_S:.0f} s" if isinstance(heard, int) and heard else f"no: {heard}"


def _look_back(visit: Visit) -> str:
    ways.open_live(visit.engine, visit.daemon, "far")
    shown, label_us = ways.look_back(visit.engine, 0.93)
    return _told("frame", shown, ways.frame_at(visit.daemon, "far", label_us))


def _record(visit: Visit) -> str:
    ways.open_live(visit.engine, visit.daemon, "front")
    seen, clip = ways.press_record(visit.engine, visit.daemon, before_s=5)
    counters = ways.counters_of_clip(visit.daemon, clip)
    if seen is None or not counters[0] < seen:
        return f"no: the clip begins with {counters[0]}, and on screen was {seen}"
    return f"yes, from {(seen - counters[0]) / FPS:.1f} s before the picture on screen"


def _first_picture(visit: Visit) -> str:
    return _told("picture", visit.played.counters[0], visit.counters[0])


def _last_picture(visit: Visit) -> str:
    return _told("picture", visit.played.counters[-1], visit.counters[-1])


def _each_between(visit: Visit) -> str:
    seen = [counter for counter in visit.counters if counter in visit.played.counters]
    others = [counter for counter in visit.played.counters if counter not in visit.counters]
    if others or visit.played.counters != seen:
        return f"no: {len(others)} pictures that are not in the clip"
    return f"yes, painted {len(seen)} of {len(visit.counters)} in their order"


def _length(visit: Visit) -> str:
    exact = abs(visit.played.duration_s - visit.clip["duration_seconds"]) < 0.1 / FAR_FPS
    said = f"{visit.played.duration_s:.2f} s of {visit.clip['duration_seconds']:.2f} s"
    return f"yes, {said}" if exact else f"no: {said}"


def _ends(visit: Visit) -> str:
    counters = ways.counters_of_clip(visit.daemon, visit.late)
    played = ways.play_clip(visit.engine, visit.daemon, visit.late)
    return _told("pictures", [played.counters[0], played.counters[-1]], [counters[0], counters[-1]])


def _seek_after_end(visit: Visit) -> str:
    place = len(visit.counters) // 2
    return _told("picture", ways.pause_at(visit.engine, (place + 0.5) / FAR_FPS, 10), visit.counters[place])


def _edit_list(visit: Visit, clip: ways.Clip) -> str:
    first = ways.counters_of_clip(visit.daemon, clip)[0]
    visit.engine.open(f"{visit.daemon.url}/test_video_playback.html")
    url = f"/api/clips/{clip['id']}/playback/stream?form=original"
    shown = visit.engine.evaluate(ways.PAINTED + _EDIT_LIST, url=url)
    if shown is None:
        return "no: shows no picture"
    return "yes" if shown == first else f"no: begins {first - shown} pictures early"


def _form(visit: Visit) -> str:
    return "clean" if "form=clean" in visit.played.address else "as recorded"


def _step(visit: Visit) -> str:
    ways.open_clip(visit.engine, visit.daemon, visit.clip)
    ways.wait_for_clip_shown(visit.engine, visit.clip)
    place = len(visit.counters) // 2
    ways.pause_at(visit.engine, (place + 0.5) / FAR_FPS)
    return _told("picture", ways.step(visit.engine), visit.counters[place + 1])


def _thumbnail(visit: Visit) -> str:
    ways.open_clip(visit.engine, visit.daemon, visit.clip)
    ways.wait_for_clip_shown(visit.engine, visit.clip)
    shown = ways.pause_at(visit.engine, visit.clip["duration_seconds"] / 2 + 0.05)
    stored = ways.set_thumbnail(visit.engine, visit.daemon, visit.clip)
    return f"yes: {shown} on screen, {stored} stored" if shown == stored else f"no: {stored} for {shown}"


def _clip_link(visit: Visit) -> str:
    ways.open_clip(visit.engine, visit.daemon, visit.clip)
    ways.wait_for_clip_shown(visit.engine, visit.clip)
    visit.engine.reload()
    ways.wait_for_clip_shown(visit.engine, visit.clip)
    return "yes"


def _sign_in(visit: Visit) -> str:
    ways.sign_in(visit.engine, visit.locked, invitation(visit.locked)["code"])
    visit.engine.reload()
    ways.wait_for_signed_in(visit.engine)
    return "yes"


def _full_screen(visit: Visit) -> str:
    ways.open_live(visit.engine, visit.daemon, "front")
    if not visit.engine.evaluate("return document.fullscreenEnabled"):
        return "no: it does not offer it"
    if not visit.engine.evaluate("return document.hasFocus()"):
        return "not seen: without a window the page has no focus, which full screen needs"
    visit.engine.click(".live-full")
    full = "return document.fullscreenElement?.localName === 'hs-live-view'"
    visit.engine.wait_for(full, "full screen", 5)
    visit.engine.evaluate("await document.exitFullscreen()")
    return "yes"


def _shared_worker(visit: Visit) -> str:
    ways.open_live(visit.engine, visit.daemon, "front")
    has = visit.engine.evaluate("return 'SharedWorker' in globalThis")
    return "yes" if has else "no: each page has a connection of its own"


def _h265_file(visit: Visit) -> str:
    found = visit.engine.evaluate(
        "return document.createElement('video').canPlayType('video/mp4; codecs=\"hvc1.1.6.L120.B0\"')"
    )
    return f"it says “{found}”" if found else "it says no"


def _told(thing: str, shown: object, asked: object) -> str:
    return "yes" if shown == asked is not None else f"no: {thing} {shown} for {asked}"


PROBES = (
    Probe("Live picture, H.264 camera", _live_h264),
    Probe("Live picture, H.265 camera", _live_h265),
    Probe("Live picture, JPEG camera", _live_jpeg),
    Probe("Live sound", _live_sound),
    Probe("Look back to an exact frame", _look_back),
    Probe("Record begins before the press", _record),
    Probe("A clip's first picture", _first_picture),
    Probe("A clip's last picture", _last_picture),
    Probe("Each picture between", _each_between),
    Probe("A clip's length", _length),
    Probe("Seeking after the end", _seek_after_end),
    Probe("The ends of a clip whose file hides more than it shows", _ends),
    Probe("Stepping by a picture", _step),
    Probe("Form of a clip that the page plays", _form),
    Probe("Honours an edit list", lambda visit: _edit_list(visit, visit.clip)),
    Probe("Honours one that hides more than it shows", lambda visit: _edit_list(visit, visit.late)),
    Probe("The frame on screen as thumbnail", _thumbnail),
    Probe("Link of a clip, and reload", _clip_link),
    Probe("Sign-in by code", _sign_in),
    Probe("Full screen", _full_screen),
    Probe("Shared worker for events", _shared_worker),
    Probe("H.265 files", _h265_file),
)
