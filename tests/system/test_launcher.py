"""The launcher, run as a person runs it: from anywhere, by a link, on machines that lack something.

The parts it finds on the machine (python3, id, apt-get) are stand-ins on PATH; a real first
installation is what the suite's own start has just been.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLD_PYTHON = """#!/bin/sh
[ "$1" != --version ] || { echo Python 3.9.2; exit 0; }
exit 1
"""
NO_VENV_PYTHON = """#!/bin/sh
case "$*" in *ensurepip*|*"import pip"*) exit 1 ;; esac
exec {python} "$@"
"""


class Machine:
    """A checkout of its own and a PATH that holds only what is put there."""

    def __init__(self, where: Path) -> None:
        self.checkout = where / "check out"
        self.python = self.checkout / ".venv/bin/python"
        self.bin = where / "bin"
        self.bin.mkdir()
        self.checkout.mkdir()
        for name in ("hindsight", "setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / name, self.checkout / name)
        locks = self.checkout / "requirements"
        locks.mkdir()
        for name in ("base", "postgres", "test"):
            (locks / f"{name}.txt").write_text(f"# exact versions of {name}\n")
        for tool in ("sh", "readlink", "cat", "cmp", "head", "rm", "mkdir", "sort"):
            (self.bin / tool).symlink_to(Path(shutil.which(tool) or f"/bin/{tool}"))

    def provide(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)

    def install_stand_in(self) -> None:
        """An environment that is up to date and only says how it was called."""
        self.python.parent.mkdir(parents=True)
        self.python.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
        self.python.chmod(0o755)
        stamp = f"{self.checkout}\n{self.python}\n"
        for name in ("setup.cfg", "pyproject.toml", *sorted(self.locks())):
            stamp += (self.checkout / name).read_text()
        (self.checkout / ".venv/.installed").write_text(stamp)

    def install_stand_in_for_tests(self) -> None:
        """The same, with the test tools."""
        self.install_stand_in()
        shutil.copy(self.checkout / ".venv/.installed", self.checkout / ".venv/.installed-test")
        self.provide("id", "#!/bin/sh\necho 1000\n")

    def locks(self) -> list[str]:
        return [f"requirements/{path.name}" for path in (self.checkout / "requirements").iterdir()]

    def change(self, name: str) -> None:
        with (self.checkout / name).open("a") as file:
            file.write("# changed\n")

    def run(
        self, *arguments: str, command: Path | None = None, extras: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(command or self.checkout / "hindsight"), *arguments],
            env={"PATH": str(self.bin), "HOME": str(self.bin), "HINDSIGHT_EXTRAS": extras},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path.resolve())


def test_a_machine_with_an_old_python_is_told_which_one_it_needs(machine: Machine) -> None:
    """A traceback about syntax would tell nobody what to do."""
    machine.provide("python3", OLD_PYTHON)
    result = machine.run("run")
    assert result.returncode == 1
    assert "needs Python 3.11 or newer and found Python 3.9.2" in result.stderr
    assert result.stdout == ""


def test_a_missing_venv_module_names_the_exact_line_to_people_who_are_not_root(machine: Machine) -> None:
    """Debian splits venv off, so this is the first thing many people meet."""
    machine.provide("python3", NO_VENV_PYTHON.format(python=sys.executable))
    machine.provide("apt-get", "#!/bin/sh\nexit 99\n")
    machine.provide("id", "#!/bin/sh\necho 1000\n")
    result = machine.run("run")
    assert result.returncode == 1
    expected = "sudo apt-get update && sudo apt-get install --no-install-recommends python3-venv"
    assert expected in result.stderr


def test_a_missing_venv_module_is_installed_by_root(machine: Machine) -> None:
    """Root is not asked to type what the launcher can do."""
    machine.provide("python3", NO_VENV_PYTHON.format(python=sys.executable))
    machine.provide(
        "apt-get", f'#!/bin/sh\necho "$@" >> "{machine.bin}/apt.log"\ncase "$*" in *install*) exit 7;; esac\n'
    )
    machine.provide("id", "#!/bin/sh\necho 0\n")
    assert machine.run("run").returncode == 1
    calls = (machine.bin / "apt.log").read_text().splitlines()
    assert calls[0].endswith("update")
    assert calls[1].endswith("install --no-install-recommends -y python3-venv")


def test_every_argument_reaches_the_program_from_any_directory_and_by_a_link(machine: Machine) -> None:
    """A link in /usr/local/bin is how most people will call it."""
    machine.install_stand_in()
    link = machine.bin / "hs"
    link.symlink_to(machine.checkout / "hindsight")
    for command in (None, link):
        result = machine.run("record", "--title", "two words", "", command=command)
        assert result.stdout == "-P|-m|backend|record|--title|two words||"
        assert result.stderr == ""


def test_a_checkout_that_is_up_to_date_starts_no_python_of_its_own(machine: Machine) -> None:
    """So the launcher adds milliseconds: python3 is not even on this machine."""
    machine.install_stand_in()
    assert not (machine.bin / "python3").exists()
    assert machine.run("version").returncode == 0


@pytest.mark.parametrize("name", ["setup.cfg", "pyproject.toml", "requirements/base.txt"])
def test_a_changed_requirement_is_installed_before_anything_runs(machine: Machine, name: str) -> None:
    """After a pull nobody has to remember a second step; here it fails, for want of a Python."""
    machine.install_stand_in()
    machine.change(name)
    result = machine.run("version")
    assert result.returncode == 1
    assert "needs Python 3.11" in result.stderr


def _installed(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The files of exact versions that pip was called with, after a look at how."""
    assert result.returncode == 0, result.stderr
    calls = [line for line in result.stderr.split("-m|pip|install|")[1:] if line]
    if not calls:
        return []
    exact, program = calls
    assert "|--require-hashes|" in exact
    assert "|--no-deps|--no-build-isolation|--editable|.|" in program
    return re.findall(r"--requirement\|requirements/(\w+)\.txt", exact)


def test_an_extra_is_installed_with_hashes_and_stays(machine: Machine) -> None:
    """Named once: neither a call without the variable nor a changed requirement loses it."""
    machine.install_stand_in()
    machine.provide("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert _installed(machine.run("version")) == []
    assert _installed(machine.run("version", extras="postgres")) == ["postgres"]
    assert _installed(machine.run("version", extras="postgres")) == []
    machine.change("requirements/base.txt")
    assert _installed(machine.run("version")) == ["postgres"]
    assert _installed(machine.run("version", extras="test, postgres")) == ["postgres", "test"]
    machine.change("setup.cfg")
    assert _installed(machine.run("version")) == ["postgres", "test"]
    assert _installed(machine.run("version", extras="test")) == []


def test_an_installation_that_broke_off_still_knows_its_extras(machine: Machine) -> None:
    """The network fails in the middle of an update; the next call installs the same."""
    machine.install_stand_in()
    machine.provide("python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    assert _installed(machine.run("version", extras="postgres")) == ["postgres"]
    works = machine.python.read_text()
    machine.python.write_text('#!/bin/sh\n[ "$2" != pip ] || exit 1\n')
    machine.change("requirements/base.txt")
    assert machine.run("version").returncode == 1
    machine.python.write_text(works)
    assert _installed(machine.run("version")) == ["postgres"]


def test_an_unknown_extra_is_refused_with_those_there_are(machine: Machine) -> None:
    """A typing error must not look like an installation that worked."""
    machine.install_stand_in()
    for wrong in ("postgers", "base", "../setup", "*"):
        result = machine.run("run", extras=wrong)
        assert result.returncode == 1
        assert f"there is no extra called '{wrong}'. Known: postgres test" in result.stderr
        assert result.stdout == ""


def test_what_other_browsers_need_for_h264_is_named_outright(machine: Machine) -> None:
    """They only recommend it, and recommendations are skipped; each release has its own libavcodec."""
    machine.install_stand_in_for_tests()
    machine.provide("minio", "#!/bin/sh\n")
    machine.provide("apt-get", "#!/bin/sh\nexit 99\n")
    machine.provide("dpkg-query", "#!/bin/sh\nexit 1\n")
    machine.provide("apt-cache", '#!/bin/sh\n[ "$2" != libavcodec61 ] || echo Package: $2\n')
    said = machine.run("test", "tests/nothing").stderr
    assert "apt-get install --no-install-recommends gstreamer1.0-plugins-base" in said
    assert " gstreamer1.0-libav libavcodec61\n" in said
    assert "libavcodec59" not in said
    assert " webkit2gtk-driver xvfb " in said
    machine.provide("dpkg-query", "#!/bin/sh\nprintf installed\n")
    machine.provide("apt-cache", "#!/bin/sh\necho apt-cache was asked >&2\n")
    said = machine.run("test", "tests/nothing").stderr
    assert "apt-get" not in said
    assert "apt-cache" not in said


def test_minio_is_built_once_and_outside_the_checkout(machine: Machine) -> None:
    """It takes minutes: a second run, or another checkout of the same person, uses the first one's."""
    machine.install_stand_in_for_tests()
    machine.provide(
        "go",
        f'#!/bin/sh\necho "$@" >> "{machine.bin}/go.log"\n'
        'printf "#!/bin/sh\\n" > "$GOBIN/minio" && chmod +x "$GOBIN/minio"\n',
    )
    (machine.bin / "chmod").symlink_to(Path(shutil.which("chmod") or "/bin/chmod"))
    for _ in range(2):
        assert machine.run("test", "tests/nothing").returncode == 0
    built = (machine.bin / "go.log").read_text().splitlines()
    assert len(built) == 1
    assert built[0].startswith("install github.com/minio/minio@v0.0.0-")
    assert (machine.bin / ".cache/hindsight/bin/minio").exists()
    machine.provide("go", "#!/bin/sh\nexit 1\n")
    (machine.bin / ".cache/hindsight/bin/minio").unlink()
    result = machine.run("test", "tests/nothing")
    assert result.returncode == 0
    assert "Go could not build MinIO" in result.stderr


def test_the_launcher_keeps_its_mode_and_its_line_ends() -> None:
    """A CRLF in the first line reads as 'no such file' on every Linux."""
    launcher = ROOT / "hindsight"
    assert os.access(launcher, os.X_OK)
    assert b"\r" not in launcher.read_bytes()
