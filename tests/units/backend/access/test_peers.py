"""Hosts, origins and peers."""

from aiohttp.test_utils import make_mocked_request

from backend.access.peers import Hosts, is_loopback, own_names, page_scheme, split_host


def test_hosts_are_told_apart_by_name_and_port() -> None:
    """Same name, other port is another origin: another program on the same box."""
    hosts = Hosts(["cam.example.org:8443"], own_names("Box.example.lan"))
    assert all(
        map(hosts.allows, ["box", "box.local", "box.example.lan", "cam.example.org", "::1", "10.0.0.1"])
    )
    assert not any(map(hosts.allows, ["", "example.lan", "box.evil.com"]))
    assert hosts.allows_origin("http://box:8080", "box:8080")
    assert hosts.allows_origin("https://BOX", "box")
    assert hosts.allows_origin("https://cam.example.org:8443", "127.0.0.1:8080")
    for foreign in (
        "http://box:3000",
        "https://cam.example.org",
        "http://",
        "x",
        "http://box:99999",
        "http://[",
    ):
        assert not hosts.allows_origin(foreign, "box:8080"), foreign
    assert not hosts.allows_origin("http://evil.com:8080", "evil.com:8080")
    assert split_host("[fe80::1]:80") == ("fe80::1", 80)


def test_the_peer_address_of_a_real_connection_is_what_counts() -> None:
    """Loopback in all its spellings, and nothing that merely looks like it."""
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "localhost"]))
    assert not any(map(is_loopback, ["", "192.0.2.2", "::", "0.0.0.0", "127.0.0.1.com", "localhost.com"]))


def test_a_page_is_taken_for_a_secure_one_when_anything_says_so() -> None:
    """Behind a reverse proxy the connection is plain; a wrong guess only costs a detour."""
    plain: tuple[dict[str, str], ...] = (
        {},
        {"X-Forwarded-Proto": "http"},
        {"Referer": "http://box/https"},
        {"Forwarded": "proto=http"},
    )
    secure = (
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Proto": "HTTPS, http"},
        {"Forwarded": "for=10.0.0.1;proto=https"},
        {"Origin": "https://box"},
        {"Referer": "https://box/"},
    )
    for headers in plain:
        assert page_scheme(make_mocked_request("GET", "/", headers)) == "http", headers
    for headers in secure:
        assert page_scheme(make_mocked_request("GET", "/", headers)) == "https", headers
