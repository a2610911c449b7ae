"""Where the bytes of a finished clip are, for players and for downloads.

Here: the resolver. Local files are streamed by the daemon itself (`proxy_stream`); a store that can
sign addresses will add `direct_url` beside it. Not here: ranges (`byte_range`), sending (`file_body`).
"""

import re
import unicodedata
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from backend.catalogue import Clip, MediaType
from backend.clips import is_ready
from backend.errors import Problem
from backend.file_body import FileToSend
from backend.wire.clips import PlaybackJson

MIME_TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg"}


class Playback:
    """Resolves clips to addresses and files below `clips_dir`."""

    def __init__(self, clips_dir: Path) -> None:
        self._clips_dir = clips_dir

    def resolve(self, clip: Clip) -> PlaybackJson:
        """Where a player gets the clip. 400 not a video, 409 not ready."""
        self._must_be_playable(clip)
        return PlaybackJson(
            clip_id=clip.id,
            media_type=clip.media_type,
            provider="local",
            mode="proxy_stream",
            playback_url=f"/api/clips/{clip.id}/playback/stream",
            expires_at=None,
            mime_type=MIME_TYPES[".mp4"],
        )

    def stream(self, clip: Clip) -> FileToSend:
        """The video, to be played in the page. 400 not a video, 409 not ready."""
        self._must_be_playable(clip)
        return self._file(clip, {})

    def download(self, clip: Clip, *, inline: bool) -> FileToSend:
        """The file under a readable name; `inline` shows it instead of saving it. 409 not ready."""
        self._must_be_ready(clip)
        return self._file(clip, {"Content-Disposition": disposition(readable_name(clip), inline=inline)})

    def _file(self, clip: Clip, headers: dict[str, str]) -> FileToSend:
        path = self._clips_dir / str(clip.path)
        # The bytes of a clip never change under its id, so a browser may keep them; only for itself.
        caching = {"Cache-Control": "private, max-age=31536000, immutable"}
        return FileToSend(path, MIME_TYPES[path.suffix], clip.sha256, headers | caching)

    def _must_be_playable(self, clip: Clip) -> None:
        if clip.media_type is not MediaType.VIDEO:
            raise Problem(400, "Not a video", "This is a snapshot: show its image_url instead.", field="id")
        self._must_be_ready(clip)

    def _must_be_ready(self, clip: Clip) -> None:
        if not is_ready(clip):
            why = clip.error or "Wait until its status is draft."
            raise Problem(409, "The clip is not ready", f"The clip is {clip.status}. {why}")


def readable_name(clip: Clip) -> str:
    """A file name for people: title or camera, then the start in UTC."""
    words = re.sub(r'[\x00-\x1f\x7f<>:"/\\|?*]+', " ", clip.title or clip.camera)
    words = re.sub(r"\s+", " ", words).strip(" .")[:80].strip() or clip.camera
    suffix = ".mp4" if clip.media_type is MediaType.VIDEO else ".jpg"
    return f"{words} {_stamp(clip.start_time)}{suffix}"


def disposition(name: str, *, inline: bool) -> str:
    """Content-Disposition by RFC 6266: plain ASCII for old clients, UTF-8 for all others."""
    kind = "inline" if inline else "attachment"
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    ascii_name = re.sub(r"\s+", " ", ascii_name.replace("%", "_")).strip() or "clip"
    return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H-%M-%S") + "Z"
