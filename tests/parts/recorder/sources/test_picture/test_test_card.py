"""The frame counter every other test relies on to tell which picture it is looking at."""

import cv2
import numpy as np
import pytest

from recorder.sources.test_picture.test_card import COUNTER_MODULUS, TestCard, draw_counter, read_counter

NUMBERS = (0, 1, 1799, 0x555555, 0xAAAAAA, COUNTER_MODULUS - 1)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("size", [(640, 360), (854, 480), (1280, 720), (1920, 1080)])
def test_a_counter_reads_back_as_it_was_drawn(number: int, size: tuple[int, int]) -> None:
    """Also where the width is no multiple of the number of cells."""
    picture = np.full((size[1], size[0], 3), 90, dtype=np.uint8)
    draw_counter(picture, number)
    assert read_counter(picture) == number


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("width", [160, 240, 320, 1000])
def test_a_counter_survives_scaling_and_hard_jpeg(number: int, width: int) -> None:
    """Thumbnails are small and lossy and must still tell their frame."""
    picture = np.random.default_rng(7).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    draw_counter(picture, number)
    small = cv2.resize(picture, (width, width * 9 // 16), interpolation=cv2.INTER_AREA)
    decoded = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)
    assert decoded is not None
    assert read_counter(decoded.astype(np.uint8)) == number


def test_a_picture_without_a_counter_reads_as_none() -> None:
    """Noise, flat pictures and tiny ones are refused, not guessed at."""
    noise = np.random.default_rng(1).integers(0, 255, (360, 640, 3), dtype=np.uint8)
    assert read_counter(noise) is None
    assert read_counter(np.zeros((360, 640, 3), dtype=np.uint8)) is None
    assert read_counter(np.zeros((2, 8, 3), dtype=np.uint8)) is None


def test_a_wrong_cell_is_noticed_by_the_check_byte() -> None:
    """One flipped counter bit must not read as another frame's number."""
    picture = np.zeros((360, 640, 3), dtype=np.uint8)
    draw_counter(picture, 5)
    picture[:16, 16 * 20 : 16 * 21] = 235
    assert read_counter(picture) is None


def test_the_card_moves_and_tells_its_number() -> None:
    """Each frame differs from the one before and carries its counter in the luma plane."""
    card = TestCard(1280, 720)
    first = card.paint(41, "2026-01-01 00:00:00.000").copy()
    second = card.paint(42, "2026-01-01 00:00:00.033").copy()
    assert first.shape == (1080, 1280)
    assert read_counter(first[:720]) == 41
    assert read_counter(second[:720]) == 42
    assert np.count_nonzero(first[200:720] != second[200:720]) > 100
