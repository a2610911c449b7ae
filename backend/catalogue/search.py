"""Text search behind one door: the same words find the same clips on SQLite and on PostgreSQL.

Words are folded here (case, accents, width, punctuation; each ideograph is a word) and stored in
`clips.search_text`, parted by spaces. Each database only indexes and matches those words: SQLite in
the FTS5 table `clip_search`, kept in step by triggers, PostgreSQL by a GIN index over
`search_lexemes`. A query finds a clip when each of its words begins one of the clip's words.
"""

import unicodedata
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from backend.catalogue.model import clips

# PostgreSQL refuses lexemes over 2 kB; nobody searches for the 65th letter of a word.
_WORD_LIMIT = 64

OWN_OBJECTS = ("clip_search", "ix_clips_search")
"""Prefixes of what the migrations make for it, which the tables' metadata does not know."""


def search_text(title: str, caption: str, tags: Iterable[str]) -> str:
    """What `clips.search_text` holds for these texts."""
    return " ".join(dict.fromkeys(fold("\n".join((title, caption, *tags)))))


def fold(text: str) -> list[str]:
    """The words of `text` in the form in which they are stored and looked for."""
    spaced: list[str] = []
    for letter in unicodedata.normalize("NFKD", text.casefold()).casefold():
        if unicodedata.category(letter).startswith("M"):
            continue
        if not letter.isalnum():
            spaced.append(" ")
        elif _stands_alone(letter):
            spaced.append(f" {letter} ")
        else:
            spaced.append(letter)
    return [word[:_WORD_LIMIT] for word in "".join(spaced).split()]


def matches(
    query: str, *, sqlite: bool, number: sa.ColumnElement[int] = clips.c.number
) -> sa.ColumnElement[bool] | None:
    """The condition for clips that `query` finds; None when it holds no word at all.

    `number` is how SQLite is to look at `clips.number`, which decides where it begins.
    """
    words = list(dict.fromkeys(fold(query)))
    if not words:
        return None
    if sqlite:
        phrase = _phrase(words)
        found = sa.text("SELECT rowid FROM clip_search WHERE clip_search MATCH :phrase")
        return number.in_(found.bindparams(phrase=phrase).columns(sa.column("rowid", sa.Integer)))
    lexemes = sa.func.array_to_tsvector(
        sa.func.string_to_array(clips.c.search_text, sa.literal_column("' '"))
    )
    wanted = " & ".join(f"'{word}':*" for word in words)
    return lexemes.op("@@")(sa.cast(wanted, postgresql.TSQUERY))


def newest_found(query: str) -> sa.Select[tuple[int]] | None:
    """SQLite: numbers of the clips that `query` finds, the newest first, read no further than asked for.

    None when the query holds no word. More conditions on `clips` may be added; the words stay the outer
    loop, because without statistics SQLite would rather ask them again for every row of another index.
    """
    words = list(dict.fromkeys(fold(query)))
    if not words:
        return None
    hits = sa.table("clip_search", sa.column("rowid", sa.BigInteger))
    select = (
        sa.select(clips.c.number)
        .select_from(hits)
        .join(clips, clips.c.number == sa.literal_column("+clip_search.rowid", sa.BigInteger))
    )
    matching = sa.text("clip_search MATCH :phrase").bindparams(phrase=_phrase(words))
    return select.where(matching).order_by(hits.c.rowid.desc())


def _phrase(words: list[str]) -> str:
    # Words are letters and digits only, so quoting them is enough.
    return " ".join(f'"{word}"*' for word in words)


def _stands_alone(letter: str) -> bool:
    """Scripts written without spaces: searching inside a run of them must find something."""
    point = ord(letter)
    return 0x2E80 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF or 0x20000 <= point <= 0x3FFFF
