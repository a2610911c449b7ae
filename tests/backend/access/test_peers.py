"""Hosts, origins and peers."""

from backend.access.peers import Hosts, is_loopback, own_names, split_host


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
