"""What the page takes for a code, a link, a key, and an encrypted address: its pure modules, in a browser."""

from typing import Any

import pytest
from playwright.sync_api import Page


@pytest.mark.parametrize(("kind", "taken"), [("code", "s3cret"), ("key", None)])
def test_what_signs_in_leaves_the_address_at_once(
    run: Any, modules_page: Page, kind: str, taken: str | None
) -> None:
    """Nobody reads it over a shoulder. A key is taken out as well, and of no use there."""
    modules_page.evaluate(f"location.hash = '#{kind}=s3cret'")
    assert run("router.js", "return m.takeCode();") == {"code": taken}
    assert "s3cret" not in modules_page.url
    assert run("router.js", "return m.takeCode();") is None


KEY = "b-64_" * 8 + "key"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("ABCD-EFGH", {"code": "ABCDEFGH"}),
        (" abcd efgh\n", {"code": "abcdefgh"}),
        ("abcd\u2011efgh", {"code": "abcdefgh"}),
        ("http://box:8080/#code=to-ken_1 ", {"code": "to-ken_1"}),
        (KEY, {"key": KEY}),
        (f"  {KEY}\n", {"key": KEY}),
        (f"http://box:8080/#key={KEY}", {"key": KEY}),
        ("ABCD-EFG", None),
        ("ABCD-EFGH1", None),
        ("http://box:8080/#code=", None),
        ("", None),
    ],
)
def test_a_field_takes_a_code_a_link_or_the_key(run: Any, typed: str, read: Any) -> None:
    """What is none of them is not worth one of the five tries."""
    assert run("credentials.js", "return m.readCredential(args[0]);", typed) == read


def test_only_what_cannot_be_a_code_is_hidden_like_a_password(run: Any) -> None:
    """A code is read while it is typed; a key is nobody's to read."""
    typed = ["", "ABCD-EFGH", "ABCD EFGH", "ABCD-EFGH1", KEY, "http://box/#code=token"]
    found = run("credentials.js", "return args[0].map(m.isBeyondCode);", typed)
    assert found == [False, False, False, True, True, False]


@pytest.mark.parametrize(
    ("address", "readable"),
    [
        ("http://192.168.1.5:8080", True),
        ("http://box.local:8080", True),
        ("http://localhost.example.org", True),
        ("http://1270.0.0.1.example.org", True),
        ("http://[fe80::1]:8080", True),
        ("https://192.168.1.5", False),
        ("http://localhost:8080", False),
        ("http://cam.localhost:8080", False),
        ("http://127.0.0.1:8080", False),
        ("http://127.9.9.9", False),
        ("http://[::1]:8080", False),
    ],
)
def test_an_address_that_others_can_read_along_is_known(run: Any, address: str, readable: bool) -> None:
    """Plain http, unless it never leaves this machine."""
    assert run("encryption.js", "return m.isReadableOnTheWay(new URL(args[0]));", address) is readable
