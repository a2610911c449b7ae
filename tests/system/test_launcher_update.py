"""The launcher hands over to the version in use, and tells an update which checkout it is about."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = '#!/bin/sh\nprintf "%s|" "$PWD" "$@"\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without an environment, with a version in use that says how it was called."""
    root = tmp_path.resolve() / "check out"
    (root / ".versions/v2").mkdir(parents=True)
    shutil.copy(ROOT / "hindsight", root)
    version = root / ".versions/v2/hindsight"
    version.write_text(STAND_IN)
    version.chmod(0o755)
    (root / ".current").symlink_to(".versions/v2")
    return root


def said(checkout: Path, *arguments: str) -> str:
    """What the version in use says, called from another folder by a link."""
    link = checkout.parent / "hs"
    if not link.exists():
        link.symlink_to(checkout / "hindsight")
    done = subprocess.run([link, *arguments], cwd="/", capture_output=True, text=True, check=False)
    return done.stdout or done.stderr


def test_every_command_goes_to_the_version_in_use_from_the_same_folder(checkout: Path) -> None:
    """`--config FILE` is relative to where the person stands, whichever version reads it."""
    assert said(checkout, "run", "--config", "my config.yaml") == "/|run|--config|my config.yaml|"
    assert said(checkout) == "/|"


def test_an_update_gets_the_checkout_it_lies_beside(checkout: Path) -> None:
    """What was typed comes after it, so an outer launcher has the last word."""
    assert said(checkout, "update", "v3", "--dry-run") == f"/|update|--checkout|{checkout}|v3|--dry-run|"
    version = checkout / ".versions/v2"
    shutil.copy(ROOT / "hindsight", version)
    python = version / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    inner = version / ".versions/v3"
    inner.mkdir(parents=True)
    (inner / "hindsight").write_text(STAND_IN)
    (inner / "hindsight").chmod(0o755)
    (version / ".current").symlink_to(".versions/v3")
    words = said(checkout, "update", "v3").split("|")
    assert words[1:6] == ["update", "--checkout", str(version), "--checkout", str(checkout)]


def test_a_version_in_use_that_is_gone_leaves_the_checkout_itself(checkout: Path) -> None:
    """A link to a removed folder must not make every command fail."""
    shutil.rmtree(checkout / ".versions")
    for name in ("setup.cfg", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout)
    itself = subprocess.run(
        [checkout / "hindsight", "version"],
        cwd="/",
        env={"PATH": str(_tools(checkout.parent))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (itself.returncode, "needs Python" in itself.stderr) == (1, True)


def _tools(folder: Path) -> Path:
    """A PATH without any Python."""
    tools = folder / "tools"
    tools.mkdir()
    for name in ("sh", "readlink", "cat", "cmp", "head", "rm", "mkdir"):
        (tools / name).symlink_to(Path(shutil.which(name) or f"/bin/{name}"))
    return tools
