"""Programs that an update runs end with it, and say why they failed."""

import os
import signal
import threading
from pathlib import Path

import pytest

from backend.cli.exits import CommandFailed
from backend.cli.update.repository import run_program
from backend.cli.update.steps import Interruptions
from tests.support.waiting import wait_until


def test_an_interruption_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    """pip, started by a launcher, would go on to fill the folder that is being removed."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    held = os.open(fifo, os.O_RDWR)
    script = f"sh -c 'echo $$ > \"{fifo}\"; exec tail -f /dev/null' & wait"

    def interrupt() -> None:
        grandchild.append(int(os.read(held, 100)))
        os.kill(os.getpid(), signal.SIGTERM)

    grandchild: list[int] = []
    thread = threading.Thread(target=interrupt)
    thread.start()
    with Interruptions() as interruptions, pytest.raises(KeyboardInterrupt), interruptions.allowed():
        run_program(["sh", "-c", script])
    thread.join()
    os.close(held)
    # A signal that was sent is not yet one that was handled.
    wait_until(lambda: not _is_running(grandchild[0]), 10)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def test_a_program_that_fails_is_named_with_its_last_words() -> None:
    """The last line of git is the reason; where all of it is on the terminal it is not repeated."""
    with pytest.raises(CommandFailed, match="`sh -c` failed: no such remote"):
        run_program(["sh", "-c", "echo warning >&2; echo no such remote >&2; exit 1"], is_quiet=True)
    with pytest.raises(CommandFailed, match=r"`false` failed \(see above\)"):
        run_program(["false"])
    with pytest.raises(CommandFailed, match="not-there cannot be started: No such file"):
        run_program(["not-there"])
