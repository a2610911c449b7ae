"""Who the client is, behind proxies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.access.proxies import Proxies, network_of

NEAR = Proxies(["127.0.0.1", "172.16.0.0/12", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "headers", "client"),
    [
        ("203.0.113.1", ["198.51.100.1"], "203.0.113.1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("127.0.0.1", ["1.1.1.1, 198.51.100.1, 172.17.0.2"], "198.51.100.1"),
        ("127.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
        ("127.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("127.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["127.0.0.1"], "127.0.0.1"),
        ("127.0.0.1", ["", " , "], "127.0.0.1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_the_client_is_the_last_hop_that_is_no_trusted_proxy(
    peer: str, headers: list[str], client: str
) -> None:
    """What a stranger writes into the header stands left of what the proxies append."""
    assert NEAR.client_of(peer, headers) == client


@given(st.lists(st.text(alphabet="0123456789.:,[] a%", max_size=40), max_size=4))
def test_whatever_a_client_sends_the_hop_that_the_proxy_saw_is_found(sent: list[str]) -> None:
    """Nobody chooses the address under which they are counted."""
    assert NEAR.client_of("127.0.0.1", [*sent, "198.51.100.1"]) == "198.51.100.1"


@given(st.lists(st.text(max_size=40), max_size=4))
def test_a_header_of_a_peer_that_is_not_trusted_changes_nothing(sent: list[str]) -> None:
    """Neither does one that is no address."""
    assert NEAR.client_of("192.0.2.1", sent) == "192.0.2.1"


def test_one_machine_is_counted_as_one() -> None:
    """An IPv6 machine has 2^64 addresses, a dual-stack socket shows IPv4 as IPv6."""
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")


def test_what_is_no_network_is_refused() -> None:
    """A typing mistake must not trust the whole world."""
    with pytest.raises(ValueError, match="nowhere"):
        Proxies(["nowhere"])


@pytest.mark.parametrize(
    ("peer", "ingress", "prefix", "base"),
    [
        ("127.0.0.1", [], ["/hindsight"], "/hindsight"),
        ("127.0.0.1", ["/api/hassio_ingress/x"], ["/hindsight"], "/api/hassio_ingress/x"),
        ("127.0.0.1", [], ["/"], ""),
        ("127.0.0.1", [], [], None),
        ("192.0.2.1", ["/hindsight"], ["/hindsight"], None),
        ("192.0.2.1", ["//evil"], [], None),
        ("", [], ["/hindsight"], None),
    ],
)
def test_only_a_trusted_proxy_names_the_path_it_took_off(
    peer: str, ingress: list[str], prefix: list[str], base: str | None
) -> None:
    """None: as configured."""
    assert NEAR.base_path_of(peer, [ingress, prefix]) == base


@pytest.mark.parametrize(
    "sent", [["//evil"], ["/a", "/b"], ["/a, /b"], ["https://evil.example.org"], ["/a\r\nb"]]
)
def test_a_path_that_is_none_is_an_error_to_be_told(sent: list[str]) -> None:
    """The log says why the proxy's header is ignored."""
    with pytest.raises(ValueError, match="must"):
        NEAR.base_path_of("127.0.0.1", [[], sent])
