"""Wrong keys are counted."""

from backend.access.attempts import Attempts


def test_attempts_are_counted_per_network_regained_with_time_and_bounded() -> None:
    """An IPv6 machine has a whole /64 to guess from; a million addresses cost no memory."""
    attempts = Attempts(burst=3, regain_s=10)
    assert [attempts.fail("192.0.2.1", 0) for _ in range(4)] == [False, False, False, True]
    assert attempts.fail("192.0.2.2", 0) is False
    assert attempts.fail("192.0.2.1", 20) is False
    assert [attempts.fail(f"2001:db8::{n}", 0) for n in range(4)] == [False, False, False, True]
    for number in range(5000):
        attempts.fail(f"10.0.{number // 256}.{number % 256}", 0)
    assert attempts.failures == 5010
