"""Where people find the daemon: the keys of `server`, and their errors."""

import pytest
from pydantic import ValidationError

from backend.config.server import ServerConfig


def _server(**keys: object) -> ServerConfig:
    return ServerConfig.model_validate(keys)


@pytest.mark.parametrize(
    ("url", "kept", "base"),
    [
        ("https://cam.example.org", "https://cam.example.org", ""),
        ("https://Cam.Example.org:443/", "https://cam.example.org", ""),
        ("http://house:8080/hindsight/", "http://house:8080/hindsight", "/hindsight"),
        ("https://[2001:db8::7]:8443/a/b", "https://[2001:db8::7]:8443/a/b", "/a/b"),
        ("", None, ""),
        (None, None, ""),
    ],
)
def test_the_path_of_the_external_address_is_the_base(url: str | None, kept: str | None, base: str) -> None:
    """One key says it all; it is kept as browsers write it."""
    server = _server(external_url=url)
    assert (server.external_url, server.base) == (kept, base)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "cam.example.org",
            "ftp://cam.example.org",
            "https://",
            "https://user@cam.example.org",
            "https://a b",
        ),
        *(
            "https://cam.example.org?x",
            "https://cam.example.org/#a",
            "https://cam.example.org//evil",
            "https:///a",
        ),
        *("https://cam.example.org/a?b", "https://cam.example.org/../b", "https://cam.example.org/api"),
        *(
            "https://cam.example.org:99999",
            "https://cam.example.org\n",
            "//cam.example.org",
            "javascript:alert(1)",
        ),
    ],
)
def test_what_is_no_address_of_a_page_is_refused_without_repeating_it(url: str) -> None:
    """Links and QR codes are made of it."""
    with pytest.raises(ValidationError) as caught:
        _server(external_url=url)
    assert caught.value.errors()[0]["loc"] == ("external_url",)
    assert "must" in caught.value.errors()[0]["msg"]


def test_the_base_comes_from_its_own_key_and_does_not_contradict_the_address() -> None:
    """Two paths would mean that every link is wrong."""
    assert _server(base_path="/hindsight/").base == "/hindsight"
    assert _server(base_path="/hindsight", external_url="https://house/hindsight").base == "/hindsight"
    for url in ("https://house", "https://house/other"):
        with pytest.raises(ValidationError, match="external_url must end with base_path"):
            _server(base_path="/hindsight", external_url=url)
    with pytest.raises(ValidationError, match="must be a path such as /hindsight"):
        _server(base_path="hindsight")


def test_frames_are_for_origins_only() -> None:
    """A list with a wildcard, a path or a directive of its own would let in more than it says."""
    given = ["self", "'self'", "http://HomeAssistant.local:8123/", "https://ha.example.org:443"]
    kept = ("'self'", "http://homeassistant.local:8123", "https://ha.example.org")
    assert _server(frame_ancestors=given).frame_ancestors == kept
    bad = [
        "*",
        "https://*.example.org",
        "https:",
        "none",
        "ha.example.org",
        "https://ha/x",
        "'none'; script-src *",
    ]
    for origin in bad:
        with pytest.raises(ValidationError, match="number 1 must be an origin"):
            _server(frame_ancestors=[origin])
