"""Sizes of turned pictures."""

import pytest

from recorder.bitstream.access_unit import upright_size


@pytest.mark.parametrize(
    ("rotation_deg", "size"), [(0, (640, 360)), (90, (360, 640)), (180, (640, 360)), (270, (360, 640))]
)
def test_a_quarter_turn_swaps_width_and_height(rotation_deg: int, size: tuple[int, int]) -> None:
    """What a person sees is what the row and the page say."""
    assert upright_size(640, 360, rotation_deg) == size
