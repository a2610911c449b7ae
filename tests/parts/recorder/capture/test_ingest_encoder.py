"""Encoding on the way in: exact pictures and times, and a camera that is never held up."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import av
import pytest

from recorder.base.settings import BufferCodec
from recorder.bitstream.access_unit import AccessUnit, Codec
from recorder.capture.ingest_encoder import MOST_WAITING_UNITS, EncoderChoice, IngestEncoder
from recorder.encoding.encoder import SOFTWARE
from tests.support.counters import counters_of
from tests.support.media import Camera, units_of

SMALL = Camera(height=64)


class Ring:
    """What the encoder delivered."""

    def __init__(self) -> None:
        self.units: list[AccessUnit] = []
        self.came = threading.Condition()

    def deliver(self, units: Sequence[AccessUnit]) -> None:
        with self.came:
            self.units += units
            self.came.notify()

    def wait_for(self, enough: Callable[[list[AccessUnit]], bool]) -> list[AccessUnit]:
        with self.came:
            assert self.came.wait_for(lambda: enough(self.units), 20), f"{len(self.units)} units came"
            return list(self.units)


def ingest_of(
    ring: Ring, first: AccessUnit, encoder: str = SOFTWARE, wanted: BufferCodec = BufferCodec.H264
) -> IngestEncoder:
    """Not started yet; the probe is done."""
    choice = EncoderChoice()
    choice.make(encoder)
    return IngestEncoder("cam", wanted, choice, ring.deliver, first)


def encoded(given: Sequence[AccessUnit], wanted: BufferCodec = BufferCodec.H264) -> list[AccessUnit]:
    """What becomes of units that come in as fast as they are taken."""
    ring = Ring()
    ingest = ingest_of(ring, given[0], wanted=wanted)
    ingest.start()
    # The one behind is of another run, so that nothing stays in decoder or encoder.
    last = given[-1]
    sentinel = replace(
        units_of(Camera(), 1)[0], run=last.run + 1, pts_ns=last.pts_ns * 2, dts_ns=last.pts_ns * 2
    )
    for index in range(0, len(given), 30):
        ingest.offer(given[index : index + 30])
        ring.wait_for(lambda units, index=index: len(units) >= index)  # type: ignore[misc]
    ingest.offer([sentinel])
    units = ring.wait_for(lambda units: bool(units) and units[-1].pts_ns == sentinel.pts_ns)
    ingest.close()
    assert (ingest.gops_dropped, ingest.failures) == (0, 0)
    assert [unit.sequence for unit in units] == list(range(len(units)))
    return units[:-1]


@pytest.mark.parametrize(
    "camera",
    [replace(SMALL, codec=Codec.MJPEG), replace(SMALL, codec=Codec.H265, gop=15, bframes=2)],
    ids=["MJPEG", "H.265"],
)
def test_every_picture_becomes_h264_and_keeps_its_time(camera: Camera) -> None:
    """None missing, none doubled, a keyframe each second, and the times of the source to the nanosecond."""
    given = units_of(camera, 90)
    units = encoded(given)
    assert {unit.epoch.codec for unit in units} == {Codec.H264}
    assert len({unit.epoch for unit in units}) == 1
    assert [unit.pts_ns for unit in units] == sorted(unit.pts_ns for unit in given)
    assert [index for index, unit in enumerate(units) if unit.is_keyframe] == [0, 30, 60]
    assert counters_of((unit.data for unit in units), units[0].epoch.parameter_sets) == list(range(90))
    assert {unit.run for unit in units} == {0}


def test_what_the_settings_do_not_want_encoded_passes_through() -> None:
    """H.264 always; anything where `auto` finds no hardware."""
    for given in (units_of(Camera(), 40), units_of(replace(SMALL, codec=Codec.MJPEG), 40)):
        wanted = BufferCodec.H264 if given[0].epoch.codec is Codec.H264 else BufferCodec.AUTO
        assert encoded(given, wanted) == given


def test_a_new_run_of_the_source_is_a_new_run_of_equal_parameters() -> None:
    """Otherwise every reconnect would end the clip."""
    given = units_of(Camera(codec=Codec.MJPEG), 60)
    later = [replace(unit, run=1, sequence=unit.sequence + 60) for unit in given]
    shifted = [replace(u, pts_ns=u.pts_ns + 5_000_000_000, dts_ns=u.dts_ns + 5_000_000_000) for u in later]
    units = encoded([*given, *shifted])
    assert [unit.run for unit in units] == [0] * 60 + [1] * 60
    assert len({unit.epoch for unit in units}) == 1
    assert units[60].is_keyframe


def test_one_that_falls_behind_drops_whole_gops_and_never_blocks_capture() -> None:
    """The thread does not run at all: offering costs nothing, memory is bounded, the hole is a new run."""
    given = units_of(replace(SMALL, codec=Codec.H265, gop=30), 150)
    ring = Ring()
    ingest = ingest_of(ring, given[0])
    begun_s = time.monotonic()
    for unit in given[:130]:
        ingest.offer([unit])
    assert time.monotonic() - begun_s < 1.0
    assert ingest.gops_dropped == 130 // MOST_WAITING_UNITS
    ingest.start()
    ingest.offer(given[130:])
    units = ring.wait_for(lambda units: bool(units) and units[-1].pts_ns >= given[145].pts_ns)
    ingest.close()
    assert units[0].is_keyframe
    assert units[0].pts_ns == given[120].pts_ns, "pictures without their keyframe are not guessed at"
    assert counters_of(unit.data for unit in units) == list(range(120, 120 + len(units)))


def test_a_damaged_picture_costs_itself_only() -> None:
    """Counted; the pictures around it are there."""
    given = units_of(replace(SMALL, codec=Codec.MJPEG), 40)
    broken = replace(given[10], data=given[10].data[:30])
    ring = Ring()
    ingest = ingest_of(ring, given[0])
    ingest.start()
    ingest.offer([*given[:10], broken, *given[11:]])
    units = ring.wait_for(lambda units: len(units) >= 39)
    ingest.offer([replace(given[0], run=7)])
    ring.wait_for(lambda units: len(units) >= 40)
    ingest.close()
    shown = counters_of(unit.data for unit in units)
    assert shown == [n for n in range(40) if n != 10]
    assert ingest.failures == 1


def test_an_encoder_that_is_listed_and_does_not_work_is_replaced() -> None:
    """The probe liked it, the picture's size it refuses: software goes on."""
    assert "h264_qsv" in av.codecs_available
    given = units_of(replace(SMALL, codec=Codec.MJPEG), 40)
    ring = Ring()
    ingest = ingest_of(ring, given[0], "h264_qsv")
    ingest.start()
    ingest.offer(given)
    units = ring.wait_for(lambda units: len(units) >= 39)
    ingest.close()
    assert {unit.epoch.codec for unit in units} == {Codec.H264}
    assert ingest.failures == 1
