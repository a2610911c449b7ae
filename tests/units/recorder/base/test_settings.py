"""Memory is shared max-min fair: small wishes are met, large ones divide what is left."""

from hypothesis import given
from hypothesis import strategies as st

from recorder.base.settings import BufferSettings, CameraSettings, share_bytes, share_memory


@given(st.lists(st.integers(0, 1000), max_size=8), st.integers(0, 3000))
def test_shares_never_exceed_wish_or_total_and_waste_nothing(wanted: list[int], total: int) -> None:
    """Whatever is wanted: no ring gets more than it asked, and nothing is left while one wants more."""
    shares = share_bytes(wanted, total)
    assert all(share <= wish for share, wish in zip(shares, wanted, strict=True))
    assert sum(shares) == min(total, sum(wanted))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=8), st.integers(0, 3000))
def test_nobody_gets_less_while_another_gets_more_than_an_equal_share(wanted: list[int], total: int) -> None:
    """A ring that is cut short has at most one byte less than any other."""
    shares = share_bytes(wanted, total)
    cut_short = [share for share, wish in zip(shares, wanted, strict=True) if share < wish]
    assert all(max(shares) - share <= 1 for share in cut_short)


@given(st.lists(st.integers(0, 1000), max_size=8), st.integers(0, 3000))
def test_rings_and_the_replays_beside_them_stay_within_the_total(wanted: list[int], total: int) -> None:
    """Open replays cost no memory beyond the bound of all cameras, and no ring its bytes."""
    shares = share_memory(wanted, total)
    assert all(share <= wish for share, wish in zip(shares, wanted, strict=True))
    assert sum(share + BufferSettings(max_bytes=share).most_pinned_bytes for share in shares) <= total
    if sum(wish + wish // 4 for wish in wanted) <= total:
        assert shares == wanted


def test_settings_do_not_print_the_source() -> None:
    """A camera URL may hold a password; `repr` ends up in logs."""
    assert "canary" not in repr(CameraSettings("front", "Front", "rtsp://user:canary@camera/1"))
