"""What FFmpeg gets to see of a camera, and what the camera gets to see of us."""

import hashlib

import pytest

from recorder.base.errors import SourceLost, SourceUnsupported
from recorder.sources.address import camera_address
from recorder.sources.rtsp.conversation import Conversation, Reply
from recorder.sources.rtsp.messages import Message, ProtocolError, Splitter

DOOR = "rtsp://127.0.0.1:40000/token"
SDP = (
    "v=0\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=control:track1\r\na=control:again\r\n"
    "m=audio 0 RTP/AVP 0\r\na=control:rtsp://inside.lan:22/track2\r\nm=application 0 RTP/AVP 107\r\n"
)


def message_in(data: bytes) -> Message:
    [message] = Splitter().feed(data)
    assert isinstance(message, Message)
    return message


class Talk:
    """A conversation, from both ends."""

    def __init__(self, source: str = "rtsp://cam:8554/live?x=1", peer: str = "192.0.2.7") -> None:
        self.conversation = Conversation(camera_address(source), peer, DOOR, lambda: "abc")
        self._number = 0

    def request(self, method: str, place: str = "", *headers: tuple[str, str]) -> Message:
        """What the camera receives for a request of FFmpeg."""
        self._number += 1
        numbered = (("CSeq", str(self._number)), *headers)
        return message_in(
            self.conversation.from_player(Message(f"{method} {DOOR}{place} RTSP/1.0", numbered))
        )

    def response(self, asked: Message, status: str, *headers: tuple[str, str], body: str = "") -> Reply:
        """What follows from the camera's response to what it received."""
        numbered = (("CSeq", asked.get("cseq") or ""), *headers)
        return self.conversation.from_camera(Message(f"RTSP/1.0 {status}", numbered, body.encode()))

    def described(self, *headers: tuple[str, str], body: str = SDP) -> Message:
        return message_in(self.response(self.request("DESCRIBE"), "200 OK", *headers, body=body).to_player)


def uri_of(message: Message) -> str:
    assert message.request is not None
    return message.request[1]


def test_ffmpeg_sees_addresses_of_the_relay_only_and_the_camera_its_own() -> None:
    """Streams are numbers for FFmpeg; whatever host they name, their requests go to this camera."""
    talk = Talk()
    assert uri_of(talk.request("OPTIONS")) == "rtsp://cam:8554/live?x=1"
    seen = talk.described(
        ("Content-Base", "rtsp://10.9.9.9/live/"), ("Server", "WMServer/9"), ("Location", "x")
    )
    assert seen.body.decode().split("\r\n") == [
        "v=0", "m=video 0 RTP/AVP 96", "a=control:0", "m=audio 0 RTP/AVP 0", "a=control:1",
        "m=application 0 RTP/AVP 107", "",
    ]  # fmt: skip
    assert {name for name, _ in seen.headers} == {"CSeq", "Content-Type", "Content-Length"}
    assert uri_of(talk.request("SETUP", "/0")) == "rtsp://10.9.9.9/live/track1"
    assert uri_of(talk.request("SETUP", "/1")) == "rtsp://inside.lan:22/track2"
    assert uri_of(talk.request("PLAY")) == "rtsp://10.9.9.9/live/"
    talk.described(body="a=control:rtsp://cam/all\r\nm=video 0 RTP/AVP 96\r\na=control:t=1\r\n")
    assert uri_of(talk.request("SETUP", "/0")) == "rtsp://cam/all/t=1"
    assert uri_of(talk.request("TEARDOWN")) == "rtsp://cam/all"


@pytest.mark.parametrize("place", ["/2", "/x", "x", "/../1", "/-1", "/00000"])
def test_an_address_that_was_not_given_is_not_requested(place: str) -> None:
    """The door and the streams of the description, nothing else."""
    talk = Talk()
    talk.described()
    with pytest.raises(ProtocolError):
        talk.request("SETUP", place)
    with pytest.raises(ProtocolError):
        talk.conversation.from_player(Message("OPTIONS rtsp://127.0.0.1:1/ RTSP/1.0"))


def test_only_who_knows_the_door_is_let_in() -> None:
    """Other users of this machine can reach the port as well."""
    talk = Talk()
    for start, is_known in (
        (f"OPTIONS {DOOR} RTSP/1.0", True),
        ("OPTIONS rtsp://127.0.0.1:40000/ RTSP/1.0", False),
        (f"OPTIONS {DOOR[:-1]} RTSP/1.0", False),
        ("OPTIONS * RTSP/1.0", False),
        ("RTSP/1.0 200 OK", False),
    ):
        assert talk.conversation.knows(Message(start)) is is_known


@pytest.mark.parametrize(
    "location",
    [
        "rtsp://127.0.0.1:8554/live", "rtsp://cam:8555/live", "rtsp://cam/live", "rtsps://cam:8554/live",
        "http://cam:8554/", "file:///etc/passwd", "rtsp://cam:8554@127.0.0.1/", "rtsp://u:canary@other/canary",
        "//other/live", "rtsp://[::1]:8554/", "rtsp://cam.evil:8554/", "rtsp:/other", "",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "305 Use Proxy", "399 Odd"])
def test_a_redirect_to_another_place_ends_the_connection(location: str, status: str) -> None:
    """Also one that comes late, or where a stream is set up; FFmpeg would follow it with the password."""
    talk = Talk("rtsp://keeper:c4nary@cam:8554/live")
    asked = talk.request("DESCRIBE")
    with pytest.raises(SourceUnsupported, match="sends us on to") as refused:
        talk.response(asked, status, ("Location", location))
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("location", "uri"),
    [
        ("rtsp://cam:8554/other", "rtsp://cam:8554/other"),
        ("RTSP://someone:else@CAM:8554/other?y=2", "rtsp://cam:8554/other?y=2"),
        ("rtsp://192.0.2.7:8554/other", "rtsp://cam:8554/other"),
        ("/other", "rtsp://cam:8554/other"),
    ],
)
def test_another_path_of_the_same_server_is_requested_instead(location: str, uri: str) -> None:
    """By its name or its number; FFmpeg does not notice. Not for ever, and not once there are streams."""
    talk = Talk()
    again = message_in(talk.response(talk.request("DESCRIBE"), "302 Found", ("Location", location)).to_camera)
    assert uri_of(again) == uri
    for _ in range(2):
        again = message_in(talk.response(again, "302 Found", ("Location", location)).to_camera)
    with pytest.raises(SourceLost, match="keeps sending us on"):
        talk.response(again, "302 Found", ("Location", location))
    with pytest.raises(SourceLost, match="keeps sending us on"):
        other = Talk()
        other.described()
        other.response(other.request("SETUP", "/0"), "302 Found", ("Location", location))


def test_basic_is_answered_on_this_side_and_goes_with_every_later_request() -> None:
    """FFmpeg neither has the password nor sees the challenge."""
    talk = Talk("rtsp://keeper:c4nary@cam/live")
    asked = talk.request("OPTIONS", "", ("Authorization", "Basic forged"))
    assert asked.get("authorization") is None
    reply = talk.response(asked, "401 Unauthorized", ("WWW-Authenticate", 'Basic realm="x"'))
    assert reply.to_player == b""
    again = message_in(reply.to_camera)
    assert again.get("authorization") == "Basic a2VlcGVyOmM0bmFyeQ=="
    assert again.get("cseq") != asked.get("cseq")
    seen = message_in(talk.response(again, "200 OK", ("Public", "PLAY")).to_player)
    assert (seen.get("cseq"), seen.get("public")) == ("1", "PLAY")
    assert talk.request("DESCRIBE").get("authorization") == "Basic a2VlcGVyOmM0bmFyeQ=="


@pytest.mark.parametrize(("algorithm", "hash_name"), [("MD5", "md5"), ("SHA-256", "sha256")])
def test_digest_fits_the_camera_s_own_address_and_counts(algorithm: str, hash_name: str) -> None:
    """It covers the URI, so it is made where the URI is the camera's own; each use of a nonce is counted."""

    def hashed(text: str) -> str:
        return hashlib.new(hash_name, text.encode(), usedforsecurity=False).hexdigest()

    talk = Talk("rtsp://keeper:c4nary@cam/live")
    challenge = f'Digest realm="r", nonce="n", algorithm={algorithm}, qop="auth"'
    reply = talk.response(talk.request("OPTIONS"), "401 No", ("WWW-Authenticate", challenge))
    talk.response(message_in(reply.to_camera), "200 OK")
    talk.described()
    given = talk.request("SETUP", "/0").get("authorization") or ""
    secret, asked = hashed("keeper:r:c4nary"), hashed("SETUP:rtsp://cam:554/live/track1")
    assert f'response="{hashed(f"{secret}:n:00000003:abc:auth:{asked}")}"' in given
    assert 'uri="rtsp://cam:554/live/track1"' in given


def test_a_stale_nonce_is_answered_again_and_a_wrong_password_is_not() -> None:
    """Also for a sign of life after an hour. FFmpeg only hears of the refusal, without a challenge."""
    talk = Talk("rtsp://keeper:c4nary@cam/live")
    digest = 'Digest realm="r", nonce="{}"{}'
    first = talk.response(talk.request("OPTIONS"), "401 No", ("WWW-Authenticate", digest.format("n1", "")))
    talk.response(message_in(first.to_camera), "200 OK")
    later = talk.request("GET_PARAMETER")
    assert 'nonce="n1"' in (later.get("authorization") or "")
    stale = talk.response(later, "401 No", ("WWW-Authenticate", digest.format("n2", ", stale=true")))
    again = message_in(stale.to_camera)
    assert 'nonce="n2"' in (again.get("authorization") or "")
    refused = talk.response(again, "401 No", ("WWW-Authenticate", digest.format("n3", "")))
    assert refused.to_camera == b""
    seen = message_in(refused.to_player)
    assert (seen.status, seen.get("www-authenticate")) == (401, None)


def test_a_camera_that_always_calls_the_nonce_stale_is_given_up() -> None:
    """The answers end, however it is asked."""
    talk = Talk("rtsp://keeper:c4nary@cam/live")
    asked, sent = talk.request("OPTIONS"), 0
    stale = ("WWW-Authenticate", 'Digest realm="r", nonce="n", stale=true')
    while (reply := talk.response(asked, "401 No", stale)).to_camera:
        asked, sent = message_in(reply.to_camera), sent + 1
    assert sent == 2
    assert message_in(reply.to_player).status == 401


def test_without_an_account_a_challenge_is_a_refusal() -> None:
    """There is nothing to answer with."""
    talk = Talk()
    reply = talk.response(talk.request("OPTIONS"), "401 No", ("WWW-Authenticate", "Basic"))
    assert message_in(reply.to_player).status == 401


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (
            "RTP/AVP;unicast;destination=10.0.0.1;source=127.0.0.1;client_port=5000-5001;server_port=22-23;ssrc=1",
            ["RTP/AVP;unicast;client_port=5000-5001;server_port=22-23;source=192.0.2.7"],
        ),
        (
            "RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=6970-6971",
            ["RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=6970-6971;source=192.0.2.7"],
        ),
        ("RTP/AVP/TCP; unicast; interleaved=0-1; source=127.0.0.1", ["RTP/AVP/TCP;unicast;interleaved=0-1"]),
        ("RTP/AVP;multicast;destination=239.0.0.1;port=5000-5001", []),
        ("RTP/AVP/TCP;interleaved=0-1,RTP/AVP;source=127.0.0.1", []),
        ("x-real-rdt/udp;source=127.0.0.1", []),
        ("", []),
    ],
)
def test_over_udp_reports_go_to_the_camera_and_nowhere_else(given: str, seen: list[str]) -> None:
    """FFmpeg sends RTCP to the `source` of the transport; without one, to the peer of its connection."""
    talk = Talk()
    talk.described()
    reply = talk.response(
        talk.request("SETUP", "/0"), "200 OK", ("Transport", given), ("Session", "7;timeout=9")
    )
    message = message_in(reply.to_player)
    assert message.all("transport") == seen
    assert message.get("session") == "7;timeout=9"


def test_the_times_of_the_streams_keep_their_streams() -> None:
    """FFmpeg finds them by the addresses it knows."""
    talk = Talk()
    talk.described()
    info = "url=rtsp://cam:8554/live?x=1/track1;seq=1;rtptime=5,url=rtsp://other/x;seq=2"
    seen = message_in(talk.response(talk.request("PLAY"), "200 OK", ("RTP-Info", info)).to_player)
    assert seen.get("rtp-info") == f"url={DOOR}/0;seq=1;rtptime=5,url=-;seq=2"


def test_requests_of_the_camera_are_answered_and_never_reach_ffmpeg() -> None:
    """A sign of life is fine; REDIRECT and ANNOUNCE are not for a viewer."""
    talk = Talk()
    for method, status in (("OPTIONS", 200), ("REDIRECT", 501), ("ANNOUNCE", 501)):
        asked = Message(f"{method} rtsp://127.0.0.1/ RTSP/1.0", (("CSeq", "9"), ("Location", "rtsp://x/")))
        reply = talk.conversation.from_camera(asked)
        assert reply.to_player == b""
        answer = message_in(reply.to_camera)
        assert (answer.status, answer.get("cseq"), answer.get("location")) == (status, "9", None)


def test_responses_without_a_request_are_dropped_and_wrong_numbers_forgiven() -> None:
    """Cheap firmware counts wrongly, but answers in order; what is waited for stays bounded."""
    talk = Talk()
    assert talk.conversation.from_camera(Message("RTSP/1.0 200 OK")) == Reply()
    asked = talk.request("OPTIONS")
    assert talk.response(asked, "100 Continue") == Reply()
    assert message_in(talk.conversation.from_camera(Message("RTSP/1.0 200 OK")).to_player).get("cseq") == "1"
    for _ in range(100):
        talk.request("OPTIONS")
    assert len(talk.conversation._waiting) <= 16
