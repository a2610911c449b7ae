"""What a person or a program can be allowed to do. Every route declares one of these."""

from enum import StrEnum


class Action(StrEnum):
    """Ordered from harmless to powerful; holding one does not imply holding another."""

    VIEW = "view"
    """See live pictures, clips, status and events."""
    RECORD = "record"
    """Make recordings and snapshots, stop and extend them, pick previews."""
    MANAGE = "manage"
    """Rename, publish, delete."""
    ADMIN = "admin"
    """See the box itself: system, metrics."""


ALL_ACTIONS = frozenset(Action)
