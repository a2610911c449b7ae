"""Which tests go to one worker when several run: those of a file, and those of a folder that shares a daemon.

A pytest plugin, loaded by tests/conftest.py. Without it, a fixture of a module or a session is made in every
worker that gets one of its tests. Not `--dist loadgroup`: it appends the group to the name of a test, which
xdist 3.8 does in vain with pytest 9.2, and every test goes its own way.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

SPREAD = ("--dist", "loadfile", "--no-loadscope-reorder")
"""The options that choose it. Without reordering, the slow files begin."""

ONE_DAEMON = "/one_daemon/"
"""In the path of every test that shares a daemon with the others of that folder."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return ByPiece(config, log) if config.getvalue("dist") == "loadfile" else None


class ByPiece(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives a worker one piece after another."""

    def _split_scope(self, nodeid: str) -> str:
        return piece_of(nodeid)


def piece_of(nodeid: str) -> str:
    """The file of a test, or the folder whose files share a daemon."""
    path = nodeid.partition("::")[0]
    before, shared, _ = path.partition(ONE_DAEMON)
    return before + ONE_DAEMON if shared else path
