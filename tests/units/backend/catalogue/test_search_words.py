"""Which words a text is stored as, and which a query looks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.catalogue.search_words import search_text, wanted_words

WITHOUT_SPACES = (
    *("แ", "ม", "ว", "ดำ", "น้ำ", "ปี", "ปู", "เ", "ก็", "กู้"),  # Thai
    *("ໝ", "າ", "ນໍ້າ", "ຢູ່"),  # Lao
    *("ក", "ង្ក", "ឆ្មា", "ទឹ"),  # Khmer
    *("မြ", "န်", "မာ", "ကြော", "င်"),  # Burmese
    *("東", "京", "都", "猫", "が", "ガ", "ｶﾞ", "ー", "𠮷", "ㄅ"),
)
EMOJI = (
    *("🦊", "👍", "👍🏽", "❤️", "❤", "☀️", "⚽", "👨‍👩‍👧", "🏃🏾‍♀️", "🏳️‍🌈", "🏴‍☠️", "🇩🇪", "🇫🇷"),
    *("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "2️⃣", "#️⃣", "*️⃣", "‼️", "⁉️", "〰️", "©️", "↔️", "▶️", "㊗️", "🪿", "🫩"),
)
BETWEEN = (" ", ", ", "\u200b", "。", "(", "\n")

graphemes = st.lists(st.sampled_from((*WITHOUT_SPACES, *EMOJI, *BETWEEN)), min_size=1, max_size=30)


def finds(query: str, title: str) -> bool:
    """As both databases decide: each word of the query begins one of the clip's."""
    wanted, stored = wanted_words(query), search_text(title, "", ()).split(" ")
    return bool(wanted) and all(any(word.startswith(begin) for word in stored) for begin in wanted)


@given(graphemes, st.data())
def test_whatever_stands_inside_a_run_is_found(title: list[str], data: st.DataObject) -> None:
    """Any stretch of whole characters, with emoji and punctuation in it."""
    begin = data.draw(st.integers(0, len(title) - 1))
    part = title[begin : data.draw(st.integers(begin + 1, len(title)))]
    assert finds("".join(part), "".join(title)) or set(part) <= set(BETWEEN)


@pytest.mark.parametrize("emoji", EMOJI)
def test_an_emoji_is_found_behind_a_word_and_between_others(emoji: str) -> None:
    """However many characters it is made of."""
    assert finds(emoji, f"Fox{emoji}")
    assert finds(emoji, f"🌳{emoji}🌳")


@pytest.mark.parametrize(
    ("query", "title", "found"),
    [
        ("แมว", "เห็นแมวดำในสวน", True),
        ("แมวขาว", "เห็นแมวดำในสวน", False),
        ("ปู", "ปีใหม่", False),  # vowels count
        ("สวนใน", "เห็นแมวดำในสวน", False),  # and so does the order
        ("京都", "東京都庁", True),
        ("都京", "東京都庁", False),
        ("แมว fox", "Fox กับแมว", True),
        ("👍", "👍🏽", True),  # tone and presentation vary one emoji
        ("👍🏽", "👍", True),
        ("❤", "❤️‍🔥", True),
        ("👩", "👨‍👩‍👧", True),
        ("🇪🇫", "🇩🇪🇫🇷", False),  # the halves of two flags
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", False),
        ("🦊", "🐈", False),
        ("fox", "outfox", False),
        ("20 C", "20 °C", True),
        ("2\u20e3", "12", False),
    ],
)
def test_a_query_finds_what_it_says_and_nothing_else(query: str, title: str, found: bool) -> None:
    """Words by their beginnings, runs by what stands in them, emoji as what they show."""
    assert finds(query, title) is found


def test_no_word_is_syntax_for_a_database() -> None:
    """Both are handed words in quotation marks; FTS5 cuts at any other ASCII character."""
    every = "".join(map(chr, (*range(1, 0xD800), *range(0xE000, 0x20000))))
    words = search_text(every, "", ()).split(" ")
    assert not [word for word in words if any(c.isascii() and not c.isalnum() for c in word)]
    assert max(map(len, words)) <= 64


def test_stored_words_of_the_longest_text_have_a_bound() -> None:
    """A caption of 5000 letters without a space: at most three letters for each."""
    assert len(search_text("", "".join(chr(0x4E00 + n) for n in range(5000)), ())) <= 4 * 5000
