"""What a stream is encoded as, in words where it is nothing that we keep."""

from types import SimpleNamespace
from typing import Any

import pytest

from recorder.base.errors import SourceUnsupported
from recorder.sources.packets import codec_of


def test_video_that_ffmpeg_cannot_decode_is_refused_with_what_to_do() -> None:
    """A damaged description of the session announced some, and the camera failed with a traceback."""
    stream: Any = SimpleNamespace(codec_context=None)
    with pytest.raises(SourceUnsupported, match="encoded as something unknown; set the camera to"):
        codec_of(stream)


def test_a_codec_that_we_do_not_keep_is_named() -> None:
    """The person at the camera's settings looks for this word."""
    stream: Any = SimpleNamespace(codec_context=SimpleNamespace(name="vp9"))
    with pytest.raises(SourceUnsupported, match="encoded as VP9; set the camera to"):
        codec_of(stream)
