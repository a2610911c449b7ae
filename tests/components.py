"""What the test machine may lack. A skip says how to cure it; under CI=true conftest makes it a failure."""

import shutil
from pathlib import Path

import pytest


def require(component: str, install_line: str, found: object = None) -> Path:
    """The path of a program, or of what `found` holds (a path or None, when it is not on PATH)."""
    place = found or shutil.which(component)
    if not place:
        pytest.skip(f"{component} is missing; to install it: {install_line}")
    return Path(str(place))
