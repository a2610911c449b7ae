"""Forty cameras that mean harm beside one good one: the daemon, its memory and the good one are unmoved.

Ten minutes of the same: `./hindsight soak --only hostile`.
"""

from pathlib import Path

import pytest

from tests.support.components import require_rtsp_server
from tests.support.hostile.campaign import run
from tests.support.hostile.verdict import judge


@pytest.mark.timeout(300)
@pytest.mark.real_time("one good camera among forty hostile ones, on two cores that run other tests")
@pytest.mark.slow("forty cameras connect, misbehave and come back")
def test_hostile_cameras_move_nothing_but_themselves(tmp_path: Path, is_whole: bool) -> None:
    """No answer without words, no ring beyond its bound, no frame of the good camera lost, nothing leaked."""
    require_rtsp_server()
    seen = run(tmp_path, seconds=40 if is_whole else 20, has_slow_ends=is_whole)
    judge(seen)
    assert seen.wrong == []
    assert seen.clips["draft"] > 0
