"""A catalogue as a box has it after years: rows without clips, written past the daemon."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import sqlalchemy as sa

from backend.base.ids import new_id
from backend.catalogue import Catalogue, MediaType, NewClip, PreviewInfo, Previews
from backend.catalogue.clip_rows import new_row
from backend.catalogue.lifecycle import Status
from backend.catalogue.model import clips

CAMERAS = ("front", "garden", "gate", "yard")
COMMON_WORD, RARE_WORD = "visitor", "badger"
"""In a quarter of all clips, and in one of a thousand."""
_WORDS = ("fox", "cat", "rain", "night", "parcel", "car", "bird", "door", "dog", "wind", "snow", "bicycle")
_BEGAN = datetime(2022, 1, 1)
_STATUSES = (*[Status.DRAFT] * 60, *[Status.PUBLISHED] * 38, *[Status.FAILED] * 2)
_BATCH = 2000
_WIDTH_PX, _HEIGHT_PX = 640, 360
NO_PREVIEWS = Previews()


async def fill(url: str, count: int, recorder_id: str, previews: Previews = NO_PREVIEWS) -> None:
    """Make the tables and `count` clips; PostgreSQL's statistics are fresh, as it keeps them itself."""
    catalogue = Catalogue(url)
    await catalogue.open()
    await catalogue.close()
    await asyncio.to_thread(_insert, url, _rows(random.Random(1), recorder_id, count, previews))


def picture(data_dir: Path) -> Previews:
    """One picture for all clips to share: noise, as large as a thumbnail."""
    noise = np.random.default_rng(1).integers(0, 256, (36, 64, 3), np.uint8)
    (data_dir / "thumbnails").mkdir()
    shared = cv2.resize(noise, (_WIDTH_PX, _HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    if not cv2.imwrite(str(data_dir / "thumbnails" / "all.jpg"), shared):
        raise OSError(f"No picture could be written to {data_dir}.")
    info = PreviewInfo("all.jpg", _WIDTH_PX, _HEIGHT_PX)
    return Previews(current=info, middle=info)


def _insert(url: str, rows: Iterator[dict[str, Any]]) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as db:
        while batch := [row for _, row in zip(range(_BATCH), rows, strict=False)]:
            db.execute(clips.insert(), batch)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        if engine.dialect.name == "postgresql":
            db.execute(sa.text("ANALYZE"))
    engine.dispose()


def _rows(draw: random.Random, recorder_id: str, count: int, previews: Previews) -> Iterator[dict[str, Any]]:
    at, published = _BEGAN, 0
    for _ in range(count):
        at += timedelta(seconds=draw.expovariate(1 / 1200))
        status = draw.choice(_STATUSES)
        words = draw.sample(_WORDS, 3)
        words += [COMMON_WORD] if draw.random() < 0.25 else []
        words += [RARE_WORD] if draw.random() < 0.001 else []
        row = new_row(replace(_clip(draw, recorder_id, at, words), previews=previews), at)
        row["status"] = status.value
        if status is Status.PUBLISHED:
            published += 1
            row |= {"published_at": at, "feed_number": published, "likes": draw.randrange(9)}
        yield row


def _clip(draw: random.Random, recorder_id: str, at: datetime, words: list[str]) -> NewClip:
    clip_id = new_id()
    image = draw.random() < 0.05
    return NewClip(
        id=clip_id,
        recorder_id=recorder_id,
        camera=draw.choice(CAMERAS),
        media_type=MediaType.IMAGE if image else MediaType.VIDEO,
        status=Status.DRAFT,
        title=" ".join(words[:2]),
        caption=f"Seen {words[2]} at {at:%H:%M}, " + " ".join(words[3:]),
        tags=(words[0],),
        start_time=at,
        pressed_at=at + timedelta(seconds=15),
        end_time=at + timedelta(seconds=30),
        requested_before_s=15.0,
        requested_after_s=15.0,
        covered_before_s=15.0,
        covered_after_s=15.0,
        duration_s=30.0,
        frame_count=900,
        width=1920,
        height=1080,
        fps=30.0,
        video_codec="h264",
        size_bytes=15_000_000,
        sha256="ab" * 32,
        path=f"{clip_id}/clip.mp4",
    )


def some_day() -> tuple[str, str]:
    """Two months somewhere in the middle, as `from` and `to`."""
    begins = _BEGAN + timedelta(days=500)
    return f"{begins.isoformat()}Z", f"{(begins + timedelta(days=60)).isoformat()}Z"
