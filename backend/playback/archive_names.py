"""File names for clips in an archive: readable, harmless on every system, and no two alike. Pure."""

import unicodedata
from collections.abc import Sequence

from backend.catalogue import Clip
from backend.playback.playback import readable_name


def archive_names(clips: Sequence[Clip]) -> list[str]:
    """One name per clip. Alike counts without case and accents' form, as on Windows and macOS."""
    taken: set[str] = set()
    names = []
    for clip in clips:
        name, number = readable_name(clip), 1
        while _folded(name) in taken:
            number += 1
            name = readable_name(clip, number)
        taken.add(_folded(name))
        names.append(name)
    return names


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
