"""Network cameras, against a real RTSP server that misbehaves the way real cameras do."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.base.clock import SystemClock
from recorder.base.errors import SourceLost
from recorder.base.settings import CameraSettings
from recorder.bitstream import h264
from recorder.bitstream.access_unit import Codec, SourceUnit
from recorder.sources.rtsp.stream import StreamSource
from tests.support.cameras.material import Material
from tests.support.cameras.rtsp import Behaviour, RtspCamera, resized
from tests.support.components import require_rtsp_server
from tests.support.counters import counters_of

SMALL = Material(width=320, height=180, frames=600)


@pytest.fixture(autouse=True, scope="module")
def _needs_the_rtsp_server() -> None:
    require_rtsp_server()


@contextmanager
def connected(url: str, transport: str = "tcp", timeout_s: float = 5.0) -> Iterator[StreamSource]:
    settings = CameraSettings("cam", "Cam", url, rtsp_transport=transport)
    settings = replace(settings, open_timeout_s=timeout_s, read_timeout_s=timeout_s)
    with closing(StreamSource(settings, SystemClock(), threading.Event())) as source:
        source.open()
        yield source


def pictures(source: StreamSource) -> list[SourceUnit]:
    return [unit for unit in source.read() if isinstance(unit, SourceUnit)]


def read_units(source: StreamSource, count: int) -> list[SourceUnit]:
    units: list[SourceUnit] = []
    while len(units) < count:
        units += pictures(source)
    return units


@pytest.mark.parametrize(
    ("material", "behaviour", "transport"),
    [
        pytest.param(SMALL, Behaviour(), "tcp", id="clean"),
        pytest.param(SMALL, Behaviour(), "udp", id="clean over UDP"),
        pytest.param(
            replace(SMALL, bframes=2), Behaviour(config_interval=-1), "tcp", id="sets in own packets"
        ),
        pytest.param(replace(SMALL, gop=60), Behaviour(out_of_band=True), "tcp", id="sets out of band"),
        pytest.param(replace(SMALL, slices=4, bframes=3), Behaviour(), "tcp", id="four slices"),
    ],
)
def test_every_unit_is_one_whole_picture(material: Material, behaviour: Behaviour, transport: str) -> None:
    """However the camera packs its stream, each picture comes once, complete and in order."""
    with RtspCamera(material, behaviour) as camera, connected(camera.url(), transport) as source:
        units = read_units(source, 45)
        assert source.damaged == 0
    assert all(h264.holds_picture(unit.data) for unit in units)
    assert [index for index, unit in enumerate(units) if unit.is_keyframe] == list(range(0, 45, material.gop))
    assert {(unit.epoch.width, unit.epoch.height) for unit in units} == {(320, 180)}
    assert len({unit.epoch for unit in units}) == 1
    counters = counters_of((unit.data for unit in units), units[0].epoch.parameter_sets)
    whole = counters[: 45 - material.bframes - 1]
    assert None not in whole
    assert all(later == earlier + 1 for earlier, later in pairwise(n for n in whole if n is not None))


@pytest.mark.parametrize(
    ("material", "behaviour"),
    [
        pytest.param(replace(SMALL, codec=Codec.H265, frames=60), Behaviour(), id="H.265"),
        pytest.param(
            replace(SMALL, codec=Codec.H265, frames=60, bframes=2),
            Behaviour(config_interval=-1),
            id="H.265, B-frames, sets in own packets",
        ),
        pytest.param(
            replace(SMALL, codec=Codec.MJPEG, frames=60, width=320, height=176), Behaviour(), id="MJPEG"
        ),
    ],
)
def test_other_codecs_come_as_whole_pictures_too(material: Material, behaviour: Behaviour) -> None:
    """Each once, in order, with its size and what a decoder needs; a JPEG stands for itself."""
    with RtspCamera(material, behaviour) as camera, connected(camera.url()) as source:
        units = read_units(source, 40)
        assert source.damaged == 0
    assert {unit.epoch.codec for unit in units} == {material.codec}
    assert {(unit.epoch.width, unit.epoch.height) for unit in units} == {(material.width, material.height)}
    assert len({unit.epoch for unit in units}) == 1
    gop = 1 if material.codec is Codec.MJPEG else material.gop
    assert [index for index, unit in enumerate(units) if unit.is_keyframe] == list(range(0, 40, gop))
    times = sorted(unit.pts for unit in units if unit.pts is not None)
    assert {later - earlier for earlier, later in pairwise(times[:-3])} == {3000}
    counters = counters_of((unit.data for unit in units), units[0].epoch.parameter_sets, material.codec)
    whole = counters[: 40 - material.bframes - 1]
    assert None not in whole
    shown = [number for number in whole if number is not None]
    # The film is short and begins anew.
    assert {(later - earlier) % material.frames for earlier, later in pairwise(shown)} == {1}


def test_a_new_resolution_is_a_new_epoch_from_its_keyframe_on() -> None:
    """Somebody turned the camera's resolution down while it was streaming."""
    behaviour = Behaviour(change_to=resized(SMALL, 192, 108), change_after_s=1.0)
    with RtspCamera(SMALL, behaviour) as camera, connected(camera.url()) as source:
        units = read_units(source, 30)
        while units[-1].epoch.width == 320:
            units += pictures(source)
    first = next(unit for unit in units if unit.epoch.width != 320)
    assert (first.epoch.width, first.epoch.height, first.is_keyframe) == (192, 108, True)


@pytest.mark.parametrize("digest", [False, True])
def test_an_account_opens_the_camera_and_never_shows(digest: bool) -> None:
    """A wrong password is said in words, and neither password nor user is in them."""
    behaviour = Behaviour(account="keeper:c4nary", digest=digest)
    with RtspCamera(SMALL, behaviour) as camera:
        with connected(camera.url()) as source:
            assert read_units(source, 1)
            assert source.description == f"rtsp://***@127.0.0.1:{camera.port}/***"
        with (
            pytest.raises(SourceLost, match="refused the user name or password") as refused,
            connected(camera.url(account="keeper:c4nary-wrong")),
        ):
            pass
        with pytest.raises(SourceLost, match="knows no stream") as unknown, connected(camera.url(7)):
            pass
    for error in (refused.value, unknown.value):
        assert "c4nary" not in str(error)
        assert error.__suppress_context__


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl for a certificate")
def test_a_camera_with_its_own_certificate_is_read_over_tls(tmp_path: Path) -> None:
    """Cameras sign for themselves; the address says rtsps and that is all."""
    key, certificate, both = (tmp_path / name for name in ("key", "certificate", "both"))
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=camera"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    behaviour = Behaviour(account="keeper:c4nary", tls_pem=both)
    with RtspCamera(SMALL, behaviour) as camera, connected(camera.url()) as source:
        assert read_units(source, 5)


def test_nobody_there_and_nobody_answering_are_told_apart() -> None:
    """One is a wrong port or a camera that is off, the other a network or a camera that hangs."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        begun_s = time.monotonic()
        with (
            pytest.raises(SourceLost, match=r"answer in time|stopped half-way"),
            connected(f"rtsp://127.0.0.1:{port}/a", timeout_s=0.5),
        ):
            pass
        assert time.monotonic() - begun_s < 2.0
    with pytest.raises(SourceLost, match="refused"), connected(f"rtsp://127.0.0.1:{port}/a"):
        pass


def test_a_frozen_camera_is_noticed_within_the_read_timeout() -> None:
    """The connection stays open and says nothing: only the clock can tell."""
    with RtspCamera(SMALL) as camera, connected(camera.url(), timeout_s=1.0) as source:
        read_units(source, 20)
        camera.freeze()
        begun_s = time.monotonic()
        with pytest.raises(SourceLost, match="did not answer in time"):
            while time.monotonic() - begun_s < 10.0:
                source.read()
        assert time.monotonic() - begun_s < 1.9
