"""Names for browsers."""

import pytest

from backend.access.devices import device_name

_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) {_WEBKIT} Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 15; Pixel) {_WEBKIT} Chrome/140 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (f"Mozilla/5.0 (Windows NT 10.0) {_WEBKIT} Chrome/140 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("curl/8.5.0", "curl"),
        ("\x1b[31mEvil\u202e/1", "[31mEvil"),
        ("", ""),
    ],
)
def test_a_device_is_named_as_its_owner_would(agent: str, name: str) -> None:
    """Enough to tell the phone from the laptop in a list; never more than its letters."""
    assert device_name(agent) == name
