"""The versions beside a checkout: `.versions/NAME/`, each with an environment of its own, and `.current`.

`.current` is a link that names the version in use; without one the checkout itself is in use. A version
counts as built once its file `.built` is there. Blocking; one update at a time holds `lock`.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from backend.cli.exits import CommandFailed, Exit
from backend.cli.update.repository import Repository, run_program
from backend.cli.update.rules import folder_name, newest

_FOLDER, _CURRENT, _BUILT = ".versions", ".current", ".built"
_EXTRAS = "HINDSIGHT_EXTRAS"
_NOT_OURS = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"})
_LEFT_OUT = shutil.ignore_patterns(
    ".venv*",
    _FOLDER,
    _CURRENT,
    _BUILT,
    ".git",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    "*.egg-info",
    "node_modules",
)
_LEFT_OUT_AT_TOP = frozenset({"data", "build"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A version to update to: a commit of the repository `source`, or the folder `source` as it is."""

    name: str
    source: Path
    commit: str | None
    note: str | None = None
    """What the operator should know about it."""

    @property
    def title(self) -> str:
        """For a person: the name, with the commit unless the name holds it."""
        short = self.commit[:10] if self.commit else ""
        return self.name if short in self.name else f"{self.name} ({short})"


class Versions:
    """The checkout in `root` and the versions beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.launcher = root / "hindsight"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other updates out. Raises CommandFailed."""
        try:
            (self.root / _FOLDER).mkdir(exist_ok=True)
            file = (self.root / _FOLDER / ".lock").open("a")
        except OSError as error:
            message = f"{self.root} cannot be written ({error.strerror}): run this as the user who owns it."
            raise CommandFailed(Exit.NO_PERMISSION, message) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CommandFailed(Exit.IN_USE, f"Another update of {self.root} is under way.") from None
            yield

    def folder(self, name: str) -> Path:
        return self.root / _FOLDER / name

    def current(self) -> Path:
        """The folder of the version in use."""
        link = self.root / _CURRENT
        return link.resolve() if (link / "hindsight").is_file() else self.root

    def switch(self, folder: Path) -> None:
        """Use the version in `folder` from now on. Atomic and durable. The checkout itself needs no link."""
        link, fresh = self.root / _CURRENT, self.root / f"{_CURRENT}.new"
        if folder == self.root:
            link.unlink(missing_ok=True)
        else:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(folder.relative_to(self.root))
            fresh.replace(link)
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def is_in_use(self, wanted: Wanted) -> bool:
        return wanted.commit is not None and wanted.commit == self.commit_of(self.current())

    def commit_of(self, folder: Path) -> str | None:
        """The commit in `folder`; None when that is unknown or it is not built."""
        if folder == self.root:
            return Repository(folder).commit() if Repository.is_at(folder) else None
        try:
            commit = json.loads((folder / _BUILT).read_text())["commit"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return commit if isinstance(commit, str) else None

    # ---- which version -------------------------------------------------------------------------

    def wanted(self, target: str | None, cwd: Path) -> Wanted:
        """What `target` stands for: a folder, a tag, or None for the newest tag. Raises CommandFailed."""
        found = self._newest() if target is None else self._named(target, cwd)
        if self.folder(found.name) == self.current() and found.commit and not self.is_in_use(found):
            return replace(found, name=f"{found.name}-{found.commit[:10]}")  # the tag was moved
        return found

    def _named(self, target: str, cwd: Path) -> Wanted:
        folder = (cwd / target).resolve()
        return self._in_folder(folder) if folder.is_dir() else self._tagged(target)

    def _newest(self) -> Wanted:
        repository, remote = self._remote()
        tag = newest(repository.remote_tags(remote))
        if tag is None:
            raise CommandFailed(
                Exit.FAILED,
                f"The remote '{remote}' has no tag with a version number. "
                "Name a folder with the version you want: `hindsight update FOLDER`.",
            )
        wanted = self._from_tag(repository, remote, tag)
        here = self.commit_of(self.current())
        if here is not None and here != wanted.commit and repository.is_behind(str(wanted.commit), here):
            raise CommandFailed(
                Exit.FAILED,
                f"The version in use is newer than the newest tag, {tag}. Nothing was changed. "
                f"`hindsight update {tag}` goes back to it all the same.",
            )
        return wanted

    def _tagged(self, tag: str) -> Wanted:
        if tag.startswith("-") or folder_name(tag) is None:
            raise CommandFailed(Exit.FAILED, f"There is no folder {tag}, and no tag can be called that.")
        repository, remote = self._remote()
        if tag in repository.remote_tags(remote):
            return self._from_tag(repository, remote, tag)
        if repository.has_tag(tag):
            return Wanted(str(folder_name(tag)), self.root, repository.commit(f"refs/tags/{tag}"))
        raise CommandFailed(Exit.FAILED, f"There is no folder {tag}, and no tag of that name at '{remote}'.")

    def _remote(self) -> tuple[Repository, str]:
        if not Repository.is_at(self.root):
            raise CommandFailed(
                Exit.FAILED,
                f"{self.root} is not a git checkout, so it has no tags. "
                "Name a folder with the version you want: `hindsight update FOLDER`.",
            )
        repository = Repository(self.root)
        if (remote := repository.remote()) is None:
            raise CommandFailed(
                Exit.FAILED,
                f"{self.root} has no git remote to ask for tags. "
                "Name a folder with the version you want: `hindsight update FOLDER`.",
            )
        return repository, remote

    def _from_tag(self, repository: Repository, remote: str, tag: str) -> Wanted:
        repository.fetch_tag(remote, tag)
        return Wanted(str(folder_name(tag)), self.root, repository.commit(f"refs/tags/{tag}"))

    def _in_folder(self, folder: Path) -> Wanted:
        for name in ("hindsight", "setup.cfg", "backend"):
            if not (folder / name).exists():
                raise CommandFailed(Exit.FAILED, f"{folder} holds no Hindsight: {name} is missing.")
        if not Repository.is_at(folder):
            now = time.strftime("%Y%m%d-%H%M%S")
            return Wanted(folder_name(f"{folder.name}-{now}") or now, folder, None)
        repository = Repository(folder)
        commit = repository.commit()
        note = (
            f"Changes in {folder} that are not committed are left out." if repository.has_changes() else None
        )
        return Wanted(folder_name(repository.describe(commit)) or commit, folder, commit, note)

    # ---- build, remove -------------------------------------------------------------------------

    def build(self, wanted: Wanted) -> str:
        """Make the version with its environment, unless it is there; its number. Raises CommandFailed."""
        folder = self.folder(wanted.name)
        # The daemon often runs as another user than the one who updates, and must be able to read the files.
        before = os.umask(0o022)
        try:
            if wanted.commit is None or self.commit_of(folder) != wanted.commit:
                self.remove(wanted)
                _write(wanted, folder)
            command = [str(folder / "hindsight"), "version", "--json"]
            version = str(json.loads(run_program(command, environment=self._environment(folder)))["version"])
            _compile(folder)
            (folder / _BUILT).write_text(json.dumps({"commit": wanted.commit, "version": version}))
        except OSError as error:
            raise CommandFailed(Exit.FAILED, f"{folder} cannot be written: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError):
            raise CommandFailed(Exit.FAILED, f"{wanted.name} does not say which version it is.") from None
        finally:
            os.umask(before)
        return version

    def _environment(self, folder: Path) -> dict[str, str]:
        """Ours, without what points Python at the version in use, and with the extras that this one has."""
        names = {path.name.partition("-")[2] for path in (self.current() / ".venv").glob(".installed-*")}
        extras = {name for name in names - {"test"} if (folder / "requirements" / f"{name}.txt").exists()}
        extras.update(os.environ.get(_EXTRAS, "").replace(",", " ").split())
        ours = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
        return ours | {_EXTRAS: ",".join(sorted(extras))}

    def remove(self, wanted: Wanted) -> None:
        """Remove the version, unless it is in use."""
        folder = self.folder(wanted.name)
        if folder != self.current():
            _remove(folder)

    def keep_only(self, *kept: Path) -> None:
        """Remove every version but `kept`. What cannot be removed stays for the next time."""
        for folder in (self.root / _FOLDER).iterdir():
            if folder.is_dir() and folder not in kept:
                with suppress(OSError):
                    _remove(folder)


def _write(wanted: Wanted, folder: Path) -> None:
    folder.mkdir(parents=True)
    if wanted.commit is not None:
        Repository(wanted.source).write_tree(wanted.commit, folder)
    else:
        _copy(wanted.source, folder)


def _compile(folder: Path) -> None:
    """Now, while the old version still records. A service that may not write here could not do it later."""
    python = str(folder / ".venv/bin/python")
    run_program([python, "-m", "compileall", "-q", "backend", "recorder"], cwd=folder)


def _copy(source: Path, folder: Path) -> None:
    def ignore(directory: str, names: list[str]) -> set[str]:
        ignored = set(_LEFT_OUT(directory, names))
        return ignored | _LEFT_OUT_AT_TOP if Path(directory) == source else ignored

    try:
        shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True, ignore=ignore)
    except shutil.Error as error:
        _, target, why = error.args[0][0]
        raise CommandFailed(Exit.FAILED, f"{target} cannot be written: {why}.") from error


def _remove(folder: Path) -> None:
    """The mark goes first: a folder that is half removed must not pass for a version."""
    (folder / _BUILT).unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
