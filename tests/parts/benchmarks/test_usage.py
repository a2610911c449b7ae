"""Processor time and memory are the kernel's own figures for all of a program's processes."""

import subprocess
import sys

from benchmarks.usage import Usage, cores, usage

GRANDCHILD = "data = bytearray(30_000_000); print('held', flush=True); input()"
CHILD = (
    "import subprocess, sys; data = bytearray(40_000_000); print('held', flush=True);"
    f"subprocess.run([sys.executable, '-c', {GRANDCHILD!r}])"
)


def test_children_are_counted_with_their_parent() -> None:
    """Whoever does its work in worker processes gets no discount."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert [process.stdout.readline(), process.stdout.readline()] == [b"held\n", b"held\n"]
        measured = usage(process.pid)
        process.communicate(b"\n")
    assert measured.own_bytes > 70_000_000
    assert measured.cpu_s > 0


def test_a_share_is_processor_time_over_wall_time() -> None:
    """One busy core is 100 %, two are 200 %."""
    assert cores(Usage(10, 1, 0), Usage(12, 5, 0)) == 200
