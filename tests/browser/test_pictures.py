"""The pictures of README and guide: `python -m tests.browser.pictures` makes them."""

import re

import cv2
import numpy as np

from tests.browser.pictures import PICTURES, names
from tests.browser.small_png import smaller
from tests.support.daemon import ROOT

BUDGET_BYTES = 1_500_000


def test_every_picture_is_there_is_shown_and_all_are_small() -> None:
    """A screen that came or went shows here; who clones the project does not pay for pixels."""
    found = {path.name: path.stat().st_size for path in PICTURES.iterdir()}
    assert set(found) == set(names())
    assert sum(found.values()) < BUDGET_BYTES
    guide = (ROOT / "docs" / "guide" / "page.md").read_text()
    assert set(re.findall(r"pictures/([a-z-]+\.png)", guide)) == set(found)
    for name in re.findall(r"docs/guide/pictures/([a-z-]+\.png)", (ROOT / "README.md").read_text()):
        assert name in found


def test_a_picture_of_few_colours_stays_as_it_is_and_one_of_many_stays_alike() -> None:
    """Flat areas keep their very colour; gradients stay within what an eye can tell."""
    flat = np.zeros((40, 60, 3), np.uint8)
    flat[10:20, 5:50] = (0x17, 0x93, 0xFD)
    assert np.array_equal(_through(flat), flat)
    ramp = np.indices((200, 250)).transpose(1, 2, 0).astype(np.uint8)
    many = np.dstack([ramp, np.full((200, 250), 80, np.uint8)])
    many[:50] = (9, 8, 7)
    made = _through(many)
    assert np.array_equal(made[:50], many[:50])
    assert np.abs(made.astype(int) - many.astype(int)).mean() < 6


def _through(
    picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    _, png = cv2.imencode(".png", picture)
    read = cv2.imdecode(np.frombuffer(smaller(png.tobytes()), np.uint8), cv2.IMREAD_COLOR)
    assert read is not None
    return np.asarray(read, np.uint8)
