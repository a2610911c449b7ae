"""Which version is meant, how it gets beside the checkout, and which ones stay. With the real git."""

import os
import subprocess
from pathlib import Path

import pytest

from backend.cli.exits import CommandFailed, Exit
from backend.cli.update.versions import Versions

LAUNCHER = """#!/bin/sh
echo '{{"version": "{version}"}}'
echo "$HINDSIGHT_EXTRAS" > "${{0%/*}}/extras"
"""


class Checkout:
    """A clone of a remote, both so small that making a version takes no time."""

    def __init__(self, folder: Path) -> None:
        self.remote = folder / "remote"
        (self.remote / "backend").mkdir(parents=True)
        (self.remote / "recorder").mkdir()
        (self.remote / ".gitignore").write_text(".venv/\n")
        git(self.remote, "init", "--quiet", "--initial-branch", "main")
        self.release("1.0.0")
        self.root = folder / "root"
        git(folder, "clone", "--quiet", str(self.remote), str(self.root))
        self.versions = Versions(self.root)

    def release(self, version: str, *, is_tagged: bool = True) -> None:
        write_version(self.remote, version)
        git(self.remote, "add", "--all")
        git(self.remote, "commit", "--quiet", "--allow-empty", "--message", version)
        if is_tagged:
            git(self.remote, "tag", f"v{version}")

    def use(self, target: str | None = None) -> Path:
        """Build and switch to `target`."""
        wanted = self.versions.wanted(target, self.root)
        with self.versions.lock():
            self.versions.build(wanted)
            self.versions.switch(self.versions.folder(wanted.name))
        return self.versions.current()


def write_version(folder: Path, version: str) -> None:
    """Sources whose launcher only says its version, and whose environment compiles nothing."""
    launcher = folder / "hindsight"
    make = 'mkdir -p "${0%/*}/.venv/bin" && ln -sf /bin/true "${0%/*}/.venv/bin/python"\n'
    launcher.write_text(LAUNCHER.format(version=version) + make)
    launcher.chmod(0o755)
    (folder / "backend/__init__.py").write_text(f'"""{version}"""\n')
    (folder / "setup.cfg").touch()


def git(folder: Path, *arguments: str) -> None:
    author = {
        f"GIT_{who}_{what}": "t@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    environment = os.environ | author | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=folder, env=environment, capture_output=True, check=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path.resolve())


def refusal(checkout: Checkout, target: str | None) -> str:
    with pytest.raises(CommandFailed) as refused:
        checkout.versions.wanted(target, checkout.root)
    return str(refused.value)


def test_the_newest_tag_of_the_remote_is_fetched_and_built(checkout: Checkout) -> None:
    """Tags made after the clone count; the checkout itself stays as it is."""
    checkout.release("1.9.0")
    checkout.release("1.10.0")
    folder = checkout.use()
    assert folder == checkout.root / ".versions/v1.10.0"
    assert (folder / "backend/__init__.py").read_text() == '"""1.10.0"""\n'
    assert (checkout.root / "backend/__init__.py").read_text() == '"""1.0.0"""\n'
    assert checkout.versions.is_in_use(checkout.versions.wanted(None, checkout.root))


def test_a_checkout_at_the_newest_tag_has_nothing_to_update(checkout: Checkout) -> None:
    """Also before the first update, when the checkout itself is in use."""
    assert checkout.versions.is_in_use(checkout.versions.wanted(None, checkout.root))
    checkout.release("1.1.0")
    assert not checkout.versions.is_in_use(checkout.versions.wanted(None, checkout.root))


def test_a_version_ahead_of_the_newest_tag_is_not_taken_back_by_itself(checkout: Checkout) -> None:
    """Older versions refuse newer tables; a person who names the tag means it."""
    checkout.release("2.0.0", is_tagged=False)
    git(checkout.root, "pull", "--quiet")
    assert "newer than the newest tag, v1.0.0" in refusal(checkout, None)
    assert checkout.versions.wanted("v1.0.0", checkout.root).name == "v1.0.0"


def test_a_given_checkout_is_taken_at_its_last_commit(checkout: Checkout) -> None:
    """What is not committed is left out, and the operator hears of it."""
    write_version(checkout.remote, "not committed")
    wanted = checkout.versions.wanted("../remote", checkout.root)
    assert wanted.note is not None
    assert "not committed" in wanted.note
    assert checkout.versions.build(wanted) == "1.0.0"


def test_a_folder_without_git_is_taken_as_it_is(checkout: Checkout, tmp_path: Path) -> None:
    """Without its own environment, data and versions, which belong to where it lies."""
    folder = tmp_path / "unpacked"
    for name in ("backend", "recorder", "data", ".venv", "backend/data"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").touch()
    write_version(folder, "3.0.0")
    wanted = checkout.versions.wanted(str(folder), checkout.root)
    assert wanted.name.startswith("unpacked-")
    assert checkout.versions.build(wanted) == "3.0.0"
    built = checkout.versions.folder(wanted.name)
    assert not (built / "data").exists()
    assert not (built / ".venv/file").exists()
    assert (built / "backend/data/file").exists()


def test_what_cannot_be_found_is_refused_with_a_way_out(checkout: Checkout, tmp_path: Path) -> None:
    """Nothing has been touched by then."""
    assert "no tag of that name at 'origin'" in refusal(checkout, "v7")
    assert "no tag can be called that" in refusal(checkout, "-x")
    assert "holds no Hindsight: hindsight is missing" in refusal(checkout, str(tmp_path))
    git(checkout.remote, "tag", "--delete", "v1.0.0")
    assert "no tag with a version number" in refusal(checkout, None)
    git(checkout.root, "remote", "remove", "origin")
    assert "no git remote" in refusal(checkout, None)
    (checkout.root / ".git").rename(tmp_path / "git")
    assert "is not a git checkout" in refusal(checkout, None)


def test_a_password_in_the_address_of_the_remote_is_not_repeated(checkout: Checkout) -> None:
    """Git's own words go to the terminal, and from there into a bug report."""
    git(checkout.root, "remote", "set-url", "origin", "file://user:s3cret@localhost/nowhere")
    said = refusal(checkout, None)
    assert "ls-remote" in said
    assert "s3cret" not in said


def test_the_last_two_versions_stay(checkout: Checkout) -> None:
    """One to go back to; the others' half gigabytes are given back."""
    folders = []
    for version in ("1.1.0", "1.2.0", "1.3.0"):
        checkout.release(version)
        folders.append(checkout.use())
    checkout.versions.keep_only(*folders[1:])
    assert sorted(path.name for path in (checkout.root / ".versions").glob("v*")) == ["v1.2.0", "v1.3.0"]


def test_a_version_that_cannot_be_made_is_removed_without_a_trace(checkout: Checkout) -> None:
    """A folder without its mark is made again from the beginning, too."""
    checkout.release("1.1.0")
    wanted = checkout.versions.wanted(None, checkout.root)
    folder = checkout.versions.folder(wanted.name)
    folder.mkdir(parents=True)
    (folder / "left").touch()
    assert checkout.versions.build(wanted) == "1.1.0"
    assert not (folder / "left").exists()
    checkout.versions.remove(wanted)
    assert not folder.exists()


def test_the_version_in_use_is_never_removed(checkout: Checkout) -> None:
    """A tag that was moved gets a folder of its own."""
    folder = checkout.use("v1.0.0")
    git(checkout.remote, "tag", "--delete", "v1.0.0")
    git(checkout.root, "tag", "--delete", "v1.0.0")
    checkout.release("1.0.0")
    wanted = checkout.versions.wanted("v1.0.0", checkout.root)
    assert checkout.versions.folder(wanted.name) != folder
    checkout.versions.switch(checkout.root)
    assert checkout.versions.current() == checkout.root


def test_a_version_gets_the_extras_of_the_one_in_use(checkout: Checkout) -> None:
    """Without its driver the new version could not open PostgreSQL. Tools for tests stay behind."""
    for name in (".installed", ".installed-postgres", ".installed-test", ".installed-dropped"):
        (checkout.root / ".venv" / name).parent.mkdir(exist_ok=True)
        (checkout.root / ".venv" / name).touch()
    (checkout.remote / "requirements").mkdir()
    for name in ("base", "postgres", "test"):
        (checkout.remote / f"requirements/{name}.txt").touch()
    checkout.release("1.1.0")
    assert (checkout.use() / "extras").read_text() == "postgres\n"


def test_two_updates_at_once_are_refused(checkout: Checkout) -> None:
    """Each would switch under the other's feet."""
    with checkout.versions.lock(), pytest.raises(CommandFailed) as refused, checkout.versions.lock():
        pass
    assert refused.value.code is Exit.IN_USE
