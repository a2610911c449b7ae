"""Every error the recorder raises, as one tree.

    RecorderError
    ├── SourceError            the camera or its address            the operator acts
    │   ├── SourceUnsupported  a URL or codec we do not take        the operator changes the config
    │   └── SourceLost         the connection ended or went silent  nobody: the stream reconnects
    │       └── SourceFrozen   the same picture again and again     nobody, unless it stays so
    ├── SpanError              the asked moment cannot be had       the caller asks differently
    │   ├── BufferEmpty        nothing is buffered yet
    │   └── SpanOutsideBuffer  the asked span holds no frame
    ├── NotPlayable            the buffer is no H.264 to cut        the caller asks for frames instead
    ├── CutFailed              what the camera sent makes no video      the caller asks for another span
    ├── UnknownRecording       no such recording is under way       the caller asks differently
    ├── Busy                   a bounded resource is full           the caller tries again later
    ├── DecodeFailed           a picture could not be decoded       the caller shows a placeholder
    │   └── WorkerLost         the process doing it died            the caller may try again
    │       └── WorkerTimedOut it hung, or was too slow             the caller may try again
    ├── PartFileDamaged        a part file has no usable start      the operator looks at the disk
    └── FinishFailed           the finished file could not be made  the caller retries from the part file

Messages are sentences for people and never hold credentials.
"""


class RecorderError(Exception):
    """Root of the tree."""


class SourceError(RecorderError):
    """The camera or its address is at fault."""


class SourceUnsupported(SourceError):
    """The URL, container or codec is not one we take; reconnecting will not help."""


class SourceLost(SourceError):
    """The connection failed, ended or went silent; the background stream tries again."""


class SourceFrozen(SourceLost):
    """The camera sends the same picture again and again; it is opened anew."""


class SpanError(RecorderError):
    """The asked moment cannot be had."""


class BufferEmpty(SpanError):
    """No frame is buffered yet, so there is nothing to begin from."""


class SpanOutsideBuffer(SpanError):
    """The requested span holds no buffered frame. `parameter` names the bound at fault, if one is."""

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class NotPlayable(RecorderError):
    """What is buffered is no H.264, so it is not a video without being encoded first."""


class CutFailed(RecorderError):
    """What the camera sent in that span cannot be put into a video; nothing was kept of it."""


class UnknownRecording(RecorderError):
    """No recording of that id is under way."""


class Busy(RecorderError):
    """A bounded resource (replays, workers) is full; try again in a moment."""


class DecodeFailed(RecorderError):
    """The picture could not be decoded."""


class WorkerLost(DecodeFailed):
    """The worker process died or was killed in the middle of the job."""


class WorkerTimedOut(WorkerLost):
    """The job took longer than it may; its process was ended."""


class PartFileDamaged(RecorderError):
    """The part file has no usable header or no usable unit."""


class FinishFailed(RecorderError):
    """The finished file could not be made; the part file is kept."""
