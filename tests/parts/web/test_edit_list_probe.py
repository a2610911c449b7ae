"""The video by which the page finds out whether a browser honours edit lists."""

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import av
import pytest

from recorder.mp4.frame_times import read_frame_times
from tests.support.edit_list_probe import BRIGHT, DARK, HIDDEN, SHOWN, probe
from tests.support.weight import WEB


def held_in(path: Path) -> bytes:
    """The video as text, in pieces, in a file of the page."""
    found = re.search(r"const PROBE =\s*((?:\"[\w+/=]+\"[\s+]*)+);", path.read_text())
    assert found is not None
    return b64decode("".join(re.findall(r'"([^"]*)"', found[1])))


def greys(data: bytes, **options: str) -> list[float]:
    with av.open(BytesIO(data), "r", options=options) as container:
        return [float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]


def test_page_and_check_page_hold_the_same_video() -> None:
    """They are to find the same."""
    assert held_in(WEB / "clip" / "edit_lists.js") == held_in(WEB.parent / "test_video_playback.html")


@pytest.mark.parametrize("made", ["now", "as the page holds it"])
def test_a_player_that_ignores_the_edit_list_shows_a_dark_picture_first(made: str, tmp_path: Path) -> None:
    """One that honours it a bright one; our own reader finds the list well formed."""
    data = probe() if made == "now" else held_in(WEB / "clip" / "edit_lists.js")
    assert len(data) < 1000
    (tmp_path / "probe.mp4").write_bytes(data)
    times = read_frame_times(tmp_path / "probe.mp4")
    assert (len(times.pts), times.hides_pictures, times.media_start_s) == (SHOWN, True, 0.5)
    honoured, ignored = greys(data), greys(data, ignore_editlist="1")
    assert honoured == pytest.approx([BRIGHT] * SHOWN, abs=8)
    assert ignored == pytest.approx([DARK] * HIDDEN + [BRIGHT] * SHOWN, abs=8)
