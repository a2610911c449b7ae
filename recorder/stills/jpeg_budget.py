"""Chooses the JPEG quality of a card's picture by its size in bytes. Pure.

Not here: encoding (`thumbnail`).
"""

from collections.abc import Callable

CARD_WIDTH_PX = 640
LEAST_BYTES, MOST_BYTES = 10 * 1024, 50_000
"""A page shows a hundred cards, so at most 50 KB each; below 10 KB a better quality costs almost nothing."""
USUAL_QUALITY = 85
WORST_QUALITY, BEST_QUALITY = 30, 95


def fitted(encode: Callable[[int], bytes]) -> bytes | None:
    """The picture at the quality that fits its size; None if even the worst is too large.

    `encode` encodes it at a given quality; a higher quality is never smaller. At most eight calls.
    """
    usual = encode(USUAL_QUALITY)
    if len(usual) > MOST_BYTES:
        return _best_that_fits(encode)
    if len(usual) < LEAST_BYTES:
        return _cheapest_that_is_large_enough(encode)
    return usual


def _best_that_fits(encode: Callable[[int], bytes]) -> bytes | None:
    found: bytes | None = None
    low, high = WORST_QUALITY, USUAL_QUALITY - 1
    while low <= high:
        middle = (low + high) // 2
        data = encode(middle)
        if len(data) <= MOST_BYTES:
            found, low = data, middle + 1
        else:
            high = middle - 1
    return found


def _cheapest_that_is_large_enough(encode: Callable[[int], bytes]) -> bytes:
    found = best = encode(BEST_QUALITY)
    low, high = USUAL_QUALITY + 1, BEST_QUALITY - 1
    while len(best) >= LEAST_BYTES and low <= high:
        middle = (low + high) // 2
        data = encode(middle)
        if len(data) >= LEAST_BYTES:
            found, high = data, middle - 1
        else:
            low = middle + 1
    # One step may jump from below the range to above it: then prefer too few bytes to too many.
    return found if len(found) <= MOST_BYTES else encode(USUAL_QUALITY)
