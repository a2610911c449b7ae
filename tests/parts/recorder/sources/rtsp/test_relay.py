"""Whatever a camera answers, nothing but this camera is connected to, and only it gets its password."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from recorder.base.clock import SystemClock
from recorder.base.errors import SourceError, SourceLost, SourceUnsupported
from recorder.base.settings import CameraSettings
from recorder.sources.address import camera_address
from recorder.sources.rtsp.messages import MOST_HEADER_BYTES, Message
from recorder.sources.rtsp.relay import RtspRelay
from recorder.sources.rtsp.stream import StreamSource
from tests.support.cameras.scripted_rtsp import NO_SUCH, Answer, ScriptedCamera, answered
from tests.support.waiting import wait_until

PUBLIC = answered("200 OK", "Public: DESCRIBE, SETUP, PLAY")
CHALLENGE = answered("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')
SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
ACCOUNT = "keeper:c4nary"


def method_of(request: Message) -> str:
    assert request.request is not None
    return request.request[0]


def answers(**by_method: bytes) -> Answer:
    """A camera that answers each method in its own way."""
    return lambda request: by_method.get(method_of(request), NO_SUCH)


def opened(url: str, timeout_s: float = 2.0) -> SourceError:
    """How opening the camera fails."""
    settings = CameraSettings("cam", "Cam", url, open_timeout_s=timeout_s, read_timeout_s=timeout_s)
    source = StreamSource(settings, SystemClock(), threading.Event())
    with closing(source), pytest.raises(SourceError) as failed:
        source.open()
    return failed.value


@contextmanager
def relayed(camera: ScriptedCamera, account: str = "") -> Iterator[RtspRelay]:
    relay = RtspRelay(camera_address(camera.url(account)), 2.0)
    with closing(relay):
        yield relay


def dialled(relay: RtspRelay) -> socket.socket:
    """A connection to the relay, from this machine."""
    return socket.create_connection(("127.0.0.1", camera_address(relay.url).port), 5)


def request_to(url: str, method: str = "OPTIONS") -> bytes:
    return f"{method} {url} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode()


@pytest.mark.parametrize("at", ["OPTIONS", "DESCRIBE", "SETUP"])
@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http"])
def test_a_redirect_to_a_service_of_this_host_is_told_and_not_followed(at: str, scheme: str) -> None:
    """At any point of the conversation; the password does not travel, and the sentence does not hold it."""
    with ScriptedCamera(answers(OPTIONS=CHALLENGE)) as inner:
        onward = answered("302 Found", f"Location: {scheme}://127.0.0.1:{inner.port}/c4nary")
        described = answered("200 OK", "Content-Type: application/sdp", body=SDP + "a=control:t\r\n")
        steps = {"OPTIONS": PUBLIC, "DESCRIBE": described} | {at: onward}

        def answer(request: Message) -> bytes:
            return steps[method_of(request)] if request.get("authorization") else CHALLENGE

        with ScriptedCamera(answer) as camera:
            error = opened(camera.url(ACCOUNT))
            assert camera.connections == 1
            assert method_of(camera.received[-1]) == at
        assert inner.connections == 0
    assert isinstance(error, SourceUnsupported if at != "SETUP" else SourceLost)
    assert "sends us on" in str(error) or "sending us on" in str(error)
    assert "c4nary" not in str(error)


def test_a_camera_that_answers_another_way_the_second_time_gains_nothing() -> None:
    """The relay is the connection itself, not a question asked before it."""
    with ScriptedCamera(answers()) as inner:
        replies = [PUBLIC, answered("302 Found", f"Location: rtsp://127.0.0.1:{inner.port}/")]
        with ScriptedCamera(lambda _: replies[min(len(replies) - 1, len(camera.received) - 1)]) as camera:
            assert isinstance(opened(camera.url()), SourceUnsupported)
        assert inner.connections == 0


def test_another_path_of_the_same_camera_is_requested_on_the_same_connection() -> None:
    """Recorders send viewers on to the path of a channel."""

    def answer(request: Message) -> bytes:
        if "/channel" in request.start:
            return NO_SUCH
        return answered("302 Found", f"Location: rtsp://127.0.0.1:{camera.port}/channel/1")

    with ScriptedCamera(answer) as camera:
        assert "knows no stream" in str(opened(camera.url()))
        assert camera.connections == 1
        assert camera.requested()[-1] == f"OPTIONS rtsp://127.0.0.1:{camera.port}/channel/1 RTSP/1.0"


def test_streams_that_name_another_host_are_requested_of_the_camera() -> None:
    """Cameras behind a router name themselves by an address from inside; nobody else is connected to."""
    with ScriptedCamera(answers()) as inner:
        elsewhere = f"rtsp://127.0.0.1:{inner.port}"
        body = f"{SDP}a=control:{elsewhere}/t\r\n"
        described = answered(
            "200 OK", f"Content-Base: {elsewhere}/base/", "Content-Type: application/sdp", body=body
        )
        with ScriptedCamera(answers(OPTIONS=PUBLIC, DESCRIBE=described)) as camera:
            assert "knows no stream" in str(opened(camera.url()))
            assert f"SETUP {elsewhere}/t RTSP/1.0" in camera.requested()
            assert camera.connections == 1
        assert inner.connections == 0


def test_a_wrong_password_is_told_after_one_try() -> None:
    """More tries would lock the account; the sentence is the one there always was."""
    with ScriptedCamera(lambda _: CHALLENGE) as camera:
        error = opened(camera.url(ACCOUNT))
        assert [message.get("authorization") is None for message in camera.received] == [True, False]
    assert "refused the user name or password" in str(error)


def test_ffmpeg_s_side_never_carries_the_password() -> None:
    """Neither in the address, nor in what is said there; the camera has it with the second request."""

    def answer(request: Message) -> bytes:
        return PUBLIC if request.get("authorization") else CHALLENGE

    with ScriptedCamera(answer) as camera, relayed(camera, ACCOUNT) as relay, dialled(relay) as player:
        assert "c4nary" not in relay.url
        player.sendall(request_to(relay.url))
        assert player.recv(4096) == b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n\r\n"
        assert camera.received[-1].get("authorization") == "Basic a2VlcGVyOmM0bmFyeQ=="


@pytest.mark.parametrize(
    "said", [b"", b"GET / HTTP/1.1\r\n\r\n", b"OPTIONS rtsp://127.0.0.1/guess RTSP/1.0\r\n\r\n"]
)
def test_another_user_of_this_machine_gets_nothing_and_holds_nothing_up(said: bytes) -> None:
    """The port can be found; the token in the address cannot. The camera hears of none of it."""
    with ScriptedCamera(answers(OPTIONS=PUBLIC)) as camera, relayed(camera) as relay:
        with dialled(relay) as stranger, dialled(relay) as player:
            stranger.sendall(said)
            player.sendall(request_to(relay.url))
            assert player.recv(4096).startswith(b"RTSP/1.0 200 OK")
            assert stranger.recv(4096) == b""
        assert len(camera.received) == 1


def test_the_port_is_closed_once_ffmpeg_is_there() -> None:
    """One connection is relayed; a second one, even with the token, finds nobody."""
    with (
        ScriptedCamera(answers(OPTIONS=PUBLIC)) as camera,
        relayed(camera) as relay,
        dialled(relay) as player,
    ):
        player.sendall(request_to(relay.url))
        assert player.recv(4096)
        with pytest.raises(ConnectionRefusedError):
            dialled(relay)


def test_what_is_interleaved_passes_in_both_directions() -> None:
    """Pictures to us, receiver's reports to the camera, as they are."""
    frame = b"$\0\0\x05RTSP/"

    def answer(request: Message) -> bytes:
        return PUBLIC + frame * 1000

    with ScriptedCamera(answer) as camera, relayed(camera) as relay, dialled(relay) as player:
        player.sendall(request_to(relay.url) + b"$\x01\0\x04RTCP")
        got = b""
        while len(got) < 9000 or not got.endswith(frame):
            got += player.recv(65536)
        assert got.partition(b"\r\n\r\n")[2] == frame * 1000


@pytest.mark.parametrize("farewell", ["close", "hang up", "never came"])
def test_the_thread_ends_with_the_connection(farewell: str) -> None:
    """However it ends: nothing is left behind by a camera that reconnects for years."""

    def threads() -> int:
        return sum(thread.name == "rtsp-relay" for thread in threading.enumerate())

    before = threads()
    with ScriptedCamera(lambda _: None if farewell == "hang up" else b"") as camera:
        relay = RtspRelay(camera_address(camera.url()), 30.0)
        assert threads() == before + 1
        if farewell != "never came":
            player = dialled(relay)
            player.sendall(request_to(relay.url))
            if farewell == "hang up":
                assert player.recv(100) == b""
            player.close()
        relay.close()
        assert threads() == before
        relay.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"RTSP/1.0 200 OK\r\nX: " + b"y" * 2 * MOST_HEADER_BYTES, "headers without end"),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 2000000000\r\n\r\n", "too long"),
    ],
)
def test_a_camera_that_says_too_much_is_cut_off_at_once(said: bytes, words: str) -> None:
    """FFmpeg would hold it until the time-out, by the hundred megabytes."""
    with ScriptedCamera(lambda _: said) as camera:
        error = opened(camera.url(), 30.0)
    assert isinstance(error, SourceLost)
    assert words in str(error)


def test_a_goodbye_reaches_the_camera() -> None:
    """Over UDP it would send on for a minute otherwise."""
    with ScriptedCamera(answers(OPTIONS=PUBLIC, TEARDOWN=PUBLIC)) as camera, relayed(camera) as relay:
        with dialled(relay) as player:
            player.sendall(request_to(relay.url))
            assert player.recv(4096)
            player.sendall(request_to(relay.url, "TEARDOWN"))
        relay.close()
        assert relay.failure is None
        # It has been sent; the camera's own thread still has to read it.
        wait_until(lambda: len(camera.received) == 2)
        assert [method_of(message) for message in camera.received] == ["OPTIONS", "TEARDOWN"]


def test_ffmpeg_sends_its_packets_over_udp_to_the_camera_alone() -> None:
    """A transport that names another source or destination does not make this box send there."""
    with udp_port("127.0.0.1") as own, udp_port("127.0.0.2", own.getsockname()[1]) as other:
        where = f"server_port={own.getsockname()[1]};source=127.0.0.2;destination=127.0.0.2"
        transport = f"Transport: RTP/AVP;unicast;client_port=9-10;{where}"
        described = answered("200 OK", "Content-Type: application/sdp", body=SDP + "a=control:t\r\n")
        script = answers(
            OPTIONS=PUBLIC, DESCRIBE=described, SETUP=answered("200 OK", transport, "Session: 1"), PLAY=PUBLIC
        )
        with ScriptedCamera(script) as camera:
            settings = CameraSettings("cam", "Cam", camera.url(), rtsp_transport="udp", open_timeout_s=0.5)
            with closing(StreamSource(settings, SystemClock(), threading.Event())) as source:
                source.open()
                assert select.select([own], [], [], 2)[0], "the packet that opens a router for the camera's"
        assert not select.select([other], [], [], 0)[0]


@contextmanager
def udp_port(host: str, port: int = 0) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, port))
        yield sock
