"""Kills one operation at its boundaries in turn; prints what it found, one JSON object per kill.

    python -m tests.support.killed.trial DIRECTORY CASE STRIDE

Started by `tests/parts/backend/clips/test_killed.py` with `kill_at.c` preloaded. This process loads
everything and never runs a loop or a thread itself; each life is a fork of it, so that a hundred lives take
seconds.
"""

import asyncio
import ctypes
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from tests.support.killed.operations import CASES, Case, Life, agreement, alive

_KILLER = ctypes.CDLL(None)
MOST_CALLS = 2000


def main(directory: Path, name: str, stride: int) -> None:
    """Kill before every `stride`-th call, until a life had fewer calls than the kill waited for."""
    case = CASES[name]
    template = directory / "template"
    assert _in_a_life(lambda: asyncio.run(alive(template, case.prepare))) == 0
    for call in count(1, stride):
        assert call < MOST_CALLS, "this operation never ends"
        box = directory / f"{call}"
        shutil.copytree(template, box)
        ended = _in_a_life(lambda box=box, call=call: _carry_out(case, box, call))  # type: ignore[misc]
        verdict = box / "verdict.json"
        judged = _in_a_life(lambda box=box, to=verdict: _judge(case, box, to))  # type: ignore[misc]
        found = json.loads(verdict.read_text()) if judged == 0 else {"judge": judged}
        print(json.dumps({"call": call, "ended": ended, **found}), flush=True)
        shutil.rmtree(box)
        if ended != -signal.SIGKILL:
            return


def _in_a_life(work: Callable[[], object]) -> int:
    """The exit code of a fork that does `work`; negative: the signal that ended it."""
    pid = os.fork()  # noqa: TID251  this process has no threads, which is what the ban is about
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  the outermost frame of a life
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _carry_out(case: Case, box: Path, call: int) -> None:
    async def work(life: Life) -> None:
        clip = await life.only_clip()
        assert clip is not None
        _KILLER.kill_at(call)
        await case.operation(life, clip)
        _KILLER.kill_at(0)

    asyncio.run(alive(box, work))


def _judge(case: Case, box: Path, verdict: Path) -> None:
    async def work(life: Life) -> None:
        await life.start_up()
        clip = await life.only_clip()
        found = {"holds": await case.holds(life), "status": None if clip is None else clip.status}
        verdict.write_text(json.dumps(found | {"fsck": await agreement(life)}))

    asyncio.run(alive(box, work))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
