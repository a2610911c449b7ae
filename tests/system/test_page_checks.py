"""The checks of the page, with stand-ins for node and npm as all that is on PATH.

That the real TypeScript and Biome find nothing is what `./hindsight test` shows beside these tests.
"""

import shutil
from pathlib import Path

import pytest

from tests import page_checks

NPM = """#!/bin/sh
while [ "$1" != --prefix ]; do case $1 in --*) echo "$1" >> "{log}.flags" ;; esac; shift; done
echo "$3" >> "{log}"
for script in typescript/bin/tsc @biomejs/biome/bin/biome; do
    mkdir -p "$2/node_modules/${{script%/*}}"
    : > "$2/node_modules/$script"
done
"""
NODE = """#!/bin/sh
case $2 in --version) exit {starts} ;; esac
shift
echo "$PWD $*"
case $1 in {complains}) exit 2 ;; esac
"""
PACKAGES = ["typescript@5.9.3", "@biomejs/biome@2.6.8"]


class Machine:
    """A home and a PATH that hold only what a test puts there."""

    def __init__(self, where: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = where / "home"
        self.bin = where / "bin"
        self.log = where / "npm.log"
        self.home.mkdir()
        self.bin.mkdir()
        for tool in ("sh", "mkdir"):
            (self.bin / tool).symlink_to(Path(shutil.which(tool) or f"/bin/{tool}"))
        patch.setenv("PATH", str(self.bin))
        patch.setenv("HOME", str(self.home))

    def provide(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(script)
        path.chmod(0o755)

    def provide_npm(self) -> None:
        self.provide("npm", NPM.format(log=self.log))

    def provide_node(self, *, complains: str = "never", starts: bool = True) -> None:
        """`complains`: the first argument of the tool that finds something."""
        self.provide("node", NODE.format(complains=complains, starts=0 if starts else 1))

    def fetched(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []

    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.home / ".cache" / "hindsight").iterdir())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine without Node.js."""
    return Machine(tmp_path.resolve(), monkeypatch)


def test_both_tools_check_the_checkout_and_are_fetched_once(
    machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    """Later runs need no network, and no script of a package ever runs."""
    machine.provide_npm()
    machine.provide_node()
    for _ in range(2):
        assert page_checks.main() == 0
        assert capfd.readouterr().out.splitlines() == [
            f"{page_checks.ROOT} --project jsconfig.json",
            f"{page_checks.ROOT} ci --colors=off --error-on-warnings",
        ]
    assert machine.fetched() == PACKAGES
    flags = (machine.log.parent / "npm.log.flags").read_text().split()
    assert {"--ignore-scripts", "--no-audit", "--no-fund"} <= set(flags)
    assert machine.kept() == ["biome-2.6.8", "typescript-5.9.3"]


@pytest.mark.parametrize("complains", ["--project", "ci"], ids=["typescript", "biome"])
def test_what_one_tool_finds_fails_the_check_and_hides_nothing_of_the_other(
    machine: Machine, capfd: pytest.CaptureFixture[str], complains: str
) -> None:
    """One run names everything there is to mend."""
    machine.provide_npm()
    machine.provide_node(complains=complains)
    assert page_checks.main() == 1
    assert len(capfd.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize("has", ["nothing", "node"])
def test_a_machine_without_npm_says_that_the_page_was_not_checked(
    machine: Machine, capfd: pytest.CaptureFixture[str], has: str
) -> None:
    """It loses the check and no test."""
    if has == "node":
        machine.provide_node()
    assert page_checks.main() == 0
    said = capfd.readouterr().err
    assert "no Node.js with npm here: the page was not checked with typescript-5.9.3" in said
    assert "the page was not checked with biome-2.6.8" in said


def test_what_npm_cannot_fetch_is_named_and_fetched_by_a_later_run(
    machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    """A failed download leaves nothing behind that would pass for the tool."""
    machine.provide("npm", "#!/bin/sh\necho no network >&2\nexit 1\n")
    machine.provide_node()
    assert page_checks.main() == 0
    said = capfd.readouterr().err
    assert "no network" in said
    assert "npm could not: the page was not checked with biome-2.6.8" in said
    assert machine.kept() == []
    machine.provide_npm()
    assert page_checks.main() == 0
    assert machine.fetched() == PACKAGES


def test_a_tool_that_does_not_start_on_this_machine_is_not_kept(
    machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    """Biome has no program for every processor; that says nothing about the page."""
    machine.provide_npm()
    machine.provide_node(starts=False)
    assert page_checks.main() == 0
    assert "it does not start here" in capfd.readouterr().err
    assert machine.kept() == []
