"""Cameras by HTTP, against a real server that disagrees with itself the way cameras do."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.base.clock import SystemClock
from recorder.base.errors import SourceLost, SourceUnsupported
from recorder.base.settings import CameraSettings
from recorder.bitstream.access_unit import Codec, SourceUnit
from recorder.sources.http.stream import HttpStreamSource
from tests.support.cameras.http_camera import Fixed, HttpCamera, Mjpeg, TransportStream
from tests.support.counters import counters_of
from tests.support.media import Camera, units_of

COUNT = 40
PICTURES = [unit.data for unit in units_of(Camera(codec=Codec.MJPEG, height=64), COUNT)]


@contextmanager
def connected(url: str, timeout_s: float = 5.0) -> Iterator[HttpStreamSource]:
    settings = CameraSettings("cam", "Cam", url, open_timeout_s=timeout_s, read_timeout_s=timeout_s)
    with closing(HttpStreamSource(settings, SystemClock(), threading.Event())) as source:
        source.open()
        yield source


def read_all(source: HttpStreamSource) -> list[SourceUnit]:
    """Everything until the camera hangs up."""
    units: list[SourceUnit] = []
    with pytest.raises(SourceLost, match="ended the connection"):
        while True:
            units += [item for item in source.read() if isinstance(item, SourceUnit)]
    return units


def mixed(boundary: str | None) -> dict[str, str]:
    named = "" if boundary is None else f"; boundary={boundary}"
    return {"Content-Type": f"multipart/x-mixed-replace{named}"}


def with_length(picture: bytes) -> bytes:
    return b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)


DIALECTS = {
    "by the book": Mjpeg(PICTURES, with_length, mixed("frame")),
    "dashes in the name, no length": Mjpeg(
        PICTURES, lambda _: b"--frame\r\nContent-type: image/jpg\r\n\r\n", mixed("--frame")
    ),
    "four dashes, bare line feeds": Mjpeg(PICTURES, lambda _: b"----frame\n\n", mixed('"--frame"')),
    "boundary not named": Mjpeg(PICTURES, with_length, mixed(None)),
    "type not named": Mjpeg(PICTURES, with_length, {"Content-Type": "application/octet-stream"}),
    "length of something else": Mjpeg(
        PICTURES,
        lambda _: b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 0\r\n\r\n",
        mixed("frame"),
    ),
    "other parts in between": Mjpeg(
        PICTURES,
        lambda p: b"--frame\r\nContent-Type: text/plain\r\n\r\nmotion\r\n" + with_length(p),
        mixed("frame"),
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_picture_comes_once_whatever_the_dialect(dialect: str) -> None:
    """The counters tell: none lost, none doubled, none mended from two."""
    with HttpCamera(DIALECTS[dialect]) as camera, connected(camera.url()) as source:
        units = read_all(source)
        assert source.damaged == 0
    assert counters_of((unit.data for unit in units), codec=Codec.MJPEG) == list(range(COUNT))
    assert {(unit.epoch.codec, unit.epoch.width, unit.epoch.height) for unit in units} == {
        (Codec.MJPEG, 320, 64)
    }
    assert all(unit.is_keyframe for unit in units)


def test_a_picture_is_labelled_when_it_came() -> None:
    """HTTP tells no times, so the pace is the camera's as we see it."""
    with HttpCamera(replace(DIALECTS["by the book"], fps=50.0)) as camera, connected(camera.url()) as source:
        units = read_all(source)
    times = [unit.pts * unit.time_base for unit in units if unit.pts is not None]
    assert float(times[-1] - times[0]) == pytest.approx((COUNT - 1) / 50, abs=0.1)
    assert all(later > earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize("codec", [Codec.H264, Codec.H265])
@pytest.mark.parametrize("named", [True, False])
def test_a_transport_stream_is_read_like_rtsp(codec: Codec, named: bool) -> None:
    """With its own times, and B-frames; told by its type or by its sync bytes."""
    given = units_of(Camera(codec=codec, gop=10, bframes=2, height=64), COUNT)
    stream = TransportStream(given)
    if not named:
        stream.headers = {}
    with HttpCamera(stream) as camera, connected(camera.url()) as source:
        units = read_all(source)
    assert {(unit.epoch.codec, unit.epoch.width, unit.epoch.height) for unit in units} == {(codec, 320, 64)}
    assert [index for index, unit in enumerate(units) if unit.is_keyframe] == list(range(0, COUNT, 10))
    assert {unit.time_base for unit in units} == {Fraction(1, 90_000)}
    counters = counters_of((unit.data for unit in units), units[0].epoch.parameter_sets, codec)
    assert counters == list(range(COUNT))


@pytest.mark.parametrize("digest", [False, True])
def test_an_account_opens_the_camera_and_never_shows(digest: bool) -> None:
    """The password goes to the camera only, and with Digest not even there."""
    with HttpCamera(DIALECTS["by the book"], "keeper:c4nary", digest) as camera:
        with connected(camera.url(path="/v.cgi?x=1")) as source:
            assert len(read_all(source)) == COUNT
            assert source.description == f"http://***@127.0.0.1:{camera.port}/***"
        assert [given is None for _, given in camera.asked] == [True, False]
        with (
            pytest.raises(SourceLost, match="refused the user name or password") as refused,
            connected(camera.url("keeper:c4nary-wrong")),
        ):
            pass
    assert "c4nary" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_told_and_not_followed(status: int) -> None:
    """A camera must not be able to make this box ask its own services."""
    with HttpCamera(Fixed(b"inside")) as inner:
        onward = Fixed(status=status, headers={"Location": inner.url("keeper:c4nary")})
        with (
            HttpCamera(onward) as camera,
            pytest.raises(SourceUnsupported, match="write that address") as told,
            connected(camera.url()),
        ):
            pass
        assert inner.asked == []
    assert f"127.0.0.1:{inner.port}" in str(told.value)
    assert "c4nary" not in str(told.value)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Fixed(b"#EXTM3U\nfile:///etc/passwd\n", headers={"Content-Type": "audio/mpegurl"}), "playlist"),
        (Fixed(b"#EXTM3U\nhttp://127.0.0.1/\n"), "playlist"),
        (Fixed(b"<html>", headers={"Content-Type": "text/html; charset=utf-8"}), "web page"),
        (Fixed(PICTURES[0], headers={"Content-Type": "image/jpeg"}), "one still picture"),
        (Fixed(b"ffconcat version 1.0\nfile /etc/passwd\n" * 20), "neither MJPEG nor"),
    ],
)
def test_what_is_no_stream_is_refused_by_name(answer: Fixed, words: str) -> None:
    """Playlists least of all: they name files and other hosts."""
    with (
        HttpCamera(answer) as camera,
        pytest.raises(SourceUnsupported, match=words),
        connected(camera.url()),
    ):
        pass
    assert len(camera.asked) == 1


def test_a_silent_camera_is_noticed_within_the_read_timeout() -> None:
    """The connection stays open and says nothing."""
    quiet = replace(DIALECTS["by the book"], silent_after=5)
    with HttpCamera(quiet) as camera, connected(camera.url(), timeout_s=0.5) as source:
        units = list(source.read())
        while len(units) < 5:
            units += source.read()
        begun_s = time.monotonic()
        with pytest.raises(SourceLost, match="did not answer in time"):
            while len(units) < COUNT:
                units += source.read()
        assert time.monotonic() - begun_s < 1.0


def test_a_camera_that_is_off_and_a_wrong_path_are_told_apart() -> None:
    """Words for the operator."""
    with (
        HttpCamera(Fixed(status=404)) as camera,
        pytest.raises(SourceLost, match="no stream of this path"),
        connected(camera.url()),
    ):
        pass
    with pytest.raises(SourceLost, match="refused; check that it is on"), connected(camera.url()):
        pass
    with pytest.raises(SourceUnsupported, match="is no address"), connected("http://:80/a"):
        pass


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl for a certificate")
def test_a_camera_with_its_own_certificate_is_read_over_tls(tmp_path: Path) -> None:
    """Cameras sign for themselves; the address says https and that is all."""
    key, certificate, both = (tmp_path / name for name in ("key", "certificate", "both"))
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=camera"]
    subprocess.run([*request, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    with (
        HttpCamera(DIALECTS["by the book"], "keeper:c4nary", tls_pem=both) as camera,
        connected(camera.url()) as source,
    ):
        assert len(read_all(source)) == COUNT


@dataclass
class Dripping:
    """An answer that comes byte by byte and never gets anywhere."""

    headers: dict[str, str]
    drop: bytes
    status: int = 200

    def chunks(self) -> Iterator[bytes]:
        while True:
            time.sleep(0.05)
            yield self.drop


@pytest.mark.parametrize(
    "headers",
    [mixed("frame"), mixed("frame") | {"Transfer-Encoding": "chunked"}, {}],
    ids=["body", "chunk size", "sniffed"],
)
def test_a_camera_that_drips_is_given_up_like_one_that_is_silent(headers: dict[str, str]) -> None:
    """Each byte comes in time, and still nothing ever comes."""
    begun_s = time.monotonic()
    with (
        HttpCamera(Dripping(headers, b"0")) as camera,
        pytest.raises(SourceLost, match="in time"),
        connected(camera.url(), 0.4) as source,
    ):
        while time.monotonic() - begun_s < 3:
            assert source.read() == []
            if "Transfer-Encoding" not in headers:
                raise SourceLost("The stream's watchdog gives it up in time.")
    assert time.monotonic() - begun_s < 2


def test_headers_that_drip_are_given_up() -> None:
    """The head of the answer has one deadline, not one per byte."""
    begun_s = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            with suppress(OSError), server.accept()[0] as peer:
                peer.sendall(b"HTTP/1.1 200 OK\r\nX-More: ")
                while True:
                    time.sleep(0.05)
                    peer.sendall(b"y")

        threading.Thread(target=drip, daemon=True).start()
        with (
            pytest.raises(SourceLost, match="in time"),
            connected(f"http://127.0.0.1:{server.getsockname()[1]}/", 0.4),
        ):
            pass
    assert time.monotonic() - begun_s < 2
