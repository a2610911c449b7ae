"""Text search behind one door: the same words find the same clips on SQLite and on PostgreSQL.

Words are made here (`search_words`) and stored in `clips.search_text`, parted by spaces. Each
database only indexes and matches those words: SQLite in the FTS5 table `clip_search`, kept in step by
triggers, PostgreSQL by a GIN index over `search_lexemes`. A query finds a clip when each of its words
begins one of the clip's words.
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from backend.catalogue.model import clips
from backend.catalogue.search_words import wanted_words

OWN_OBJECTS = ("clip_search", "ix_clips_search")
"""Prefixes of what the migrations make for it, which the tables' metadata does not know."""


def matches(
    query: str, *, sqlite: bool, number: sa.ColumnElement[int] = clips.c.number
) -> sa.ColumnElement[bool] | None:
    """The condition for clips that `query` finds; None when it holds no word at all.

    `number` is how SQLite is to look at `clips.number`, which decides where it begins.
    """
    words = wanted_words(query)
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
    words = wanted_words(query)
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
    # No word holds a quotation mark, so quoting them is enough.
    return " ".join(f'"{word}"*' for word in words)
