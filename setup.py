"""Puts the files at the top level that the program serves into the wheel; all else is in setup.cfg.

`backend/base/shipped.py` finds them there. An editable installation reads them from the checkout.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("config.yaml", "test_video_playback.html", "web")


def shipped_files() -> list[str]:
    """List every shipped file, relative to the checkout, without hidden ones."""
    files = (path for name in SHIPPED for path in (Path(name), *Path(name).rglob("*")) if path.is_file())
    return sorted(str(path) for path in files if not any(part.startswith(".") for part in path.parts))


class BuildWithPage(build_py):
    """Copies the shipped files into `backend/shipped` of the build."""

    @property
    def _target(self) -> Path:
        return Path(self.build_lib, "backend", "shipped")

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        shutil.rmtree(self._target, ignore_errors=True)  # an earlier build may have left files that are gone
        for name in shipped_files():
            (self._target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(name, self._target / name)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        copies = [] if self.editable_mode else [str(self._target / name) for name in shipped_files()]
        return [*super().get_outputs(include_bytecode), *copies]

    def get_source_files(self) -> list[str]:
        """List what a source distribution must hold for the wheel to be built from it."""
        return [*super().get_source_files(), *shipped_files()]


setup(cmdclass={"build_py": BuildWithPage})
