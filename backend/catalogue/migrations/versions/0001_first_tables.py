"""The first tables: clips and their search, garbage, sessions, idempotency, samples, meta."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")
_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SEARCH_SQLITE = (
    # The ascii tokenizer takes every other letter as it is: the folding is ours, not Unicode 6.1's.
    """CREATE VIRTUAL TABLE clip_search USING fts5(
        search_text, content='clips', content_rowid='number', tokenize='ascii', prefix='2 3')""",
    """CREATE TRIGGER clip_search_insert AFTER INSERT ON clips BEGIN
        INSERT INTO clip_search(rowid, search_text) VALUES (new.number, new.search_text);
    END""",
    """CREATE TRIGGER clip_search_delete AFTER DELETE ON clips BEGIN
        INSERT INTO clip_search(clip_search, rowid, search_text)
        VALUES ('delete', old.number, old.search_text);
    END""",
    """CREATE TRIGGER clip_search_update AFTER UPDATE OF search_text ON clips BEGIN
        INSERT INTO clip_search(clip_search, rowid, search_text)
        VALUES ('delete', old.number, old.search_text);
        INSERT INTO clip_search(rowid, search_text) VALUES (new.number, new.search_text);
    END""",
)
_SEARCH_POSTGRESQL = (
    "CREATE INDEX ix_clips_search ON clips USING gin (array_to_tsvector(string_to_array(search_text, ' ')))"
)


def upgrade() -> None:
    _charges()
    _clips()
    _clip_indexes()
    _garbage()
    _idempotency()
    _meta()
    _samples()
    _sessions()
    _likes()
    _schedules()
    _uploads()
    if op.get_bind().dialect.name == "sqlite":
        for statement in _SEARCH_SQLITE:
            op.execute(statement)
    else:
        op.execute(_SEARCH_POSTGRESQL)


def _charges() -> None:
    op.create_table(
        "charges",
        sa.Column("clip_id", _ID, nullable=False),
        sa.Column("recorder_id", _ID, nullable=False),
        sa.Column("period_start", sa.DateTime(), nullable=False),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("refunded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("clip_id", name="pk_charges"),
    )
    op.create_index("ix_charges_period", "charges", ["recorder_id", "period_start"], unique=False)


def _clips() -> None:
    op.create_table(
        "clips",
        sa.Column("number", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("recorder_id", _ID, nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=8), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("progress", sa.Double(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("retryable", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("pressed_at", sa.DateTime(), nullable=False),
        sa.Column("start_time", sa.DateTime(), nullable=False),
        sa.Column("end_time", sa.DateTime(), nullable=True),
        sa.Column("planned_end", sa.DateTime(), nullable=True),
        sa.Column("clock", sa.String(length=16), nullable=False),
        sa.Column("requested_before_s", sa.Double(), nullable=True),
        sa.Column("requested_after_s", sa.Double(), nullable=True),
        sa.Column("covered_before_s", sa.Double(), nullable=True),
        sa.Column("covered_after_s", sa.Double(), nullable=True),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("frame_count", sa.BigInteger(), nullable=True),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.Column("continued_from", _ID, nullable=True),
        sa.Column("continued_by", _ID, nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("fps", sa.Double(), nullable=True),
        sa.Column("video_codec", sa.Text(), nullable=True),
        sa.Column("audio_codec", sa.Text(), nullable=True),
        sa.Column("lead_in_s", sa.Double(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("location", sa.String(length=8), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("remote", sa.JSON(), nullable=False),
        sa.Column("upload_due", sa.Boolean(), nullable=False),
        sa.Column("keep", sa.Boolean(), nullable=False),
        sa.Column("dated_at", sa.DateTime(), nullable=True),
        sa.Column("thumbnail", sa.String(length=8), nullable=False),
        sa.Column("previews", sa.JSON(), nullable=False),
        sa.Column("publish_at", sa.DateTime(), nullable=True),
        sa.Column("published_at", sa.DateTime(), nullable=True),
        sa.Column("feed_number", sa.BigInteger(), nullable=True),
        sa.Column("likes", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_clips"),
        sqlite_autoincrement=True,
    )


def _clip_indexes() -> None:
    op.create_index("ix_clips_camera", "clips", ["camera", "status", "number"], unique=False)
    op.create_index("ix_clips_feed", "clips", ["feed_number", "number"], unique=False)
    op.create_index("ix_clips_id", "clips", ["id"], unique=True)
    op.create_index("ix_clips_location", "clips", ["recorder_id", "location"], unique=False)
    op.create_index("ix_clips_media_type", "clips", ["media_type", "number"], unique=False)
    op.create_index("ix_clips_publish_at", "clips", ["publish_at"], unique=False)
    op.create_index("ix_clips_start_time", "clips", ["start_time", "number"], unique=False)
    op.create_index("ix_clips_status", "clips", ["status", "number"], unique=False)
    op.create_index("ix_clips_upload_due", "clips", ["recorder_id", "upload_due"], unique=False)


def _garbage() -> None:
    op.create_table(
        "garbage",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("recorder_id", _ID, nullable=False),
        sa.Column("clip_id", _ID, nullable=False),
        sa.Column("paths", sa.JSON(), nullable=False),
        sa.Column("at_store", sa.Boolean(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_garbage"),
    )
    op.create_index("ix_garbage_due", "garbage", ["recorder_id", "not_before"], unique=False)


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("principal", "key", name="pk_idempotency"),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], unique=False)


def _meta() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )


def _samples() -> None:
    op.create_table(
        "samples",
        sa.Column("recorder_id", _ID, nullable=False),
        sa.Column("camera", sa.Text(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("drops", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("filled_s", sa.Double(), nullable=False),
        sa.Column("live_s", sa.Double(), nullable=False),
        sa.Column("connecting_s", sa.Double(), nullable=False),
        sa.Column("stalled_s", sa.Double(), nullable=False),
        sa.Column("reconnecting_s", sa.Double(), nullable=False),
        sa.Column("stopped_s", sa.Double(), nullable=False),
        sa.Column("clips_removed", sa.BigInteger(), nullable=False),
        sa.Column("bytes_removed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("recorder_id", "camera", "resolution_s", "at_s", name="pk_samples"),
    )
    op.create_index("ix_samples_time", "samples", ["at_s"], unique=False)


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)


def _likes() -> None:
    op.create_table(
        "likes",
        sa.Column("clip_id", _ID, nullable=False),
        sa.Column("visitor", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("clip_id", "visitor", name="pk_likes"),
    )


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", _ID, nullable=False),
        sa.Column("recorder_id", _ID, nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("seen_until", sa.DateTime(), nullable=True),
        sa.Column("furthest", sa.DateTime(), nullable=True),
        sa.Column("era", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
    )
    op.create_index("ix_schedules_recorder_id", "schedules", ["recorder_id"], unique=False)
    op.create_table(
        "schedule_runs",
        sa.Column("number", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("schedule_id", _ID, nullable=False),
        sa.Column("recorder_id", _ID, nullable=False),
        sa.Column("era", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("last_due_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("clips", sa.JSON(), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_schedule_runs"),
    )
    op.create_index("ix_schedule_runs_id", "schedule_runs", ["id"], unique=True)
    op.create_index("ix_schedule_runs_newest", "schedule_runs", ["schedule_id", "number"], unique=False)
    op.create_index("ix_schedule_runs_once", "schedule_runs", ["schedule_id", "era", "due_at"], unique=True)
    op.create_index("ix_schedule_runs_open", "schedule_runs", ["recorder_id", "state"], unique=False)


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("recorder_id", _ID, nullable=False),
        sa.Column("clip_id", _ID, nullable=False),
        sa.Column("root", sa.String(length=16), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("lease", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_clip_id", "uploads", ["clip_id", "root", "key"], unique=True)
    op.create_index("ix_uploads_due", "uploads", ["recorder_id", "not_before"], unique=False)
