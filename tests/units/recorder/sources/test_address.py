"""An address is taken apart once, and what cannot be one is refused with its cure."""

import pytest

from recorder.base.errors import SourceUnsupported
from recorder.sources.address import camera_address


@pytest.mark.parametrize(
    ("address", "place", "uri", "account"),
    [
        ("rtsp://cam", ("rtsp", "cam", 554), "rtsp://cam:554", None),
        ("RTSPS://Cam.LAN./a", ("rtsps", "cam.lan", 322), "rtsps://Cam.LAN.:322/a", None),
        ("rtsp://u:p@cam:8554/a?b=c#d", ("rtsp", "cam", 8554), "rtsp://cam:8554/a?b=c#d", ("u", "p")),
        ("rtsp://u:p%2F%40@cam/a", ("rtsp", "cam", 554), "rtsp://cam:554/a", ("u", "p/@")),
        ("rtsp://u:p@q@cam/a", ("rtsp", "cam", 554), "rtsp://cam:554/a", ("u", "p@q")),
        (
            "rtsp://u@[fe80::1%eth0]:1/ü x",
            ("rtsp", "fe80::1%eth0", 1),
            "rtsp://[fe80::1%eth0]:1/%C3%BC%20x",
            ("u", ""),
        ),
        ("http://cam/path@home/v", ("http", "cam", 80), "http://cam:80/path@home/v", None),
    ],
)
def test_the_parts_are_those_that_clients_agree_on(
    address: str, place: tuple[str, str, int], uri: str, account: tuple[str, str] | None
) -> None:
    """The URI of a request holds no account, and no byte that ends a line or a field."""
    found = camera_address(address)
    assert (found.place, found.uri) == (place, uri)
    assert (found.account and (found.account.user, found.account.password)) == account
    assert "p@q" not in repr(found)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://u:canary/x@cam/a", "rtsp://u:canary#@cam", "rtsp://u:canary@[::1/a", "rtsp://u:canary@cam:99999/",
        "rtsp://u:canary@cam:0/", "rtsp://u:canary@/a", "rtsp://u:canary@c am/a", "ftp://u:canary@cam/a", "",
        "rtsp://cam\r\nX: canary/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_not_repeated(address: str) -> None:
    """The sentence says how a password with delimiters is written."""
    with pytest.raises(SourceUnsupported, match=r"is no address.*%2F %3F %23 %40") as refused:
        camera_address(address)
    assert "canary" not in str(refused.value)
