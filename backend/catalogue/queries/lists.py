"""Pages of clips: by the order in which they were recorded, or in which they were published.

Order is by numbers the catalogue gives out and not by times: the newest stands on top also after the
clock was set back. A page is found by numbers alone, which indexes answer without reading rows, and
only its rows are read, those not in the cache. Each function runs inside the caller's
transaction, on a catalogue thread.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from backend.catalogue import cursor as cursors
from backend.catalogue.clip_rows import clip_of
from backend.catalogue.model import clips
from backend.catalogue.row_cache import Key, RowCache
from backend.catalogue.search import matches, newest_found
from backend.catalogue.values import Clip, ClipFilter, ClipPage

_NEAR = 1000


@dataclass(frozen=True, slots=True)
class _List:
    """One order of clips. `kind` keeps the cursors of one from being used in another."""

    kind: str
    order: tuple[sa.Column[int], ...]
    only: tuple[sa.ColumnElement[bool], ...] = ()


_RECORDED = _List("recorded", (clips.c.number,))
_FEED = _List("feed", (clips.c.feed_number, clips.c.number), (clips.c.feed_number.is_not(None),))


@dataclass(frozen=True, slots=True)
class PageQuery:
    """The clips wanted, the cursor that the page begins after, and its length."""

    wanted: ClipFilter
    cursor: str | None
    limit: int


def page(db: sa.Connection, query: PageQuery, cache: RowCache) -> ClipPage:
    """One page, the newest recording first. Raises BadCursor."""
    return _page(db, _RECORDED, query, cache)


def feed(db: sa.Connection, query: PageQuery, cache: RowCache) -> ClipPage:
    """One page of what is published, the latest publication first. Raises BadCursor."""
    return _page(db, _FEED, query, cache)


def _page(db: sa.Connection, listed: _List, query: PageQuery, cache: RowCache) -> ClipPage:
    """One row more than the limit shows whether there is a next page."""
    numbers = _numbers(db, listed, query).subquery()
    select = sa.select(clips.c.version, clips.c.number, *listed.order).join_from(
        clips, numbers, clips.c.number == numbers.c.number
    )
    places = [(tuple(place), (number, version)) for version, number, *place in db.execute(select)]
    places.sort(reverse=True)
    keys = [key for _, key in places[: query.limit]]
    found = _read(db, keys, cache)
    more = keys and len(places) > query.limit
    next_cursor = cursors.encode(listed.kind, places[query.limit - 1][0]) if more else None
    return ClipPage(tuple(found[key] for key in keys), next_cursor)


def _numbers(db: sa.Connection, listed: _List, query: PageQuery) -> sa.Select[tuple[int]]:
    """Where to begin is decided here: SQLite has no statistics, PostgreSQL none of beginnings of words."""
    wanted = query.wanted
    sqlite = db.dialect.name == "sqlite"
    if not sqlite and wanted.q is not None and wanted.q.strip():
        return _near_or_sorted(db, listed, query)
    if sqlite and listed is _FEED:
        # Walk the feed, which ends early, instead of sorting whatever a filter finds.
        return _limited(listed, query, _conditions(wanted, sqlite=True, column=_aside))
    if listed is _RECORDED and (wanted.to or (sqlite and wanted.from_)):
        # The time index finds a span at once; walking numbers, of all rows or of found ones, does not.
        order = (clips.c.number + sa.literal_column("0"),)
        column = _number_aside if sqlite else _plain
        return _limited(listed, query, _conditions(wanted, sqlite=sqlite, column=column), order)
    if sqlite and wanted.q is not None and (words := newest_found(wanted.q)) is not None:
        others = _conditions(replace(wanted, q=None), sqlite=True)
        return words.where(*others, *_behind(listed, query)).limit(query.limit + 1)
    return _limited(listed, query, _conditions(wanted, sqlite=sqlite))


def _near_or_sorted(db: sa.Connection, listed: _List, query: PageQuery) -> sa.Select[tuple[int]]:
    """PostgreSQL takes all beginnings of words for equally frequent, and so the wrong way for most.

    What is found often fills a page from the newest few; only what does not is looked up by its words.
    """
    conditions = _conditions(query.wanted, sqlite=False)
    first = listed.order[0]
    nth = sa.select(first).where(*listed.only, *_behind(listed, query))
    nth = nth.order_by(*(column.desc() for column in listed.order)).offset(_NEAR).limit(1)
    near = _limited(listed, query, [*conditions, first >= sa.func.coalesce(nth.scalar_subquery(), 0)])
    db.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
    found = db.execute(near).scalars().all()
    db.execute(sa.text("SET LOCAL enable_bitmapscan = on"))
    if len(found) > query.limit:
        return sa.select(clips.c.number).where(clips.c.number.in_(found))
    return _limited(
        listed, query, conditions, tuple(column + sa.literal_column("0") for column in listed.order)
    )


def _limited(
    listed: _List,
    query: PageQuery,
    conditions: list[sa.ColumnElement[bool]],
    order: tuple[sa.ColumnElement[Any], ...] | None = None,
) -> sa.Select[tuple[int]]:
    select = sa.select(clips.c.number).where(*listed.only, *conditions, *_behind(listed, query))
    sorting = [column.desc() for column in order or listed.order]
    return select.order_by(*sorting).limit(query.limit + 1)


def _behind(listed: _List, query: PageQuery) -> list[sa.ColumnElement[bool]]:
    """What comes after the cursor."""
    if query.cursor is None:
        return []
    place = cursors.decode(listed.kind, query.cursor, len(listed.order))
    return [sa.tuple_(*listed.order) < sa.tuple_(*(sa.literal(part) for part in place))]


def _plain(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return column


def _aside(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """The column so that SQLite compares by it but takes no index for it."""
    return sa.literal_column(f"+clips.{column.name}", column.type)


def _number_aside(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return _aside(column) if column is clips.c.number else column


def _read(db: sa.Connection, keys: list[Key], cache: RowCache) -> dict[Key, Clip]:
    """The clips of a page; versions cannot differ from `keys`, because both are read from one snapshot."""
    found = cache.find(keys)
    missing = [number for number, version in keys if (number, version) not in found]
    if missing:
        rows: Any = db.execute(sa.select(clips).where(clips.c.number.in_(missing))).mappings()
        read = {(row["number"], row["version"]): clip_of(row) for row in rows}
        cache.keep(read)
        found |= read
    return found


def _conditions(
    wanted: ClipFilter,
    *,
    sqlite: bool,
    column: Callable[[sa.Column[Any]], sa.ColumnElement[Any]] | None = None,
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = []
    column = column or _plain
    if wanted.statuses:
        conditions.append(column(clips.c.status).in_(sorted(status.value for status in wanted.statuses)))
    if wanted.camera is not None:
        conditions.append(column(clips.c.camera) == wanted.camera)
    if wanted.media_type is not None:
        conditions.append(column(clips.c.media_type) == wanted.media_type.value)
    if wanted.keep is not None:
        conditions.append(clips.c.keep.is_(wanted.keep))
    if wanted.from_ is not None:
        conditions.append(clips.c.start_time >= wanted.from_)
    if wanted.to is not None:
        conditions.append(clips.c.start_time < wanted.to)
    if wanted.q is not None:
        found = matches(wanted.q, sqlite=sqlite, number=column(clips.c.number))
        if found is not None:
            conditions.append(found)
        elif wanted.q.strip():
            # Asked for something that no word can match (punctuation only): that finds nothing.
            conditions.append(sa.false())
    return conditions
