"""Where the files lie that ship with the program and are not Python: the page and the configuration sample.

In a checkout they are at the top level, where people look for them. `setup.py` puts them into the
wheel, in the folder `backend/shipped`.
"""

from pathlib import Path

CHECK_PAGE = "test_video_playback.html"
SAMPLE = "config.yaml"
WEB = "web"

_CHECKOUT = Path(__file__).resolve().parents[2]
_INSTALLED = Path(__file__).resolve().parents[1] / "shipped"


def shipped(name: str) -> Path:
    """Return the absolute path of `name`, one of the constants above, in an installation or a checkout."""
    return (_INSTALLED if _INSTALLED.is_dir() else _CHECKOUT) / name
