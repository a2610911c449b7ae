"""What the catalogue raises, as one tree. Messages are sentences for people.

CatalogueError
├── ClipUnknown           no such clip                            the caller asks differently
├── IllegalTransition     the clip's state does not allow it      the caller reads the clip again
├── ScheduleUnknown       no such schedule                        the caller asks differently
├── BadCursor             a cursor we did not make                the caller starts at the first page
├── BadText               text no database can keep               the caller sends other text
├── CreditsSpent          too little left in this period            the caller waits for the next one
├── SchemaTooNew          a newer Hindsight made the tables       the operator upgrades
└── CatalogueUnavailable  the database does not answer or is full the operator; a later try may work
"""

from backend.catalogue.lifecycle import Status


class CatalogueError(Exception):
    """Root of the tree."""


class ClipUnknown(CatalogueError):
    """No clip has that id."""

    def __init__(self, clip_id: str) -> None:
        super().__init__("There is no such clip.")
        self.clip_id = clip_id


class IllegalTransition(CatalogueError):
    """The clip is in a state from which this cannot happen; `current` says which."""

    def __init__(self, current: Status, wanted: Status) -> None:
        super().__init__(f"The clip is {current} and cannot become {wanted}.")
        self.current = current
        self.wanted = wanted


class ScheduleUnknown(CatalogueError):
    """No schedule has that id."""

    def __init__(self, schedule_id: str) -> None:
        super().__init__("There is no such schedule.")
        self.schedule_id = schedule_id


class BadCursor(CatalogueError):
    """The cursor was not made by this catalogue."""


class BadText(CatalogueError):
    """The text holds a NUL or half a surrogate pair, which PostgreSQL cannot keep."""


class CreditsSpent(CatalogueError):
    """`spent` of `limit` credits are gone, and what is left does not cover the cost."""

    def __init__(self, spent: int, limit: int) -> None:
        super().__init__(f"{spent} of {limit} credits are spent.")
        self.spent = spent
        self.limit = limit


class SchemaTooNew(CatalogueError):
    """A newer Hindsight has migrated this database; this one would misread it."""


class CatalogueUnavailable(CatalogueError):
    """The database does not answer, is locked for too long, or its disk is full."""
