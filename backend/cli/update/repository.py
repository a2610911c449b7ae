"""A git repository, read through the git program. Blocking; changes nothing but the tags it fetches."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from backend.cli.exits import CommandFailed, Exit
from recorder.base.redaction import redact


def run_program(
    command: list[str],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    is_quiet: bool = False,
) -> str:
    """What `command` prints; its stderr goes to the operator unless `is_quiet`.

    The command gets a process group of its own, which ends with an interruption of ours.

    Raises:
        CommandFailed: it ended with an error; the message holds its last line if `is_quiet`.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  the callers say which program
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if is_quiet else None,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(Exit.FAILED, f"{command[0]} cannot be started: {error.strerror}.") from error
    try:
        output, complaint = process.communicate()
    except BaseException:
        with suppress(ProcessLookupError):  # it may just have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    if process.returncode != 0:
        lines = redact(complaint or "").strip().splitlines()
        why = f": {lines[-1]}" if lines else " (see above)."
        raise CommandFailed(Exit.FAILED, f"`{' '.join([Path(command[0]).name, *command[1:2]])}` failed{why}")
    return output


class Repository:
    """The repository in `folder`. Every method raises CommandFailed with git's own words."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if shutil.which("git") is None:
            raise CommandFailed(Exit.FAILED, "git is not installed: sudo apt-get install git")

    @staticmethod
    def is_at(folder: Path) -> bool:
        """Whether `folder` is the top of a repository."""
        return (folder / ".git").exists()

    def remote(self) -> str | None:
        """`origin`, or else the first remote."""
        names = self._git("remote").split()
        return "origin" if "origin" in names else next(iter(names), None)

    def remote_tags(self, remote: str) -> list[str]:
        lines = self._git("ls-remote", "--tags", "--refs", remote).splitlines()
        return [line.partition("\t")[2].removeprefix("refs/tags/") for line in lines]

    def fetch_tag(self, remote: str, tag: str) -> None:
        self._git("fetch", "--quiet", "--no-tags", remote, f"refs/tags/{tag}:refs/tags/{tag}")

    def has_tag(self, tag: str) -> bool:
        return self._git("tag", "--list", tag).strip() == tag

    def commit(self, name: str = "HEAD") -> str:
        """The commit that `name` stands for."""
        return self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}").strip()

    def describe(self, commit: str) -> str:
        """A short name, such as v0.2.0-3-g1a2b3c4d5e."""
        return self._git("describe", "--tags", "--always", "--abbrev=10", commit).strip()

    def has_changes(self) -> bool:
        """Whether tracked files differ from the last commit."""
        return bool(self._git("status", "--porcelain", "--untracked-files=no").strip())

    def is_behind(self, commit: str, other: str) -> bool:
        """Whether `commit` is part of the history of `other`; False for one that is unknown here."""
        try:
            self._git("merge-base", "--is-ancestor", commit, other)
        except CommandFailed:
            return False
        return True

    def write_tree(self, commit: str, target: Path) -> None:
        """Write the files of `commit` into the folder `target`."""
        index = target / ".index"
        environment = os.environ | {"GIT_INDEX_FILE": str(index)}
        try:
            self._git("read-tree", commit, environment=environment)
            self._git("checkout-index", "--all", f"--prefix={target}/", environment=environment)
        finally:
            index.unlink(missing_ok=True)

    def _git(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        try:
            return run_program(command, environment=environment, is_quiet=True)
        except CommandFailed as error:
            why = str(error).partition("failed")[2].lstrip(": ")
            raise CommandFailed(
                Exit.FAILED, f"`git {arguments[0]}` failed in {self.folder}: {why}"
            ) from error
