"""The wall clock and labels as text. Inside, every time is a timezone-naive UTC datetime. Any thread."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The wall clock as a naive UTC datetime."""
    return datetime.now(UTC).replace(tzinfo=None)


def rfc3339(label: datetime) -> str:
    """A naive UTC label as RFC 3339 with microseconds and `Z`."""
    return label.isoformat(timespec="microseconds") + "Z"
