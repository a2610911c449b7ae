"""What the catalogue takes and gives: plain frozen values, never rows of the database library.

Times are timezone-naive UTC. Paths are relative: a clip's to clips_dir, a preview's to thumbnails_dir.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backend.catalogue.lifecycle import FINISHED, Status
from recorder.base.values import ClockState, Gap

PUBLIC_PREFIX = "public/"
"""Keys of the object store that everybody may read begin so."""
PUBLIC_FORM = 1
"""The version of public copies. 0: copies that could hide up to half a second; they are made again."""


class MediaType(StrEnum):
    """What a clip's file holds."""

    VIDEO = "video"
    IMAGE = "image"


class Location(StrEnum):
    """Where a clip's bytes are."""

    LOCAL = "local"
    BOTH = "both"
    REMOTE = "remote"


class PreviewSource(StrEnum):
    """Where a preview picture comes from."""

    CURRENT = "current"
    MIDDLE = "middle"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class PreviewInfo:
    """One stored preview. `version` changes with the picture, for URLs that may be cached for ever."""

    path: str
    width: int
    height: int
    version: int = 1
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Previews:
    """The previews a clip has."""

    current: PreviewInfo | None = None
    middle: PreviewInfo | None = None
    manual: PreviewInfo | None = None

    def of(self, source: PreviewSource) -> PreviewInfo | None:
        """The preview from `source`."""
        match source:
            case PreviewSource.CURRENT:
                return self.current
            case PreviewSource.MIDDLE:
                return self.middle
            case PreviewSource.MANUAL:
                return self.manual


class Root(StrEnum):
    """Which directory a stored path is relative to."""

    CLIPS = "clips"
    THUMBNAILS = "thumbnails"


@dataclass(frozen=True, slots=True)
class StoredPath:
    """A file or directory under one of our roots."""

    root: Root
    path: str


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """A copy that the object store has confirmed. `version` is the picture's; 0 for a clip's file."""

    root: Root
    key: str
    version: int = 0

    @property
    def place(self) -> StoredPath:
        """What the store calls it."""
        return StoredPath(self.root, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClipBase:
    """The fields that a clip has from its first row on."""

    id: str
    recorder_id: str
    camera: str
    media_type: MediaType = MediaType.VIDEO
    title: str = ""
    caption: str = ""
    tags: tuple[str, ...] = ()
    status: Status = Status.PENDING
    pressed_at: datetime
    """The label "now" that before and after count from."""
    start_time: datetime
    end_time: datetime | None = None
    """None until finished."""
    planned_end: datetime | None = None
    """When a recording under way ends by itself; None: until stopped."""
    clock: ClockState = ClockState.UNSYNCHRONISED
    requested_before_s: float | None = None
    requested_after_s: float | None = None
    """None: until stopped, or an absolute span."""
    covered_before_s: float | None = None
    covered_after_s: float | None = None
    duration_s: float | None = None
    frame_count: int | None = None
    gaps: tuple[Gap, ...] = ()
    continued_from: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    """None: no sound, or not finished yet."""
    lead_in_s: float | None = None
    """How long the hidden pictures before the first one are; None: not finished yet, or an image."""
    size_bytes: int | None = None
    sha256: str | None = None
    path: str | None = None
    """Of the finished file; None until there is one."""
    thumbnail: PreviewSource = PreviewSource.MIDDLE
    """What the card shows when done, unless a manual preview is set: middle or current."""
    previews: Previews = Previews()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClip(_ClipBase):
    """A clip to be inserted, `pending` or (finished within the request) `draft`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip(_ClipBase):
    """One clip or snapshot as the catalogue knows it."""

    number: int
    """The order of recording, given by the database once and for ever."""
    progress: float | None
    """0 to 1 while pending or processing; None when unknown (open-ended) or done."""
    error: str | None
    retryable: bool
    created_at: datetime
    continued_by: str | None
    location: Location
    remote: tuple[RemoteObject, ...]
    """What the object store has confirmed to hold of this clip."""
    keep: bool
    """A favourite: no retention rule deletes it."""
    publish_at: datetime | None
    published_at: datetime | None
    feed_number: int | None
    """The order of publication; None: not published."""
    likes: int
    version: int
    """Grows by one with every change of the row."""

    @property
    def is_ready(self) -> bool:
        """Whether the file can be played or downloaded."""
        return self.status in FINISHED and self.path is not None

    @property
    def chosen_preview(self) -> PreviewSource | None:
        """What the card shows: a manual one first; `current` until done; then what the clip says."""
        if self.previews.manual is not None:
            return PreviewSource.MANUAL
        wanted = self.thumbnail if self.status in FINISHED else PreviewSource.CURRENT
        for source in (wanted, PreviewSource.CURRENT, PreviewSource.MIDDLE):
            if self.previews.of(source) is not None:
                return source
        return None

    @property
    def remote_file(self) -> StoredPath | None:
        """Where the store holds the finished file, confirmed; None: nowhere."""
        return next(
            (one.place for one in self.remote if one.root is Root.CLIPS and one.key == self.path), None
        )

    @property
    def public_file(self) -> StoredPath | None:
        """Where the store holds the copy that everybody may read; None: nowhere."""
        places = (one.place for one in self.remote if one.root is Root.CLIPS)
        return next((place for place in places if place.path.startswith(PUBLIC_PREFIX)), None)


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What is known of a clip beside its row."""

    progress: float | None = None
    """0 to 1, fresher than the row's."""
    recorded_s: float | None = None
    public_url: str | None = None
    """Where everybody may read it."""


ROW_ALONE = ClipFacts()


@dataclass(frozen=True, slots=True)
class ClipFilter:
    """Which clips to list. Empty `statuses` means all; `from_` and `to` bound start_time, half-open."""

    statuses: frozenset[Status] = frozenset()
    camera: str | None = None
    q: str | None = None
    """Every word must begin a word of title, caption or tags; accents and case do not matter."""
    from_: datetime | None = None
    to: datetime | None = None
    media_type: MediaType | None = None
    keep: bool | None = None


@dataclass(frozen=True, slots=True)
class ClipPage:
    """Clips, newest first, and the cursor of the next page (None: this is the last)."""

    items: tuple[Clip, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """A clip after a request, and whether that changed its row."""

    clip: Clip
    changed: bool


@dataclass(frozen=True, slots=True)
class CameraStorage:
    """What one camera's finished clips take."""

    camera: str
    clips: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What a clip costs, of how much there is in the period that begins at `period_start`."""

    period_start: datetime
    cost: int
    limit: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """The newest clips and snapshots of a camera, summed up."""

    video_bytes: int = 0
    video_s: float = 0.0
    images: int = 0
    image_bytes: int = 0


@dataclass(frozen=True, slots=True)
class RetentionGroup:
    """Clips of one camera in one state, favourites apart: whether a rule can concern any of them at all."""

    camera: str
    status: Status
    keep: bool
    clips: int
    size_bytes: int
    """On the local disk, as far as rows know."""
    dated: datetime
    """The earliest; see `RetentionRow`."""
    newest: datetime
    """When the latest says it was made."""


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """Of a clip what decides whether it stays."""

    number: int
    """Order of recording, whatever any clock said."""
    id: str
    camera: str
    status: Status
    keep: bool
    location: Location
    promised: bool
    """A moment to publish it is set."""
    size_bytes: int
    """On the local disk."""
    dated: datetime
    """What its age counts from: when it was made; for one made by a clock nobody could trust, the last step
    of that clock, or when it was first known to be right."""

    @property
    def published(self) -> bool:
        """In the feed, or going to be."""
        return self.promised or self.status is Status.PUBLISHED


@dataclass(frozen=True, slots=True)
class Garbage:
    """Files to delete, on the disk or (`at_store`) at the object store: nobody owns them any more."""

    id: int
    recorder_id: str
    clip_id: str
    paths: tuple[StoredPath, ...]
    at_store: bool
    size_bytes: int
    attempts: int
    not_before: datetime
    created_at: datetime
    last_error: str | None


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A local file that should be at the object store: which, under which key, which version of it."""

    root: Root
    path: str
    key: str
    version: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A row of the upload queue. The holder of `lease` works on it, until `leased_until`."""

    id: int
    recorder_id: str
    clip_id: str
    root: Root
    path: str
    key: str
    version: int
    size_bytes: int
    attempts: int
    not_before: datetime
    created_at: datetime
    lease: str | None
    leased_until: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadBacklog:
    """What waits to be copied to the store, or deleted there."""

    files: int
    size_bytes: int
    oldest: datetime | None
    clips_not_planned: int
    """Finished or changed since the queue last looked."""
    deletions: int
    troubled: int = 0
    """Files that failed again and again though the store works."""
    trouble: str | None = None
    """What the newest of them said."""


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in. Only the hash of its token is stored."""

    token_hash: str = field(repr=False)
    principal: str
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    device: str = ""
    """Its name for people, such as "Firefox on Linux"."""
    address: str = ""
    """Where it signed in from."""
    visitor: str = ""
    """What its likes count by. Sign-ins of one principal from one address share it."""


class ReservationState(StrEnum):
    """What a second use of an Idempotency-Key means."""

    NEW = "new"
    """Ours: carry the request out, then complete or release it."""
    DONE = "done"
    """Carried out before: give the stored answer again."""
    UNDER_WAY = "under_way"
    """Another request with this key has not been answered (or died unanswered: look at `subject`)."""
    DIFFERENT = "different"
    """The key was used for another request."""


@dataclass(frozen=True, slots=True)
class ReservationKey:
    """An Idempotency-Key, and who sent it: keys of two principals never meet."""

    principal: str
    key: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is known of an Idempotency-Key. `subject` is the id the first request meant to make."""

    state: ReservationState
    subject: str | None = None
    status: int | None = None
    body: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One camera during one minute (or hour). Every number adds up, so samples merge by adding."""

    recorder_id: str
    camera: str
    at: datetime
    """The start of the minute or hour."""
    frames: int = 0
    drops: int = 0
    bytes: int = 0
    filled_s: float = 0.0
    """The buffer's fill (0 to 1) integrated over the sampled seconds."""
    live_s: float = 0.0
    connecting_s: float = 0.0
    stalled_s: float = 0.0
    reconnecting_s: float = 0.0
    stopped_s: float = 0.0
    clips_removed: int = 0
    bytes_removed: int = 0
    """By retention."""

    @property
    def total_s(self) -> float:
        """How many seconds were sampled."""
        return self.live_s + self.connecting_s + self.stalled_s + self.reconnecting_s + self.stopped_s

    @property
    def fps(self) -> float | None:
        """Frames per live second; None when the camera was never live."""
        return self.frames / self.live_s if self.live_s > 0 else None

    @property
    def fill(self) -> float | None:
        """Mean fill of the buffer, 0 to 1; None when nothing was sampled."""
        return self.filled_s / self.total_s if self.total_s > 0 else None


@dataclass(frozen=True, slots=True)
class SampleFilter:
    """Which samples: `from_ ≤ at < to`, summed over steps of `step_s` that begin at multiples of it (UTC)."""

    from_: datetime
    to: datetime
    step_s: int = 60
    camera: str | None = None


@dataclass(frozen=True, slots=True)
class ClipTally:
    """What of one camera began in the quarter of an hour from `at` on."""

    camera: str
    at: datetime
    clips: int
    size_bytes: int


ClipFields = Mapping[str, object]
"""Names and values of `Clip` fields to set along with a transition."""
