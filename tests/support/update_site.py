"""A checkout with a git remote, updated by its own launcher, without a package index.

`Upstream` is the remote: the present sources and what a test adds. `Site` is a clone of it with a daemon.
The only stand-in is pip: `python3` on PATH makes environments that see the packages of the running one,
where `pip install --editable` only notes the checkout and its version. Ends only processes it started.
"""

import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

from backend.base.machine.data_lock import read_holder
from tests.support.daemon import ROOT, Daemon

_LEFT_OUT = {
    "tests",
    "docs",
    "benchmarks",
    "deploy",
    "data",
    "build",
    ".venv",
    ".git",
    ".versions",
    ".current",
}
_SMALL = {"id": "front", "source": "synthetic?size=160x90&fps=15&gop_s=1"}
_PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    for folder in "$@"; do :; done
    {python} -m venv --without-pip --clear "$folder" || exit 1
    cp -R "{pip}/." "$folder"/lib/python3*/site-packages/
    exit 0
fi
exec {python} "$@"
"""
_PIP = '''"""Stands in for pip: an editable installation and nothing else."""
import configparser, pathlib, sys

for flag, value in zip(sys.argv, sys.argv[1:]):
    if flag in {"-e", "--editable"}:
        checkout, here = pathlib.Path(value.partition("[")[0]).resolve(), pathlib.Path(__file__).parents[1]
        config = configparser.ConfigParser()
        config.read(checkout / "setup.cfg")
        version = config["metadata"]["version"]
        (here / "checkout.pth").write_text(f"{checkout}\\n")
        notes = here / f"hindsight_recorder-{version}.dist-info"
        notes.mkdir(exist_ok=True)
        lines = "Metadata-Version: 2.1", "Name: hindsight-recorder", f"Version: {version}", ""
        (notes / "METADATA").write_text("\\n".join(lines))
'''
_MIGRATION = '''"""A table that only newer versions know."""
import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = "{before:04}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("added_by_{number:04}", sa.Column("id", sa.Integer(), primary_key=True))
'''


class Upstream:
    """The remote: a repository with a tag for each version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        for entry in ROOT.iterdir():
            if entry.name in _LEFT_OUT or entry.name.endswith(("_cache", ".egg-info", ".lock")):
                continue
            if entry.is_dir():
                shutil.copytree(entry, folder / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(entry, folder)
        (folder / ".gitignore").write_text("/.venv/\n/.venv.lock\n/.versions/\n/.current\n__pycache__/\n")
        git(folder, "init", "--quiet", "--initial-branch", "main")

    def release(self, version: str) -> None:
        """Commit what is there as `version`."""
        path = self.folder / "setup.cfg"
        path.write_text(re.sub(r"(?m)^version = .*$", f"version = {version}", path.read_text()))
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", f"Release {version}")
        git(self.folder, "tag", f"v{version}")

    def add_migration(self) -> str:
        """One revision more than there is; returns its number."""
        versions = self.folder / "backend/catalogue/migrations/versions"
        before = max(int(path.name[:4]) for path in versions.glob("[0-9]*_*.py"))
        number = before + 1
        (versions / f"{number:04}_more.py").write_text(_MIGRATION.format(number=number, before=before))
        return f"{number:04}"

    def change(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text, f"{name} has changed: this test no longer breaks it"
        path.write_text(text.replace(old, new, 1))


class Site(Daemon):
    """A clone of `upstream` at a tag, whose launcher starts the daemon. An update changes its process."""

    def __init__(self, folder: Path, upstream: Upstream, tag: str) -> None:
        folder.mkdir()
        self.checkout = folder / "check out"
        git(folder, "clone", "--quiet", str(upstream.folder), str(self.checkout))
        git(self.checkout, "checkout", "--quiet", tag)
        stand_ins = folder / "bin"
        _provide_python(stand_ins)
        path = f"{stand_ins}{os.pathsep}{os.environ['PATH']}"
        self.environment = {"PATH": path}
        super().__init__(folder, [_SMALL], environment=self.environment)

    @property
    def pid(self) -> int:
        holder = read_holder(self.data_dir)
        assert holder is not None, "no daemon runs"
        return holder.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and (
            self._process.poll() is None or read_holder(self.data_dir) is not None
        )

    def start(self, *, wait: bool = True) -> None:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.checkout / "hindsight"), "run", "--config", str(self.config_path)],
                cwd=self.directory,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        if wait:
            self.wait(self._is_ready, 60, "ready")

    def kill(self) -> None:
        """End the daemon, also one that an update started."""
        holder = read_holder(self.data_dir)
        if holder is not None:
            with contextlib.suppress(ProcessLookupError):
                process = os.pidfd_open(holder.pid)
                signal.pidfd_send_signal(process, signal.SIGKILL)
                select.select([process], [], [], 10)
                os.close(process)
        super().kill()

    def hindsight(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the launcher."""
        return subprocess.run(
            [str(self.checkout / "hindsight"), *arguments],
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def version(self) -> str:
        """The version that answers."""
        return str(self.get("/api/system").json()["version"])


def git(folder: Path, *arguments: str) -> None:
    """Run git as an author of its own, untouched by the settings of this machine."""
    author = {
        f"GIT_{who}_{what}": "test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = os.environ | author | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, check=True)


def _provide_python(folder: Path) -> None:
    pip = folder / "site-packages"
    (pip / "pip").mkdir(parents=True)
    (pip / "pip/__init__.py").touch()
    (pip / "pip/__main__.py").write_text(_PIP)
    packages = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (pip / "running.pth").write_text("\n".join(packages) + "\n")
    script = folder / "python3"
    script.write_text(_PYTHON.format(python=json.dumps(sys.executable), pip=pip))
    script.chmod(0o755)
