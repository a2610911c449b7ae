"""File names for clips in an archive: readable, harmless on every system, and no two alike. Pure."""

import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from backend.catalogue import Clip
from backend.playback.playback import readable_name

_MOST_BYTES = 200
"""File systems take 255; this leaves room for a number."""


def archive_names(clips: Sequence[Clip]) -> list[str]:
    """One name per clip. Alike counts without case and accents' form, as on Windows and macOS."""
    taken: set[str] = set()
    names = []
    for clip in clips:
        path = PurePosixPath(_harmless(readable_name(clip)))
        stem, suffix = _shortened(path.stem), path.suffix
        name, number = f"{stem}{suffix}", 1
        while _folded(name) in taken:
            number += 1
            name = f"{stem} ({number}){suffix}"
        taken.add(_folded(name))
        names.append(name)
    return names


def _harmless(name: str) -> str:
    # Besides what no file name may hold: marks that turn the direction of writing hide a suffix.
    visible = "".join(letter for letter in name if unicodedata.category(letter)[0] != "C")
    return visible.lstrip(". ") or "clip"


def _shortened(stem: str) -> str:
    """Not more bytes than fit; the time at its end stays."""
    if len(stem.encode()) <= _MOST_BYTES:
        return stem
    words, stamp = stem[:-21], stem[-21:]
    room = _MOST_BYTES - len(stamp.encode())
    return words.encode()[:room].decode(errors="ignore").rstrip() + stamp


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
