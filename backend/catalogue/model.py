"""The tables. Text search is beside them: `search` names it, the migrations make it.

Times are naive UTC with microseconds: fixed-width text in SQLite, `timestamp` in PostgreSQL, so both
order alike. Ids are text that orders by bytes on both.
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class NaiveUtc(TypeDecorator[datetime]):
    """A naive UTC datetime; an aware one is a bug on our side and refused before it is stored."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        if value is not None and value.tzinfo is not None:
            raise ValueError(f"the catalogue keeps naive UTC times, not {value!r}")
        return value


_ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")
_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A key that counts by itself: SQLite does so for INTEGER only."""

metadata = sa.MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)

clips = sa.Table(
    "clips",
    metadata,
    # The full-text index refers to rows by number, and SQLite renumbers rows that have none of their own.
    sa.Column("number", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("id", _ID, nullable=False),
    sa.Column("recorder_id", _ID, nullable=False),
    sa.Column("camera", sa.Text, nullable=False),
    sa.Column("media_type", sa.String(8), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("caption", sa.Text, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("search_text", sa.Text, nullable=False),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("progress", sa.Double),
    sa.Column("error", sa.Text),
    sa.Column("retryable", sa.Boolean, nullable=False),
    sa.Column("created_at", NaiveUtc, nullable=False),
    sa.Column("pressed_at", NaiveUtc, nullable=False),
    sa.Column("start_time", NaiveUtc, nullable=False),
    sa.Column("end_time", NaiveUtc),
    sa.Column("planned_end", NaiveUtc),
    sa.Column("clock", sa.String(16), nullable=False),
    sa.Column("requested_before_s", sa.Double),
    sa.Column("requested_after_s", sa.Double),
    sa.Column("covered_before_s", sa.Double),
    sa.Column("covered_after_s", sa.Double),
    sa.Column("duration_s", sa.Double),
    sa.Column("frame_count", sa.BigInteger),
    sa.Column("gaps", sa.JSON, nullable=False),
    sa.Column("continued_from", _ID),
    sa.Column("continued_by", _ID),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("fps", sa.Double),
    sa.Column("video_codec", sa.Text),
    sa.Column("audio_codec", sa.Text),
    sa.Column("lead_in_s", sa.Double),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("sha256", sa.String(64)),
    sa.Column("location", sa.String(8), nullable=False),
    sa.Column("path", sa.Text),
    sa.Column("remote", sa.JSON, nullable=False),
    sa.Column("upload_due", sa.Boolean, nullable=False),
    sa.Column("keep", sa.Boolean, nullable=False),
    # What the age of a clip counts from that a clock nobody could trust made; see retention_queries.
    sa.Column("dated_at", NaiveUtc),
    sa.Column("thumbnail", sa.String(8), nullable=False),
    sa.Column("previews", sa.JSON, nullable=False),
    sa.Column("publish_at", NaiveUtc),
    sa.Column("published_at", NaiveUtc),
    # Grows with every publication: the order of the feed, which no clock that is set can turn round.
    sa.Column("feed_number", sa.BigInteger),
    sa.Column("likes", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Index("ix_clips_id", "id", unique=True),
    sa.Index("ix_clips_status", "status", "number"),
    sa.Index("ix_clips_camera", "camera", "status", "number"),
    sa.Index("ix_clips_media_type", "media_type", "number"),
    sa.Index("ix_clips_start_time", "start_time", "number"),
    sa.Index("ix_clips_feed", "feed_number", "number"),
    sa.Index("ix_clips_publish_at", "publish_at"),
    sa.Index("ix_clips_upload_due", "recorder_id", "upload_due"),
    sa.Index("ix_clips_location", "recorder_id", "location"),
    # Never given twice: the number is the order of recording, and with the version it names what a row says.
    sqlite_autoincrement=True,
)

garbage = sa.Table(
    "garbage",
    metadata,
    sa.Column("id", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("recorder_id", _ID, nullable=False),
    sa.Column("clip_id", _ID, nullable=False),
    sa.Column("paths", sa.JSON, nullable=False),
    sa.Column("at_store", sa.Boolean, nullable=False),
    # What of the local disk comes back when they are gone, as far as the row knew.
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", NaiveUtc, nullable=False),
    sa.Column("created_at", NaiveUtc, nullable=False),
    sa.Column("last_error", sa.Text),
    sa.Index("ix_garbage_due", "recorder_id", "not_before"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("principal", sa.Text, nullable=False),
    sa.Column("created_at", NaiveUtc, nullable=False),
    sa.Column("last_used_at", NaiveUtc, nullable=False),
    sa.Column("expires_at", NaiveUtc, nullable=False),
    sa.Column("device", sa.String(100), nullable=False, server_default=""),
    sa.Column("address", sa.String(64), nullable=False, server_default=""),
    # What likes count by: sign-ins from one address share it.
    sa.Column("visitor", sa.String(64), nullable=False, server_default=""),
    sa.Index("ix_sessions_expires_at", "expires_at"),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("principal", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request_hash", sa.String(64), nullable=False),
    sa.Column("subject", sa.Text),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.Text),
    sa.Column("created_at", NaiveUtc, nullable=False),
    sa.Index("ix_idempotency_created_at", "created_at"),
)

samples = sa.Table(
    "samples",
    metadata,
    sa.Column("recorder_id", _ID, primary_key=True),
    sa.Column("camera", sa.Text, primary_key=True),
    sa.Column("resolution_s", sa.Integer, primary_key=True, autoincrement=False),
    # Unix seconds, not a time: steps of any length are then one division, the same on every database.
    sa.Column("at_s", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("frames", sa.BigInteger, nullable=False),
    sa.Column("drops", sa.BigInteger, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("filled_s", sa.Double, nullable=False),
    sa.Column("live_s", sa.Double, nullable=False),
    sa.Column("connecting_s", sa.Double, nullable=False),
    sa.Column("stalled_s", sa.Double, nullable=False),
    sa.Column("reconnecting_s", sa.Double, nullable=False),
    sa.Column("stopped_s", sa.Double, nullable=False),
    sa.Column("clips_removed", sa.BigInteger, nullable=False),
    sa.Column("bytes_removed", sa.BigInteger, nullable=False),
    sa.Index("ix_samples_time", "at_s"),
)

# What clips cost where recordings are limited; one that failed has its cost given back.
charges = sa.Table(
    "charges",
    metadata,
    sa.Column("clip_id", _ID, primary_key=True),
    sa.Column("recorder_id", _ID, nullable=False),
    sa.Column("period_start", NaiveUtc, nullable=False),
    sa.Column("cost", sa.Integer, nullable=False),
    sa.Column("refunded", sa.Boolean, nullable=False),
    sa.Index("ix_charges_period", "recorder_id", "period_start"),
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

likes = sa.Table(
    "likes",
    metadata,
    sa.Column("clip_id", _ID, primary_key=True),
    # Who: the visitor of a session, or the kind of principal that has no session.
    sa.Column("visitor", sa.String(64), primary_key=True),
    sa.Column("created_at", NaiveUtc, nullable=False),
)

schedules = sa.Table(
    "schedules",
    metadata,
    sa.Column("id", _ID, primary_key=True),
    sa.Column("recorder_id", _ID, nullable=False),
    sa.Column("origin", sa.String(8), nullable=False),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("created_at", NaiveUtc, nullable=False),
    sa.Column("updated_at", NaiveUtc, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("seen_until", NaiveUtc),
    sa.Column("furthest", NaiveUtc),
    sa.Column("era", sa.Integer, nullable=False),
    sa.Index("ix_schedules_recorder_id", "recorder_id"),
)

schedule_runs = sa.Table(
    "schedule_runs",
    metadata,
    # The order of recording, whatever the clock was set to.
    sa.Column("number", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("id", _ID, nullable=False),
    sa.Column("schedule_id", _ID, nullable=False),
    sa.Column("recorder_id", _ID, nullable=False),
    sa.Column("era", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("due_at", NaiveUtc, nullable=False),
    sa.Column("ends_at", NaiveUtc, nullable=False),
    sa.Column("state", sa.String(8), nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("last_due_at", NaiveUtc, nullable=False),
    sa.Column("started_at", NaiveUtc),
    sa.Column("ended_at", NaiveUtc),
    sa.Column("reason", sa.Text),
    sa.Column("clips", sa.JSON, nullable=False),
    sa.Column("pictures", sa.Integer, nullable=False),
    sa.Index("ix_schedule_runs_id", "id", unique=True),
    sa.Index("ix_schedule_runs_once", "schedule_id", "era", "due_at", unique=True),
    sa.Index("ix_schedule_runs_newest", "schedule_id", "number"),
    sa.Index("ix_schedule_runs_open", "recorder_id", "state"),
)

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", _COUNTER, primary_key=True, autoincrement=True),
    sa.Column("recorder_id", _ID, nullable=False),
    sa.Column("clip_id", _ID, nullable=False),
    sa.Column("root", sa.String(16), nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", NaiveUtc, nullable=False),
    sa.Column("created_at", NaiveUtc, nullable=False),
    sa.Column("lease", sa.Text),
    sa.Column("leased_until", NaiveUtc),
    sa.Column("last_error", sa.Text),
    sa.Index("ix_uploads_clip_id", "clip_id", "root", "key", unique=True),
    sa.Index("ix_uploads_due", "recorder_id", "not_before"),
)
