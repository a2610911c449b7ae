"""One-time invitations."""

import re

from backend.access.setup_codes import LIFETIME_S, TRIES, SetupCodes


def test_a_code_or_its_link_works_once() -> None:
    """Also as people type it: small letters, no hyphen, O for zero."""
    codes = SetupCodes()
    made = codes.make(0)
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}", made.code)
    typed = made.code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert codes.redeem(f" {typed} ", 1)
    assert not codes.redeem(made.code, 1)
    assert not codes.redeem(made.token, 1), "the link goes with the code"
    linked = codes.make(2)
    assert codes.redeem(linked.token, 3)
    assert not codes.is_open(linked.id, 3)


def test_a_code_lives_ten_minutes() -> None:
    """A log that is read later holds nothing that works."""
    codes = SetupCodes()
    early, late = codes.make(0), codes.make(1)
    assert not codes.redeem(early.code, LIFETIME_S)
    assert codes.is_open(late.id, LIFETIME_S)
    assert codes.redeem(late.code, LIFETIME_S)


def test_five_wrong_tries_end_the_code_and_leave_the_link() -> None:
    """Nobody guesses 40 bits in five tries, and nobody keeps the owner out by guessing."""
    codes = SetupCodes()
    made = codes.make(0)
    for _ in range(TRIES):
        assert not codes.redeem("0000-0000", 1)
    assert not codes.redeem(made.code, 1)
    assert codes.redeem(made.token, 1)
    fresh = codes.make(2)
    assert codes.redeem(fresh.code, 2), "a new code has tries of its own"
    assert codes.failures == TRIES + 1


def test_open_invitations_are_bounded_and_nonsense_is_no_code() -> None:
    """The oldest makes room."""
    codes = SetupCodes()
    first = codes.make(0)
    later = [codes.make(0) for _ in range(16)]
    assert not codes.is_open(first.id, 0)
    for nonsense in ("", "-", "x" * 10_000, "\u0660" * 8, first.code[:4]):
        assert not codes.redeem(nonsense, 0)
    assert codes.is_open(later[-1].id, 0)


def test_codes_and_links_stay_out_of_reprs() -> None:
    """A debugger's line in a log must not hold one."""
    made = SetupCodes().make(0)
    assert made.code not in repr(made)
    assert made.token not in repr(made)
