"""A title becomes a file name that every system takes and that is what it seems to be."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.base.text.file_names import MOST_BYTES, file_name, harmless

ENDING = " 2025-10-26 08-00-00Z.mp4"


@pytest.mark.parametrize(
    "mark", ["\u202e", "\u202a", "\u2066", "\u2069", "\u200f", "\u061c", "\u200b", "\ufeff"]
)
def test_marks_that_turn_or_hide_what_is_read_are_removed(mark: str) -> None:
    """`gpj.exe` turned around reads as `exe.jpg`."""
    assert file_name(f"photo{mark}gpj.exe", ENDING) == f"photogpj.exe{ENDING}"


@pytest.mark.parametrize("control", ["\0", "\x1b", "\x7f", "\x85", "\r\n", "\u2028", "/", "\\", '"', ":"])
def test_controls_and_separators_become_one_space(control: str) -> None:
    """Also the escape that commands a terminal."""
    assert harmless(f"a{control} b") == "a b"


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("x" * 300, "x" * 230),
        ("猫" * 100, "猫" * 76),
        ("🦊" * 100, "🦊" * 57),
        ("e\u0301" * 99, "e\u0301" * 76),
    ],
)
def test_a_long_name_is_cut_at_a_character_and_keeps_its_ending(words: str, kept: str) -> None:
    """255 bytes; no half letter, and no letter without its accent."""
    assert file_name(words, ENDING) == kept + ENDING
    assert file_name("e\u0301" * 9, ENDING, most_letters=5) == "e\u0301" * 2 + ENDING


@pytest.mark.parametrize("words", ["", " . ", "\u202e", "///", "\ud800"])
def test_where_nothing_is_left_there_is_still_a_name(words: str) -> None:
    """Also of half a surrogate pair, which no encoding takes."""
    assert file_name(words, ".mp4") == "clip.mp4"


@given(st.text(max_size=400))
def test_any_title_at_all_makes_a_name(title: str) -> None:
    """Within the bounds, with the ending, encodable, without anything invisible."""
    name = file_name(title, ENDING)
    assert name.endswith(ENDING)
    assert len(name.encode()) <= MOST_BYTES
    assert not name.startswith((".", " "))
    assert not any(unicodedata.category(letter)[0] == "C" for letter in name)
    assert not set('<>:"/\\|?*') & set(name)
