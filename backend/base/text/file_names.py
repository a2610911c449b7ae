"""File names made of words that a person chose: harmless and short enough on every system. Pure."""

import re
import unicodedata

MOST_BYTES = 255
"""What file systems take for one name, in UTF-8."""

_BETWEEN_WORDS = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\s]+')


def file_name(words: str, ending: str, most_letters: int = MOST_BYTES) -> str:
    """`words`, shortened at a character so that all of `ending` fits; "clip" if nothing is left of them."""
    return (_shortened(harmless(words), MOST_BYTES - len(ending.encode()), most_letters) or "clip") + ending


def harmless(words: str) -> str:
    """Without separators, control characters and marks that are not seen.

    Some of these turn the direction of writing, so that `gpj.exe` reads as `exe.jpg`.
    """
    spaced = _BETWEEN_WORDS.sub(" ", words)
    return _trimmed("".join(letter for letter in spaced if unicodedata.category(letter)[0] != "C"))


def _shortened(words: str, most_bytes: int, most_letters: int) -> str:
    cut = min(len(words.encode()[:most_bytes].decode(errors="ignore")), most_letters)
    # An accent belongs to the letter before it.
    while 0 < cut < len(words) and unicodedata.category(words[cut])[0] == "M":
        cut -= 1
    return _trimmed(words[:cut])


def _trimmed(words: str) -> str:
    """No hidden file, and no end that Windows would drop."""
    return re.sub(r"\s+", " ", words).strip(" .")
