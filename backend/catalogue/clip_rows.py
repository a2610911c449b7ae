"""Between a `Clip` and its row. Pure: no statement is made here."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, get_type_hints

from backend.catalogue.errors import BadText
from backend.catalogue.lifecycle import INITIAL
from backend.catalogue.model import clips
from backend.catalogue.search_words import search_text
from backend.catalogue.values import (
    Clip,
    ClipFields,
    Location,
    NewClip,
    PreviewInfo,
    Previews,
    PreviewSource,
    RemoteObject,
    Root,
)
from recorder.base.values import Gap

_NAMES = tuple(field.name for field in fields(Clip))
# What only its own method may change: the keys, the texts (search follows them), the state, the counts.
_GUARDED = frozenset(
    {"number", "feed_number"}
    | {"id", "recorder_id", "created_at", "title", "caption", "tags", "status", "previews", "version"}
    # ... and what only the store's word may change.
    | {"location", "remote"}
)
_SETTABLE = frozenset(_NAMES) - _GUARDED
_ENUMS = {
    name: kind
    for name, kind in get_type_hints(Clip).items()
    if isinstance(kind, type) and issubclass(kind, StrEnum)
}
_NULLS = {column.name: None for column in clips.columns if column.nullable}
"""What a new row holds in nullable columns that `NewClip` says nothing about."""
_INITIAL = {
    "retryable": False,
    "location": Location.LOCAL.value,
    "remote": (),
    "upload_due": True,
    "keep": False,
    "likes": 0,
    "version": 1,
}
"""What a new row holds in the other columns that `NewClip` lacks."""


def new_row(clip: NewClip, now: datetime) -> dict[str, Any]:
    """The row of a new clip."""
    if clip.status not in INITIAL:
        raise ValueError(f"no clip is born {clip.status}")
    row = _stored({field.name: getattr(clip, field.name) for field in fields(NewClip)})
    row |= texts_row(clip.title, clip.caption, clip.tags)
    row["previews"] = {
        source.value: asdict(info)
        for source in PreviewSource
        if (info := clip.previews.of(source)) is not None
    }
    return _NULLS | row | _INITIAL | {"created_at": now}


def texts_row(title: str, caption: str, tags: tuple[str, ...]) -> dict[str, Any]:
    """The columns of the texts. Raises BadText for what a database cannot keep."""
    for text in (title, caption, *tags):
        if "\0" in text or not _encodes(text):
            raise BadText("Title, caption and tags cannot hold NUL or half a character (a lone surrogate).")
    return {
        "title": title,
        "caption": caption,
        "tags": list(tags),
        "search_text": search_text(title, caption, tags),
    }


def changed_row(changed: ClipFields) -> dict[str, Any]:
    """The columns of fields set along with a transition. ValueError for one that is not settable so."""
    unknown = set(changed) - _SETTABLE
    if unknown:
        raise ValueError(f"not settable this way: {', '.join(sorted(unknown))}")
    return _stored(changed)


def clip_of(row: Mapping[Any, Any]) -> Clip:
    """The clip a row stands for."""
    values = {name: row[name] for name in _NAMES}
    values |= {name: kind(row[name]) for name, kind in _ENUMS.items()}
    values["tags"] = tuple(row["tags"])
    values["gaps"] = tuple(_gap(gap) for gap in row["gaps"])
    values["remote"] = tuple(RemoteObject(Root(r), key, version) for r, key, version in row["remote"])
    values["previews"] = previews_of(row["previews"])
    return Clip(**values)


def previews_of(stored: Mapping[str, Any]) -> Previews:
    """The previews a JSON column stands for."""
    return Previews(**{source: PreviewInfo(**info) for source, info in stored.items()})


def _stored(values: Mapping[str, object]) -> dict[str, Any]:
    row: dict[str, Any] = dict(values)
    if "gaps" in row:
        row["gaps"] = [
            {"start": gap.start.isoformat(), "end": gap.end.isoformat(), "reason": gap.reason}
            for gap in row["gaps"]
        ]
    if isinstance(row.get("error"), str):
        # Messages come from anywhere; half a message is better than a state that cannot be written.
        row["error"] = row["error"].replace("\0", "").encode(errors="replace").decode()
    return {name: str(value) if isinstance(value, str) else value for name, value in row.items()}


def _gap(stored: Mapping[str, str]) -> Gap:
    return Gap(
        datetime.fromisoformat(stored["start"]), datetime.fromisoformat(stored["end"]), stored["reason"]
    )


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
