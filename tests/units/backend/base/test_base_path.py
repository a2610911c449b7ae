"""The path below which the daemon is reached: what it may be, and where it is put."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.base.base_path import LONGEST, OWN_ROOTS, below, checked_base_path, without
from backend.base.shipped import CHECK_PAGE

HARMLESS = set(string.ascii_letters + string.digits + "/._~-")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", ""),
        ("/", ""),
        ("/hindsight", "/hindsight"),
        ("/hindsight/", "/hindsight"),
        ("/house/cams/hindsight_2", "/house/cams/hindsight_2"),
        ("/api/hassio_ingress/J8-_x0aB", "/api/hassio_ingress/J8-_x0aB"),
        ("/apis", "/apis"),
    ],
)
def test_a_path_is_kept_without_the_slash_at_its_end(text: str, path: str) -> None:
    """People write it with and without."""
    assert checked_base_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        *(
            "hindsight",
            "//evil.example.org",
            "/\\evil.example.org",
            "///",
            "/a//b",
            "/a/../b",
            "/..",
            "/.",
            "/.git",
        ),
        *(
            "https://evil.example.org",
            "javascript:alert(1)",
            "/a:b",
            "/a@b",
            "/a?b",
            "/a#b",
            "/a%2fb",
            "/a b",
        ),
        *(
            '/"><script>',
            "/'",
            "/a;Secure",
            "/a, /b",
            "/a\r\nSet-Cookie: b=c",
            "/a\n",
            "/a\0",
            "/ä",
            "/\u2028",
        ),
        *("/a" * LONGEST, "/api", "/api/clips", "/api/hassio_ingress", "/live/front", "/replay", "/assets/x"),
        f"/{CHECK_PAGE}",
    ],
)
def test_what_could_mean_more_than_a_path_is_refused(text: str) -> None:
    """In an address, a cookie, a header, a page or JSON; and what is an address of the daemon's own."""
    with pytest.raises(ValueError, match="must"):
        checked_base_path(text)


@given(st.text(max_size=300) | st.text(alphabet="/.:%\\\r\n aB\"'<;,@", max_size=20).map("/".__add__))
def test_whatever_is_sent_only_a_harmless_path_is_taken(text: str) -> None:
    """It stays on this host, is a path, and ends no header, attribute or string."""
    try:
        path = checked_base_path(text)
    except ValueError:
        return
    assert set(path) <= HARMLESS
    assert len(path) <= LONGEST
    assert path == "" or (path[0] == "/" and path[1] not in "/\\" and not path.endswith("/"))
    assert not {".", "..", ""} & set(path.split("/")[1:])
    assert path == "" or path.startswith("/api/hassio_ingress/") or path.split("/")[1] not in OWN_ROOTS


def test_an_address_of_ours_gets_the_base_once() -> None:
    """The store's are whole, and one that goes to another host by itself is not ours."""
    for address in ("/api/clips", "/", "/hindsight-2/x"):
        assert below("/hindsight", address) == f"/hindsight{address}"
        assert below("", address) == address
    for address in ("/hindsight", "/hindsight/api", "https://store.example.org/a", "//evil", "", "#a"):
        assert below("/hindsight", address) == address


@pytest.mark.parametrize(
    ("base", "path", "own"),
    [
        ("/hindsight", "/hindsight/api/clips", "/api/clips"),
        ("/hindsight", "/api/clips", "/api/clips"),
        ("/hindsight", "/hindsight", "/"),
        ("/hindsight", "/hindsight/", "/"),
        ("/hindsight", "/hindsight-2/api", "/hindsight-2/api"),
        ("/rep", "/replay/x.mp4", "/replay/x.mp4"),
        ("", "/api/clips", "/api/clips"),
    ],
)
def test_a_requests_path_is_known_with_the_base_and_without(base: str, path: str, own: str) -> None:
    """A base is whole parts of a path, not letters."""
    assert without(base, path) == own
