"""The life of a clip: its states and the one table of what may follow what. Pure.

    (new)      ──record──▶ pending ──process──▶ processing ──finish──▶ draft ──publish──▶ published
    (new)      ──cut─────▶ draft                    ▲   │                ▲                    │
                               pending ──fail──┐    │   └──fail──┐       └─────unpublish──────┘
                                               ▼  retry          ▼
                                              failed ◀───────────┘

`cut` is a span that already lay wholly in the buffer, and a snapshot: finished within the request.
Deletion is no state: the row leaves and a garbage row takes its place in one transaction. It is
possible from every state; a clip still in the recorder's hands is abandoned there first, so that
nobody writes into a directory that is being removed (DELETE of a running recording stops and
discards it). Where the bytes are (`location`) is another axis and not here.
"""

from enum import StrEnum


class Status(StrEnum):
    """What state a clip is in."""

    PENDING = "pending"
    """Being recorded."""
    PROCESSING = "processing"
    """All material is there; the finished file is being made."""
    DRAFT = "draft"
    """Ready, private."""
    PUBLISHED = "published"
    """In the feed."""
    FAILED = "failed"
    """Could not be finished; the reason is in `error`, `retryable` says whether the material is kept."""


class Transition(StrEnum):
    """What moves a clip from one state to the next."""

    PROCESS = "process"
    FINISH = "finish"
    PUBLISH = "publish"
    UNPUBLISH = "unpublish"
    FAIL = "fail"
    RETRY = "retry"


TABLE: dict[tuple[Status, Transition], Status] = {
    (Status.PENDING, Transition.PROCESS): Status.PROCESSING,
    (Status.PENDING, Transition.FAIL): Status.FAILED,
    (Status.PROCESSING, Transition.FINISH): Status.DRAFT,
    (Status.PROCESSING, Transition.FAIL): Status.FAILED,
    (Status.DRAFT, Transition.PUBLISH): Status.PUBLISHED,
    (Status.PUBLISHED, Transition.UNPUBLISH): Status.DRAFT,
    (Status.FAILED, Transition.RETRY): Status.PROCESSING,
}
"""Everything that may happen; what is not here is refused."""

INITIAL = frozenset({Status.PENDING, Status.DRAFT})
"""States a clip may be born in."""

UNFINISHED = frozenset({Status.PENDING, Status.PROCESSING})
"""In the recorder's hands: start-up salvages them, deletion abandons them there first."""

FINISHED = frozenset({Status.DRAFT, Status.PUBLISHED})
"""The file is complete, durable and playable."""

_MOVES = frozenset((before, after) for (before, _), after in TABLE.items())


def can(before: Status, after: Status) -> bool:
    """Whether a clip may move from `before` to `after` in one step; staying is no step."""
    return (before, after) in _MOVES


def after(before: Status, transition: Transition) -> Status | None:
    """The state that `transition` leads to from `before`, or None when it cannot happen there."""
    return TABLE.get((before, transition))
