"""Texts as the words that are stored, and queries as the words that are looked for. Pure.

Letters are folded: case, accents and width do not count, and punctuation separates. Scripts that are
written without spaces (Thai, Lao, Khmer, Burmese, Chinese, Japanese, …) have no words to find, so a run
of them is stored as its pieces of three letters, one from each letter on: whatever stands inside
the run, the pieces that begin there begin with it. Each emoji is a word of its own, without what
varies it (skin tone, presentation), and a flag is one with both its letters.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator

FORM = "2"
"""The form of the stored words. A change here makes the next start store those of all clips again."""

# PostgreSQL refuses lexemes over 2 kB; nobody searches for the 65th letter of a word.
_WORD_LIMIT = 64
_PIECE = 3

_EASTERN = ((0x2E80, 0xA4CF), (0xF900, 0xFAFF), (0x16FE0, 0x18DFF), (0x1AFF0, 0x1B2FF), (0x20000, 0x3FFFF))
_SOUTH_EASTERN = (
    # Here vowels are marks. They count: without them, different words would be the same.
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19FF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Lanna
    (0x1B00, 0x1B7F),  # Balinese
    (0xA980, 0xA9FF),  # Javanese, Burmese
    (0xAA60, 0xAADF),  # Burmese, Tai Viet
    (0x116D0, 0x1174F),  # Burmese, Ahom
)
_RANGES = sorted((*((*r, False) for r in _EASTERN), *((*r, True) for r in _SOUTH_EASTERN)))
_STARTS = [first for first, _, _ in _RANGES]

# Emoji that the folding would take apart or join: two marks in one, the wavy dash, keycaps.
_WHOLES = re.compile("([\u203c\u2049\u3030]|[0-9#*](?=\ufe0f?\u20e3))")
_FOR_ASCII = {"#": "\uff03", "*": "\uff0a"}
"""FTS5 takes no ASCII character but letters and digits."""
_JOINERS = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff")


def search_text(title: str, caption: str, tags: Iterable[str]) -> str:
    """What `clips.search_text` holds for these texts."""
    words: dict[str, None] = {}
    for word, is_run in _parts("\n".join((title, caption, *tags))):
        words.update(dict.fromkeys(_pieces(word) if is_run else [word]))
    return " ".join(words)


def wanted_words(query: str) -> list[str]:
    """The words that a clip must have, at least as beginnings, for `query` to find it."""
    words: dict[str, None] = {}
    for word, is_run in _parts(query):
        # A clip may go on where the query ends, so its last pieces, which are shorter, say nothing more.
        words.update(dict.fromkeys(_pieces(word)[: max(1, len(word) - _PIECE + 1)] if is_run else [word]))
    return list(words)


def _pieces(run: str) -> list[str]:
    return [run[at : at + _PIECE] for at in range(len(run))]


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The words and the runs of a text, folded; True: a run, whose words are not known."""
    splitter = _Splitter()
    for at, part in enumerate(_WHOLES.split(text)):
        if at % 2:
            yield _FOR_ASCII.get(part, part), False
        else:
            for letter in unicodedata.normalize("NFKD", part.casefold()).casefold():
                yield from splitter.take(letter)
            yield from splitter.end()


class _Splitter:
    """Takes folded letters one by one, and gives the words and runs that end with them."""

    def __init__(self) -> None:
        self._letters: list[str] = []
        self._kind = ""
        """Of what is being gathered: `word`, `run`, `symbol` or `flag`."""

    def end(self) -> Iterator[tuple[str, bool]]:
        """What has been gathered, if anything."""
        if self._letters:
            word, is_run = "".join(self._letters), self._kind == "run"
            yield word if is_run else word[:_WORD_LIMIT], is_run
        self._letters, self._kind = [], ""

    def take(self, letter: str) -> Iterator[tuple[str, bool]]:
        kind = _kind_of(letter)
        if kind == "mark" or (kind == "joiner" and self._kind in {"run", "symbol"}):
            return
        if kind == "tone":
            if self._kind == "symbol":
                return
            kind = "symbol"
        if kind == "tag":
            if self._kind == "symbol":
                self._letters.append(letter)
            return
        goes_on = kind in {"word", "run"} or (kind == "flag" and len(self._letters) == 1)
        if kind != self._kind or not goes_on:
            yield from self.end()
        if kind in {"word", "run", "symbol", "flag"}:
            self._kind = kind
            self._letters.append(letter)


def _kind_of(letter: str) -> str:
    """`word`, `run`, `symbol` or `flag`; what changes one: `mark`, `tone`, `tag`, `joiner`; or `space`."""
    if letter.isascii():
        return "word" if letter.isalnum() else "space"
    point, category = ord(letter), unicodedata.category(letter)
    if letter in _JOINERS:
        return "joiner"
    if 0x1F000 <= point <= 0x1FAFF or 0xE0020 <= point <= 0xE007F:
        return _emoji_kind(point)
    if _is_symbol(point, category):
        return "symbol"
    without_spaces, marks_count = _script(point)
    if category[0] == "M" and not marks_count:
        return "mark"
    if without_spaces:
        # What Unicode adds later is unknown to some Pythons (Cn); in these ranges it will be letters.
        return "run" if category[0] in "LNM" or category == "Cn" else "space"
    return "word" if letter.isalnum() else "space"


def _emoji_kind(point: int) -> str:
    """By ranges, because an older Python does not know the newer emoji."""
    if 0x1F1E6 <= point <= 0x1F1FF:
        return "flag"
    if 0x1F3FB <= point <= 0x1F3FF:
        return "tone"
    return "tag" if point >= 0xE0000 else "symbol"


def _is_symbol(point: int, category: str) -> bool:
    if point in {0xA9, 0xAE}:
        return True
    if category == "So":
        return point >= 0x2190
    return category == "Sm" and (0x2190 <= point <= 0x21FF or 0x2300 <= point <= 0x2BFF)


def _script(point: int) -> tuple[bool, bool]:
    """Whether it is written without spaces, and whether its marks are letters."""
    at = bisect_right(_STARTS, point) - 1
    if at < 0 or point > _RANGES[at][1]:
        return False, False
    return True, _RANGES[at][2]
