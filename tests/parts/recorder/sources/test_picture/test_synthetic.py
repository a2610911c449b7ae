"""The test card as a camera: paced, moving, and readable frame by frame."""

import threading
import time
from itertools import pairwise

import pytest

from recorder.base.clock import SystemClock
from recorder.bitstream import h264
from recorder.bitstream.access_unit import SourceUnit
from recorder.sources.test_picture.synthetic import SyntheticSource
from tests.support.counters import counters_of


def read_units(source: SyntheticSource, count: int) -> list[SourceUnit]:
    units: list[SourceUnit] = []
    while len(units) < count:
        units += source.read()
    return units


@pytest.mark.parametrize("bframes", [0, 2])
def test_the_card_counts_every_frame(bframes: int) -> None:
    """Pictures, times and keyframes agree, with reordering too."""
    address = f"synthetic?size=320x180&fps=60&gop_s=0.5&bframes={bframes}"
    source = SyntheticSource(address, SystemClock(), threading.Event())
    source.open()
    units = read_units(source, 60)
    source.close()
    assert [unit.is_keyframe for unit in units] == [index % 30 == 0 for index in range(60)]
    assert (units[0].epoch.width, units[0].epoch.height) == (320, 180)
    assert h264.parameter_sets(units[0].data) == units[0].epoch.parameter_sets
    times = [unit.pts for unit in units if unit.pts is not None]
    assert len(times) == 60
    assert (times == sorted(times)) == (bframes == 0)
    counters = counters_of(unit.data for unit in units)
    assert counters[:50] == [round(pts * units[0].time_base * 60) for pts in sorted(times)][:50]
    assert all(later.dts > earlier.dts for earlier, later in pairwise(units) if later.dts and earlier.dts)


def test_the_card_keeps_real_time() -> None:
    """A second of frames takes a second, neither less nor much more."""
    source = SyntheticSource("synthetic?size=160x90&fps=60", SystemClock(), threading.Event())
    source.open()
    begun_s = time.monotonic()
    read_units(source, 31)
    taken_s = time.monotonic() - begun_s
    source.close()
    assert 0.45 < taken_s < 1.5


def test_stop_ends_the_wait_at_once() -> None:
    """At one frame a second a stop must not wait for the next one."""
    stop = threading.Event()
    source = SyntheticSource("synthetic?size=160x90&fps=1", SystemClock(), stop)
    source.open()
    read_units(source, 1)
    threading.Timer(0.05, stop.set).start()
    begun_s = time.monotonic()
    assert source.read() == []
    assert time.monotonic() - begun_s < 0.5
    source.close()
