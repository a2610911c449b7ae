"""The quality of a card's picture follows from its size."""

from hypothesis import given
from hypothesis import strategies as st

from recorder.stills.jpeg_budget import (
    BEST_QUALITY,
    LEAST_BYTES,
    MOST_BYTES,
    USUAL_QUALITY,
    WORST_QUALITY,
    fitted,
)


@given(st.lists(st.integers(200, 300_000), min_size=100, max_size=100).map(sorted))
def test_a_card_has_the_best_quality_that_fits(sizes: list[int]) -> None:
    """10 to 50 KB where any quality gives that; the usual one when it does; never more than 50 KB."""
    asked: list[int] = []

    def encode(quality: int) -> bytes:
        asked.append(quality)
        return bytes(sizes[quality])

    data = fitted(encode)
    assert len(asked) <= 8
    fitting = [q for q in range(WORST_QUALITY, BEST_QUALITY + 1) if LEAST_BYTES <= sizes[q] <= MOST_BYTES]
    if data is None:
        assert sizes[WORST_QUALITY] > MOST_BYTES
    elif LEAST_BYTES <= sizes[USUAL_QUALITY] <= MOST_BYTES:
        assert asked == [USUAL_QUALITY]
    elif fitting:
        assert len(data) in {sizes[fitting[-1]], sizes[fitting[0]]}
    else:
        assert len(data) <= MOST_BYTES
