"""Compiles a small library of ours that is preloaded into a process under test."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from tests.support.components import require


def compiled(source: Path) -> Path:
    """The shared library made of `source`; made once per content. Skips without a compiler."""
    compiler = require("cc", "apt-get install gcc libc6-dev")
    name = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / "hindsight-test-material" / f"{source.stem}-{name}.so"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        options = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
        subprocess.run(
            [str(compiler), *options, "-o", str(unfinished), str(source), "-ldl"], check=True, timeout=60
        )
        unfinished.replace(path)
    return path
