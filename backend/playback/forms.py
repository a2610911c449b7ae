"""Which form of a clip a player gets: its own file, or one that hides nothing.

Here: the decision, from the caller's rights, the requested form and the browser. Not here: making clean forms
(`clean_copies`), whether a file hides something (`clip_index`). Pure.
"""

from enum import StrEnum


class Form(StrEnum):
    """What the caller is to see of a clip's file."""

    ORIGINAL = "original"
    """The file as it was recorded: its edit list hides what decoding needs."""
    EXACT = "exact"
    """For players that ignore edit lists: the clean form of a file that hides pictures, else the original."""
    CLEAN = "clean"
    """The clean form in any case: this caller may not have what the file hides."""


def form_for(asked: str | None, user_agent: str, *, has_originals: bool) -> Form:
    """The form for a player. `asked`: `clean`, `original` or None; `has_originals`: the caller may have them.

    A page finds out what its browser does, and says so. An address that is played by itself cannot, so there
    the name of the browser decides.
    """
    if not has_originals:
        return Form.CLEAN
    if asked == "original":
        return Form.ORIGINAL
    return Form.EXACT if asked == "clean" or ignores_edit_lists(user_agent) else Form.ORIGINAL


def ignores_edit_lists(user_agent: str) -> bool:
    """Whether a browser of this name is known to: Firefox, in all releases so far (Mozilla bug 1735300).

    Others only claim to be `like Gecko`; Firefox on iOS is WebKit and does not name Gecko's version.
    """
    return "Gecko/" in user_agent
