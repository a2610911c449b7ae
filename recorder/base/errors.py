"""Every error the recorder raises, as one tree.

    RecorderError
    ├── SourceError            the camera or its address            the operator acts
    │   ├── SourceUnsupported  the URL or codec is unsupported      the operator changes the config
    │   └── SourceLost         the connection ended or went silent  the stream reconnects by itself
    │       └── SourceFrozen   the camera repeats one picture       the stream reconnects by itself
    ├── SpanError              the requested time is not buffered   the caller requests another time
    │   ├── BufferEmpty        nothing is buffered yet
    │   └── SpanOutsideBuffer  the requested span holds no frame
    ├── NotPlayable            the buffer does not hold H.264       the caller requests frames instead
    ├── CutFailed              the span cannot be muxed             the caller requests another span
    ├── UnknownRecording       no such recording is in progress     the caller uses another id
    ├── Busy                   a bounded resource is full           the caller retries later
    ├── DecodeFailed           a picture could not be decoded       the caller shows a placeholder
    │   └── WorkerLost         the worker process died              the caller may retry
    │       └── WorkerTimedOut the worker hung or was too slow      the caller may retry
    ├── PartFileDamaged        a part file has no usable header     the operator checks the disk
    └── FinishFailed           the finished file cannot be made     the caller retries from the part file

Messages are sentences for people and never contain credentials.
"""

from recorder.base.redaction import one_line


class RecorderError(Exception):
    """Root of the tree."""


class SourceError(RecorderError):
    """The camera or its address is at fault. What a camera said is escaped and bounded here."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class SourceUnsupported(SourceError):
    """The URL, container or codec is not supported; reconnecting will not help."""


class SourceLost(SourceError):
    """The connection failed, ended or went silent; the background stream reconnects."""


class SourceFrozen(SourceLost):
    """The camera keeps sending the same picture; it is reopened."""


class SpanError(RecorderError):
    """The requested time is not buffered."""


class BufferEmpty(SpanError):
    """No frame is buffered yet."""


class SpanOutsideBuffer(SpanError):
    """The requested span holds no buffered frame. `parameter` names the bound at fault, if one is."""

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class NotPlayable(RecorderError):
    """The buffer does not hold H.264, so it cannot be played without transcoding."""


class CutFailed(RecorderError):
    """The units of the span cannot be muxed into a video; no file is kept."""


class UnknownRecording(RecorderError):
    """No recording with this id is in progress."""


class Busy(RecorderError):
    """A bounded resource (recordings, replays, workers) is full; retry in a moment."""


class DecodeFailed(RecorderError):
    """The picture could not be decoded."""


class WorkerLost(DecodeFailed):
    """The worker process died or was killed during the job."""


class WorkerTimedOut(WorkerLost):
    """The job exceeded its time limit; its process was killed."""


class PartFileDamaged(RecorderError):
    """The part file has no usable header or no usable unit."""


class FinishFailed(RecorderError):
    """The finished file could not be made; the part file is kept."""
