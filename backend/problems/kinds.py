"""Every reason for a refusal, with its English words.

The name in lower case is the `code` of the problem document. Programs and translations rely on it, so once
released it stays. A sentence says what happened and what to do about it. Names in braces are the
parameters that travel beside it; the formats behind their colons are those of `refused`. Not here: which
status a kind has over HTTP (`http.problems`). Pure.
"""

from enum import Enum, unique


@unique
class Kind(Enum):
    """Title and sentence of each reason."""

    # The door: who may come in, and how they must speak.
    ACCESS_KEY_NEEDED = (
        "Access key needed",
        "Send the key, which `hindsight key show` prints on the box, as `Authorization: Bearer KEY`. A "
        "browser signs in on the page, with a code of `hindsight open`.",
    )
    ACCESS_KEY_NEEDED_HERE = ("Access key needed", "Send the key as `Authorization: Bearer KEY`.")
    ACCESS_KEY_WRONG = (
        "That is not the access key",
        "The key is wrong. `hindsight key show` prints it on the box; `key new` may have replaced the one "
        "you have.",
    )
    SETUP_CODE_WRONG = (
        "That code does not work",
        "A code works once, for ten minutes, and not after five wrong tries. `hindsight open` on the box "
        "makes a new one.",
    )
    KEY_OR_CODE = ("The body is not valid", "Send either `key` or `code`.")
    SESSION_UNKNOWN = ("No such device", "It is signed out already; load the list again.")
    TOO_MANY_WRONG_KEYS = (
        "Too many wrong keys",
        "Wait half a minute. `hindsight key show` on the box prints the key.",
    )
    ACTION_NOT_ALLOWED = ("Not allowed", "Your access does not include the action '{action}' here.")
    HOST_UNKNOWN = (
        "This is not the host you asked for",
        "Use the box's IP address or own name, or add the name to server.allowed_hosts in config.yaml.",
    )
    ORIGIN_FOREIGN = (
        "That page may not do this",
        "The request came from a page of another origin. Behind a reverse proxy, add the name people type to "
        "server.allowed_hosts in config.yaml.",
    )
    ROUTE_UNKNOWN = ("Not Found", "There is nothing at this address; /api/openapi.json lists every route.")
    METHOD_UNKNOWN = ("Method Not Allowed", "This address takes {allowed}.")
    REQUEST_REFUSED = ("{reason}", "{reason}.")
    BODY_MISSING = ("The body is missing", "Send a JSON object.")
    BODY_BROKEN = ("The body is broken", "Send a body whose framing or coding is right.")
    BODY_NO_JSON = ("The body is not JSON", "Send one well-formed JSON object in UTF-8.")
    BODY_OF_OTHER_TYPE = ("The body must be JSON", "Send `Content-Type: application/json`.")
    BODY_TOO_LARGE = ("The body is too large", "Send at most {limit_bytes} bytes.")
    BODY_REFUSED = ("Request Entity Too Large", "The body is too large; send a smaller one.")
    BODY_TOO_SLOW = ("The body did not arrive in time", "Send the whole body within {limit_s:g} seconds.")
    BODY_NOT_VALID = ("The body is not valid", "{finding}")
    QUERY_NOT_VALID = ("The query is not valid", "{finding}")
    QUERY_NAME_TWICE = ("The query is not valid", "{field}: is given twice.")
    QUERY_SPAN_BACKWARDS = ("The query is not valid", "to: must be later than from.")
    QUERY_STATE_UNKNOWN = ("The query is not valid", "status: '{given}' is not a state; known here: {known}.")
    TOO_MANY_POINTS = (
        "The query is not valid",
        "step: gives too many points for this span; choose a longer step or a shorter span.",
    )
    NEEDS_WEBSOCKET = (
        "This address speaks WebSocket",
        "Open it as a WebSocket; GET /live/{{camera}}.mjpeg is the live picture over plain HTTP.",
    )
    PAGE_OUTDATED = ("No such file", "The page is of another version; load it again.")
    PAGE_MISSING = ("No such page", "{name} was not found beside the program.")
    TOO_MANY_PAGES = ("Too many open pages", "Close a page or wait a moment.")
    NOT_READY = ("Not ready", "Waiting for: {waiting_for}.")
    IDEMPOTENCY_KEY_NOT_VALID = (
        "The Idempotency-Key is not valid",
        "Idempotency-Key: send 1 to 200 visible ASCII characters.",
    )
    IDEMPOTENCY_KEY_USED = (
        "The Idempotency-Key was used for another request",
        "Idempotency-Key: send a new one with every new request.",
    )
    SAME_REQUEST_UNDER_WAY = (
        "The same request is under way",
        "Wait for its answer, or ask again in a moment.",
    )
    INTERNAL = (
        "Internal error",
        "The daemon hit an error it did not foresee. It is counted and logged; please report the log line.",
    )

    # Cameras and their buffers.
    CAMERA_UNKNOWN = ("Unknown camera", "There is no such camera. Known: {known}.")
    CAMERA_UNREACHABLE = ("The camera cannot be reached", "{reason}. Check the camera and its address.")
    SOURCE_UNSUPPORTED = (
        "That source is not supported",
        "{reason}. Correct the camera's source in config.yaml.",
    )
    BUFFER_EMPTY = (
        "Nothing is buffered yet",
        "{reason}. Wait until the camera is live (GET /api/cameras tells its state and last error), then try "
        "again.",
    )
    NOT_IN_BUFFER = (
        "That moment is not in the buffer",
        "{reason}. Ask for one that overlaps oldest_frame … newest_frame, as GET /api/cameras tells them.",
    )
    PLAYS_AS_FRAMES = (
        "This buffer plays as frames, not as a video",
        "{reason}. GET /api/cameras/{{camera}}/frames?start=&end= lists them; or record a clip, which "
        "becomes a video.",
    )
    NO_VIDEO_FROM_CAMERA = (
        "The camera's pictures make no video",
        "{reason}. Ask for another span; GET /api/cameras/{{camera}}/filmstrip shows which pictures are "
        "whole.",
    )
    PICTURE_NOT_DECODED = ("The picture could not be decoded", "{reason}. Try another moment.")
    BUSY = ("Busy", "{reason}. Try again in a moment.")
    TOO_MANY_VIEWERS = ("Too many viewers", "{open} live views are open. Close one.")
    TOO_MANY_STILLS = ("Busy", "{open} pictures are being made; try again when one is done.")
    REPLAY_GONE = (
        "That replay is gone",
        "It was not looked at for a minute, or made room for another one; ask for it again.",
    )
    REPLAY_NOT_WRITTEN = (
        "The replay could not be written",
        "The disk of data_dir says: {reason}. See to it, then ask again; the buffer goes on.",
    )

    # Clips: their life, their texts.
    CLIP_UNKNOWN = ("Unknown clip", "There is no such clip; GET /api/clips lists them.")
    CLIP_GONE = (
        "No such clip",
        "There is no such clip. It may have been deleted; GET /api/clips lists what there is.",
    )
    CLIP_STATE = (
        "The clip's state does not allow that",
        "The clip is {status} and cannot become {wanted}. Read the clip again for its state.",
    )
    CLIP_PUBLISHED_ALREADY = (
        "The clip's state does not allow that",
        "It is published already: unpublish it first to publish it later.",
    )
    CLIP_NEVER_FINISHED = (
        "The clip's state does not allow that",
        "The clip could not be finished: retry it first, or delete it.",
    )
    CLIP_UNFINISHED = (
        "The clip's state does not allow that",
        "The clip is {status}: wait until its status is draft.",
    )
    CLIP_NOT_READY = ("The clip is not ready", "The clip is {status}. Wait until its status is draft.")
    CLIP_FAILED = ("The clip is not ready", "The clip is {status}. {reason}")
    CLIP_OF_ARCHIVE_NOT_READY = (
        "A clip is not ready",
        "Clip {clip} is {status}. Wait until its status is draft, or leave it out.",
    )
    CLIP_OF_ARCHIVE_FAILED = ("A clip is not ready", "Clip {clip} is {status}. {reason}")
    NOT_RECORDING = ("Not being recorded", "The clip is {status}; its recording has ended.")
    RECORDING_JUST_ENDED = (
        "Not being recorded",
        "Its recording has just ended; read the clip again.",
    )
    RECORDING_UNKNOWN = (
        "That recording is not under way",
        "{reason}. It has ended already; read the clip again for its state.",
    )
    NO_PLANNED_END = ("Nothing to extend", "This recording has no planned end: stop it when done.")
    EXTENDED_TOO_FAR = (
        "Too long",
        "seconds: A planned recording lasts at most {limit_s:clock}; record again from its end.",
    )
    NOTHING_TO_RETRY = ("Nothing to retry", "The clip is {status}; only failed ones can be.")
    MATERIAL_LOST = ("Cannot be retried", "Its material is lost; delete the clip.")
    PART_FILE_DAMAGED = (
        "The recording's file is damaged",
        "{reason}. Run `hindsight fsck` and look at the disk.",
    )
    FINISH_FAILED = (
        "The clip could not be finished",
        "{reason}. Its material is kept: POST /api/clips/{{id}}/retry tries again.",
    )
    SPAN_WITH_SECONDS = (
        "The body is not valid",
        "{field} cannot be combined with start and end; leave one of them out.",
    )
    SPAN_WITHOUT_START = ("The body is not valid", "start is required with end.")
    SPAN_WITHOUT_END = (
        "The body is not valid",
        "end is required with start; use at and after_seconds to record on.",
    )
    SPAN_BACKWARDS = ("The body is not valid", "end must be later than start.")
    SPAN_TOO_LONG = ("The body is not valid", "end must be at most {limit_s:.0f} seconds after start.")
    REPLAY_WITHOUT_SPAN = (
        "The body is not valid",
        "replay needs start and end: which part of it becomes the clip.",
    )
    SPAN_EMPTY = (
        "The body is not valid",
        "before_seconds and after_seconds cannot both be 0: the clip would be empty.",
    )
    ONLY_WHEN_PUBLISHING = ("The body is not valid", "{field}: only publish takes it.")
    CURSOR_NOT_OURS = (
        "That cursor is not ours",
        "{reason}. Leave `cursor` out to begin at the first page.",
    )
    TEXT_NOT_KEPT = (
        "That text cannot be kept",
        "{reason}. Send text without NUL and half characters.",
    )
    CATALOGUE_UNAVAILABLE = (
        "The catalogue does not answer",
        "{reason}. Try again in a moment; if it stays so, look at the disk and the daemon's log.",
    )

    # Room: disk, credits, retention.
    DISK_FULL = (
        "The disk is full",
        "Nothing was recorded; the buffer goes on. Free some space on the disk of data_dir.",
    )
    NO_DESCRIPTORS = (
        "Too many files and connections are open",
        "The process may open no more of them, so this was not done; the buffer goes on. Raise LimitNOFILE "
        "of the service, `ulimit -n` of the shell or `ulimits: nofile` of the container, or find out who "
        "connects.",
    )
    DISK_REFUSES = (
        "The disk refuses to write",
        "Nothing was recorded; the buffer goes on. The disk says: {reason}.",
    )
    DISK_ALMOST_FULL = (
        "The disk is almost full",
        "Only {free_bytes:bytes} are free on the disk of the clips, and {reserve_bytes:bytes} are kept in "
        "reserve (retention.reserve). Nothing was recorded; the buffer goes on. Delete clips or other files "
        "there; it is taken back by itself when there is space.",
    )
    DISK_TOO_FULL_TO_CLEAN = (
        "The disk is almost full",
        "Only {free_bytes:bytes} are free on the disk of the clips, and {reserve_bytes:bytes} are kept in "
        "reserve (retention.reserve). Leave `form` out to get the clip's own file, or delete clips or other "
        "files there.",
    )
    CREDITS_SPENT = (
        "The credits are spent",
        "{media_type:named} costs {cost} credits, and {left} of {limit} {left:is} left. There are {limit} "
        "new ones in {wait_s:duration}, at {refills_at:time}.",
    )
    COSTS_MORE_THAN_THE_BUDGET = (
        "The credits are spent",
        "{media_type:named} costs {cost} credits, and {left} of {limit} {left:is} left. Ask the owner "
        "of this box to raise budget.credits.",
    )
    CREDITS_GONE = (
        "The credits are spent",
        "{reason}. GET /api/budget says when there are new ones.",
    )
    NOTHING_TO_APPROVE = ("Nothing waits", "No sweep waits for approval; there is nothing to approve.")

    # Bytes on their way out.
    NOT_A_VIDEO = ("Not a video", "This is a snapshot: show its image_url instead.")
    RANGE_OUTSIDE_FILE = (
        "That range is not in the file",
        "The file has {size_bytes} bytes; ask for a range that begins before its end.",
    )
    FILE_MISSING = (
        "The file is missing",
        "The catalogue knows the clip but its file is not on the disk. Run `hindsight fsck`.",
    )
    STORE_NOT_CONFIGURED = (
        "The file is missing",
        "The catalogue knows the clip but its file is not on the disk. It is kept in an object store: "
        "configure storage.s3 again.",
    )
    DISK_CANNOT_READ = ("The disk cannot read the clip", "The disk says: {reason}. Run `hindsight fsck`.")
    INDEX_NOT_READ = ("The clip cannot be read", "{reason}. Run `hindsight fsck`.")
    OBJECT_NOT_AS_PUT = ("The object is gone", "The store does not hold clip {clip} as it was put.")
    OBJECT_GONE = ("The object is gone", "The store does not hold the clip. Run `hindsight fsck`.")
    OBJECT_MISSING = ("The object is gone", "{reason}")
    OBJECT_OF_OTHER_SIZE = (
        "The store holds something else",
        "The store's object is not the clip's {size_bytes} bytes. Run `hindsight fsck`.",
    )
    STORE_FAILED = ("The object store failed", "{reason}")
    STORE_TOO_SLOW = (
        "The object store is too slow",
        "It did not send what is needed within {limit_s:.0f} seconds. Try again.",
    )
    TOO_MANY_CLEAN_COPIES = (
        "Too many clean forms at once",
        "Several clips are being cleaned already. Try again in a moment.",
    )
    CLEAN_COPY_FAILED = (
        "The clean form could not be made",
        "{reason} The clip itself is untouched: `form=original` gets its own file.",
    )
    CLEAN_COPY_BROKEN_OFF = (
        "The clip cannot be had now",
        "It was deleted, or the daemon is being stopped.",
    )
    TOO_MANY_CLIPS_SENT = ("Busy", "{open} clips are being sent; try again when one is done.")
    TOO_MANY_ARCHIVES = ("Busy", "{open} archives are being sent; try again when one is done.")

    # Pictures that stand for clips.
    SNAPSHOT_HAS_ONE_PICTURE = ("Not a video", "This is a snapshot: its one picture stands for it.")
    MOMENT_NOT_IN_CLIP = (
        "That moment is not in the clip",
        "time: must be at least 0 and less than the clip's duration of {duration_s:.6f} seconds.",
    )
    FRAME_NOT_IN_CLIP = (
        "That frame is not in the clip",
        "frame: the clip has {frame_count} frames, numbered from 0.",
    )
    LABEL_NOT_IN_CLIP = (
        "That moment is not in the clip",
        "label: must be at or after {start} and before {end}.",
    )
    FRAME_NAMED_ONCE = (
        "The body is not valid",
        "time: is required, or instead of it either label or frame.",
    )
    PICTURE_SET_ALREADY = (
        "There is one already",
        "There is a manual picture already; send overwrite: true to replace it.",
    )
    PICTURE_UNKNOWN = (
        "There is no such picture",
        "source: there is no {source} picture of the clip; GET previews tells which there are.",
    )
    PICTURE_TOO_SLOW = (
        "It took too long",
        "The frame could not be decoded within {limit_s:g} seconds. Try again.",
    )
    PICTURE_FAILED = (
        "The picture could not be made",
        "{reason}. The picture there was stays; try another moment.",
    )
    PICTURE_NOT_WRITTEN = (
        "The disk refuses to write",
        "The picture cannot be written ({reason}), so it stays as it was. Look at the disk.",
    )
    PICTURE_REMOVED = ("It was taken away again", "Another request just removed the picture; try again.")
    NO_INDEX_IN_FRONT = ("The clip has no index in front", "Run `hindsight fsck --level hash`.")

    # Schedules.
    SCHEDULE_UNKNOWN = (
        "Unknown schedule",
        "There is no such schedule; GET /api/schedules lists them.",
    )
    SCHEDULE_GONE = (
        "No such schedule",
        "There is no such schedule. It may have been deleted; GET /api/schedules lists what there is.",
    )
    TOO_MANY_SCHEDULES = (
        "Too many schedules",
        "There are {limit} schedules, which is the most. Delete one first.",
    )
    SCHEDULE_OF_OTHER_BOX = (
        "The schedule of another box",
        "camera: this schedule is another box's; give it another camera there.",
    )
    SCHEDULE_READ_ONLY = (
        "This schedule is read-only",
        "'{name}' comes from config.yaml: change it there, then reload (SIGHUP).",
    )

    SCHEDULE_ZONE_UNKNOWN = (
        "The body is not valid",
        "{field} is not in the time zone database; such as Europe/Berlin, or UTC.",
    )
    SCHEDULE_PLACEHOLDER_UNKNOWN = (
        "The body is not valid",
        "{field} has a placeholder that stands for nothing; known here: {known}.",
    )
    SCHEDULE_FIELD_OF_TIMELAPSE = (
        "The body is not valid",
        "{field} is for a timelapse; leave it out of a recording.",
    )
    SCHEDULE_FIELD_OF_RECORDING = (
        "The body is not valid",
        "{field} is for a recording; a timelapse has every and join.",
    )
    SCHEDULE_WITH_TWO_RHYTHMS = (
        "The body is not valid",
        "{field} and {other} cannot both be given: leave one of them out.",
    )
    SCHEDULE_WITHOUT_RHYTHM = (
        "The body is not valid",
        "{field} is required, or every: one of the two says when to record.",
    )
    SCHEDULE_WITHOUT_LENGTH = (
        "The body is not valid",
        "{field} is required: how many seconds to record each time.",
    )
    SCHEDULE_LENGTH_OUT_OF_RANGE = (
        "The body is not valid",
        "{field} must be between 1 and {most_s} seconds; times that touch record for longer.",
    )
    SCHEDULE_RHYTHM_OUT_OF_RANGE = (
        "The body is not valid",
        "{field} must be between {least_s} and {most_s} seconds.",
    )
    SCHEDULE_CRON_NOT_VALID = ("The body is not valid", "{field} {reason}.")
    SCHEDULE_OVERLAPS_ITSELF = (
        "The body is not valid",
        "{field} is longer than the {rhythm_s:.0f} seconds from one time to the next; shorten it.",
    )
    SCHEDULE_WITHOUT_EVERY = (
        "The body is not valid",
        "{field} is required: the seconds between two pictures.",
    )
    SCHEDULE_WITHOUT_JOIN = (
        "The body is not valid",
        "{field} is required: hour, day or a number of seconds, after which a clip is made.",
    )
    SCHEDULE_JOIN_OUT_OF_RANGE = (
        "The body is not valid",
        "{field} must be hour, day or between {least_s} and {most_s} seconds.",
    )
    SCHEDULE_EVERY_TOO_LONG = (
        "The body is not valid",
        "{field} must be between 1 and {most_s} seconds, half of what join says.",
    )
    SCHEDULE_OF_TOO_MANY_PICTURES = (
        "The body is not valid",
        "{field} must be at least {least_s} seconds: a clip has at most {most} pictures.",
    )
    SCHEDULE_FPS_OUT_OF_RANGE = (
        "The body is not valid",
        "{field} must be between 1 and {most} pictures per second.",
    )

    def __init__(self, title: str, sentence: str) -> None:
        self.words = title, sentence

    @property
    def code(self) -> str:
        """The name in the problem document."""
        return self.name.lower()
