"""Which tests go to one worker when several run: those of a file, and those of a folder that is one piece.

A pytest plugin, loaded by tests/conftest.py. Without it, a fixture of a module or a session is made in every
worker that gets one of its tests. Not `--dist loadgroup`: it appends the group to the name of a test, which
xdist 3.8 does in vain with pytest 9.2, and every test goes its own way.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

SPREAD = ("--dist", "loadfile", "--no-loadscope-reorder")
"""The options that choose it. Without reordering, the folders come in the order of the command line."""

IN_ONE_PIECE = ("/one_daemon/", "/campaigns/")
"""Folders whose tests share a daemon, or would take both cores each: they run one after another."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return ByPiece(config, log) if config.getvalue("dist") == "loadfile" else None


class ByPiece(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a worker one piece after another."""

    def _split_scope(self, nodeid: str) -> str:
        return piece_of(nodeid)


def piece_of(nodeid: str) -> str:
    """The file of a test, or the folder that is one piece."""
    path = nodeid.partition("::")[0]
    for folder in IN_ONE_PIECE:
        before, is_inside, _ = path.partition(folder)
        if is_inside:
            return before + folder
    return path
