"""The promises of the page in Chromium, Firefox and WebKit, each by what is painted."""

from collections.abc import Iterator
from statistics import median

import pytest

from tests.browser.engines import ways
from tests.browser.engines.ways import CLIP_S, FAR_FPS, FPS, Clip
from tests.browser.locked import invitation
from tests.support.daemon import Daemon
from tests.support.engines.engine import Engine

pytestmark = pytest.mark.slow("three browsers start, and play in real time")

Clips = dict[str, Clip]
HIDES = pytest.mark.parametrize("hides", ways.HIDDEN_S)
"""Than it shows, as far as the clip's file goes."""

WATCHED_S = 4.0
BEFORE_S = 5
FRAME_S = 1 / FPS
FAR_FRAME_S = 1 / FAR_FPS


@pytest.fixture(autouse=True)
def _what_the_engine_said(request: pytest.FixtureRequest, engine: Engine) -> Iterator[None]:
    """With the failure of a test, the end of it."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print(f"--- {engine.name} {engine.version}\n{engine.said()}")


@pytest.mark.real_time("a picture and its label are read one after the other, while both change")
def test_the_live_picture_moves_and_its_label_with_it(engine: Engine, daemon: Daemon) -> None:
    """Most frames are painted, one after the other; the label is that of the frame or of its neighbour."""
    ways.open_live(engine, daemon, "front")
    looks = ways.watch_live(engine, WATCHED_S)
    counters = [look.counter for look in looks if look.counter is not None]
    assert counters == sorted(counters)
    assert len(set(counters)) >= 0.5 * WATCHED_S * FPS
    labelled = [(look.counter, look.label_us) for look in looks if look.counter and look.label_us]
    assert labelled[-1][1] - labelled[0][1] == pytest.approx(WATCHED_S * 1e6, rel=0.3)
    # Of several looks, because a busy machine may report a picture later than it paints it.
    some = labelled[:: len(labelled) // 8]
    assert median(_distance(daemon, counter, label_us) for counter, label_us in some) <= 1


def _distance(daemon: Daemon, counter: int, label_us: int) -> int:
    """How many pictures lie between the one shown and the one that its label names."""
    named = ways.frame_at(daemon, "front", label_us)
    assert named is not None
    return abs(named - counter)


def test_a_look_back_shows_exactly_the_frame_asked_for(engine: Engine, daemon: Daemon) -> None:
    """Also inside a GOP of ten seconds with B-frames, and the frame before it by key."""
    ways.open_live(engine, daemon, "far")
    shown, label_us = ways.look_back(engine, 0.93)
    assert shown is not None
    assert shown == ways.frame_at(daemon, "far", label_us)
    engine.press("ArrowLeft")
    before, label_us = ways.shown_back(engine)
    assert before is not None
    assert before < shown
    assert before == ways.frame_at(daemon, "far", label_us)


@pytest.mark.real_time("the press names the picture that is reported as painted, while the next ones are")
def test_a_clip_begins_before_record_was_pressed(engine: Engine, daemon: Daemon) -> None:
    """It goes from seconds before the picture that was on screen up to that."""
    ways.open_live(engine, daemon, "front")
    seen, clip = ways.press_record(engine, daemon, BEFORE_S)
    counters = ways.counters_of_clip(daemon, clip)
    assert seen is not None
    assert counters[0] <= seen - (BEFORE_S - 1) * FPS
    # What is on screen when Record is pressed is the first that is after; its label may be its neighbour's.
    assert counters[-1] >= seen - 2
    assert clip["duration_seconds"] == pytest.approx(BEFORE_S, abs=FRAME_S)


@pytest.mark.real_time("a busy machine may drop any picture that it plays, also the last")
@HIDES
def test_a_clip_plays_from_its_first_picture_to_its_last_and_each_between(
    engine: Engine, daemon: Daemon, clips: Clips, hides: str
) -> None:
    """Nothing of the pictures that its file hides, and the end is where the clip ends.

    A busy machine paints fewer than it plays; those are found at their places.
    """
    clip = clips[hides]
    played = ways.play_clip(engine, daemon, clip)
    assert None not in played.counters
    counters = ways.counters_of_clip(daemon, clip)
    assert [played.counters[0], played.counters[-1]] == [counters[0], counters[-1]]
    assert played.counters == [counter for counter in counters if counter in played.counters]
    if missed := [place for place, counter in enumerate(counters) if counter not in played.counters]:
        # In a page of its own, because WebKit does not seek in a video that has ended.
        ways.open_clip(engine, daemon, clip)
        ways.wait_for_clip_shown(engine, clip)
    for place in missed:
        assert ways.pause_at(engine, (place + 0.5) * FAR_FRAME_S) == counters[place]
    assert played.duration_s == pytest.approx(clip["duration_seconds"], abs=FAR_FRAME_S / 10)
    assert played.ended_at_s == pytest.approx(clip["duration_seconds"], abs=FAR_FRAME_S)


@HIDES
def test_the_frame_on_screen_becomes_the_thumbnail(
    engine: Engine, daemon: Daemon, clips: Clips, hides: str
) -> None:
    """By the counter in the stored picture, whatever the player's clock says."""
    clip = clips[hides]
    ways.open_clip(engine, daemon, clip)
    ways.wait_for_clip_shown(engine, clip)
    for time_s in (0.0, CLIP_S / 2 + 0.05, CLIP_S - 0.05):
        shown = ways.pause_at(engine, time_s)
        assert ways.set_thumbnail(engine, daemon, clip) == shown


def test_the_link_of_a_clip_opens_it_and_so_does_a_reload(
    engine: Engine, daemon: Daemon, clips: Clips
) -> None:
    """Links are what people send each other."""
    clip = clips["less"]
    ways.open_clip(engine, daemon, clip)
    ways.wait_for_clip_shown(engine, clip)
    engine.reload()
    ways.wait_for_clip_shown(engine, clip)


def test_a_code_signs_the_browser_in_and_it_stays_so(engine: Engine, locked: Daemon) -> None:
    """Typed as from the terminal; the cookie outlives the page, and scripts cannot read it."""
    ways.sign_in(engine, locked, invitation(locked)["code"])
    engine.reload()
    ways.wait_for_signed_in(engine)
    assert engine.evaluate("return document.cookie") == ""
