"""Wrong keys and codes are counted and logged."""

import logging
import re

import pytest

from backend.access.attempts import Attempts

WRONG = "wrong access key"


def test_attempts_are_counted_per_network_regained_with_time_and_bounded() -> None:
    """An IPv6 machine has a whole /64 to guess from; a million addresses cost no memory."""
    attempts = Attempts(burst=3, regain_s=10)
    assert [attempts.fail("192.0.2.1", 0, WRONG) for _ in range(4)] == [False, False, False, True]
    assert attempts.fail("192.0.2.2", 0, WRONG) is False
    assert attempts.fail("192.0.2.1", 20, WRONG) is False
    assert [attempts.fail(f"2001:db8::{n}", 0, WRONG) for n in range(4)] == [False, False, False, True]
    for number in range(5000):
        attempts.fail(f"10.0.{number // 256}.{number % 256}", 0, WRONG)
    assert attempts.failures == 5010


def test_failed_sign_ins_are_logged_with_their_address_at_most_sixty_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """fail2ban reads the lines; a stranger who guesses day and night does not fill the disk with them."""
    attempts = Attempts()
    with caplog.at_level(logging.WARNING):
        for number in range(1000):
            attempts.fail("203.0.113.9", number / 1000, WRONG)
        attempts.fail("2001:db8::7", 61, WRONG)
    lines = [record.getMessage() for record in caplog.records]
    assert 60 <= len(lines) <= 62
    assert all(re.match(r"sign-in refused from \S+: wrong access key", line) for line in lines)
    assert lines[-1].startswith("sign-in refused from 2001:db8::7")
    assert "more were not logged" in lines[-1]
