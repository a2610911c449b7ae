"""How the files of pictures are called, and which of them a kill left behind. Pure.

A name is used once: a picture that replaces another one lies beside it until the row says so, and what
a browser or an object store has kept under a name never becomes wrong.
"""

import re
import secrets
from collections.abc import Iterable

from backend.catalogue.values import Clip, PreviewSource

_NAME = re.compile(rf"(?:{'|'.join(PreviewSource)})-[0-9a-f]{{8}}\.(?:jpg|png)", re.ASCII)


def new_name(source: PreviewSource, suffix: str) -> str:
    """A name for one more picture of a clip; `suffix` is `.jpg` or `.png`."""
    return f"{source}-{secrets.token_hex(4)}{suffix}"


def is_ours(name: str) -> bool:
    """Whether `new_name` may have made it."""
    return _NAME.fullmatch(name) is not None


def unclaimed(clip: Clip, names: Iterable[str]) -> list[str]:
    """Those of `names` in the clip's directory that are pictures of ours, but none that its row names.

    They were written but never named in a row, or were replaced.
    """
    infos = (clip.previews.of(source) for source in PreviewSource)
    claimed = {info.path for info in infos if info is not None}
    return [name for name in names if is_ours(name) and f"{clip.id}/{name}" not in claimed]
