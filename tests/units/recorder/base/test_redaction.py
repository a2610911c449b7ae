"""What may be shown of an address, wherever a camera wants its password, and of text that strangers write."""

import time

import pytest

from recorder.base.errors import SourceLost
from recorder.base.redaction import MOST_SAID, one_line, redact, scrub, secrets_in, shown

ADDRESSES = [
    ("rtsp://10.0.0.9:554", "rtsp://10.0.0.9:554"),
    ("rtsp://10.0.0.9:554/", "rtsp://10.0.0.9:554/"),
    ("rtsp://10.0.0.9:554/canary/1", "rtsp://10.0.0.9:554/***"),
    ("RTSPS://admin:canary@10.0.0.9/live", "RTSPS://***@10.0.0.9/***"),
    ("http://canary-token-1@cam.lan/v", "http://***@cam.lan/***"),
    ("rtsp://a:p@canary@cam.lan", "rtsp://***@cam.lan"),
    ("rtsp://cam/s?user=admin&password=canary", "rtsp://cam/***"),
    ("rtsp://cam/user=admin_password=canary_channel=1_stream=0.sdp", "rtsp://cam/***"),
    ("http://cam/v;password=canary", "http://cam/***"),
    ("http://cam/v.cgi?loginuse=a&loginpas=canary", "http://cam/***"),
    ("http://cam#token=canary", "http://cam/***"),
    ("http://cam?canary", "http://cam/***"),
    ("rtsp://admin:canary@[fe80::1%eth0]:8554/a", "rtsp://***@[fe80::1%eth0]:8554/***"),
    # A raw delimiter in the password: shown is what can only be the host.
    ("rtsps://admin:can/ary@cam.lan/live", "rtsps://***@cam.lan/***"),
    ("rtsp://admin:12/canary@10.0.0.9/live", "rtsp://***@10.0.0.9/***"),
    ("https://admin:canary#x@10.0.0.9:1/v", "https://***@10.0.0.9:1/***"),
    ("rtsp://admin:canary?x@10.0.0.9:1/v", "rtsp://***@10.0.0.9:1/***"),
    ("http://cam/path@canary/video", "http://cam/***"),
    ("rtsp://10.0.0.9:554/a?mail=x@canary", "rtsp://***@10.0.0.9:554/***"),
    # What may be either shows neither.
    ("rtsp://cam:554/user=admin&password=p@canary", "rtsp://***"),
    ("rtsp://admin:canary@[::1/a", "rtsp://***"),
    ("rtsp://admin:canary", "rtsp://***"),
    ("rtsp:/admin:canary@h/a", "rtsp:***"),
    ("admin:canary@h", "***"),
    (
        "postgresql+psycopg://me:canary@db/hindsight?password=canary",
        "postgresql+psycopg://***@db/hindsight?***",
    ),
    ("file:/films/a.mp4", "file:/films/a.mp4"),
    ("synthetic?size=640x360", "synthetic?size=640x360"),
    ("/dev/v4l/by-id/usb-Cam-index0", "/dev/v4l/by-id/usb-Cam-index0"),
    ("0", "0"),
]
REMOTE = [address for address, _ in ADDRESSES if "canary" in address]


@pytest.mark.parametrize(("address", "seen"), ADDRESSES)
def test_of_an_address_scheme_and_host_are_shown(address: str, seen: str) -> None:
    """Nobody knows which part of the rest is a password; hiding twice changes nothing."""
    assert shown(address) == seen
    assert redact(seen) == seen


@pytest.mark.parametrize("address", [address for address in REMOTE if "://" in address or ":/" in address])
@pytest.mark.parametrize("sentence", ["Connecting to {}.", "({}), it failed", 'open "{}": no', "{}"])
def test_addresses_inside_text_are_reduced_alike(address: str, sentence: str) -> None:
    """Libraries repeat whole addresses; the sentence around them stays."""
    said = redact(sentence.format(address))
    assert "canary" not in said
    before, _, after = sentence.partition("{}")
    assert said.startswith(before)
    assert said.endswith(after)


@pytest.mark.parametrize("address", REMOTE)
def test_messages_of_libraries_are_scrubbed(address: str) -> None:
    """They repeat an address whole, or only what stands behind its host."""
    assert "canary" not in scrub(f"could not open {address}: refused", address)


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("rtsp://admin:p%40ss@cam/live", "p%40ss"),
        ("rtsp://admin:pa/ss@cam/live", "pa/ss"),
        ("rtsp://cam/user=admin_password=tlJwpbo6_channel=1.sdp", "tlJwpbo6"),
        ("rtsp://cam/user=admin_password=tl_wpbo6_channel=1.sdp", "tl_wpbo6_channel=1.sdp"),
        ("http://cam/v;password=tlJwpbo6", "tlJwpbo6"),
        ("http://cam/v?a=1&loginpas=tlJwpbo6#x", "tlJwpbo6"),
        ("http://cam/v#token=tlJwpbo6", "tlJwpbo6"),
        ("http://a-long-token-12@cam/v", "a-long-token-12"),
        ("postgresql://hindsight:tlJwpbo6@db/hindsight", "tlJwpbo6"),
    ],
)
def test_the_literals_of_an_address_are_known(address: str, secret: str) -> None:
    """For the places where a library quotes only a part of it."""
    assert secret in secrets_in(address)


def test_ordinary_words_of_an_address_are_no_secrets() -> None:
    """They would be blanked out in every line of the log."""
    for address in ("rtsp://admin@cam/live?channel=main&user=viewer", "synthetic", "/dev/video0", "0"):
        assert secrets_in(address) == set()


def test_what_was_hidden_before_keeps_the_sentence_around_it() -> None:
    """A text passes more than one net on its way out."""
    said = redact("GET /x?token=canary failed.")
    assert redact(said) == said == "GET /x?token=*** failed."
    assert "canary" not in redact("/x?token=***canary")
    for harmless in ("use rtsp://, http:// or file:", "file:/films/a.mp4", "sqlite:////srv/data/x.sqlite"):
        assert redact(harmless) == harmless


def test_control_characters_are_escaped_and_the_rest_stays() -> None:
    """Terminals obey them, log readers take a line break for a new record, bidi controls reorder the text."""
    hostile = "a\x1b]0;x\x07b\r\n2026 INFO c\x85d\u2028e\u202ef\u2066g\x7fh\tü…😀"
    assert one_line(hostile) == (r"a\x1b]0;x\x07b\r\n2026 INFO c\x85d\u2028e\u202ef\u2066g\x7fh\tü…😀")


def test_what_a_camera_says_is_one_bounded_line_in_every_error() -> None:
    """It stands in the state that pages show, and in the log at every try."""
    said = str(SourceLost(f"It sent \x1b[31m{'A' * 20_000}."))
    assert said.startswith(r"It sent \x1b[31mAAA")
    assert len(said) < MOST_SAID + 40
    assert said.endswith("more)")


@pytest.mark.parametrize(
    "text",
    ["a" * 200_000, "_user" * 40_000, "." * 200_000, "x://" + "a." * 100_000, "/" * 200_000, "@:" * 99_999],
)
def test_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    """A search that goes quadratic would stop the loop for minutes; linear takes milliseconds."""
    begun_s = time.process_time()
    redact(text)
    shown(f"rtsp://{text}")
    assert time.process_time() - begun_s < 5
