"""Where the files lie that ship with the program."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from backend.base import shipped

NAMES = (shipped.WEB, shipped.CHECK_PAGE, shipped.SAMPLE)


def _copied_to(folder: Path) -> ModuleType:
    """The module, loaded from `folder` as an installation there loads it."""
    folder.mkdir(parents=True)
    copy = shutil.copy(shipped.__file__, folder)
    spec = importlib.util.spec_from_file_location("copied_shipped", copy)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_a_checkout_serves_what_lies_at_its_top_level(name: str) -> None:
    """An editable installation shows a change of the page at the next start."""
    assert shipped.shipped(name) == Path(shipped.__file__).parents[2] / name
    assert shipped.shipped(name).exists()


@pytest.mark.parametrize("name", NAMES)
def test_an_installation_serves_what_the_wheel_brought(name: str, tmp_path: Path) -> None:
    """A folder `web` of another package, at the top of site-packages, is not ours."""
    (tmp_path / "web").mkdir()
    installed = _copied_to(tmp_path / "backend" / "base")
    (tmp_path / "backend" / "shipped").mkdir()
    assert installed.shipped(name) == tmp_path / "backend" / "shipped" / name
