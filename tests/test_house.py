"""The house rules that no linter knows: sizes, mirrored tests, living links, no machine's own paths.

What ruff, mypy and import-linter check is not repeated here, nor what
`tests/units/backend/config/test_model.py` says about config.yaml.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE_WALL = 600
FUNCTION_WALL = 60


@cache
def tracked(*suffixes: str) -> list[Path]:
    """The files of this checkout that are in version control, or everything when it is no checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listing.returncode == 0:
        names = [name for name in listing.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    paths = [ROOT / name for name in names if not name.startswith(".venv")]
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_files() -> Iterator[tuple[Path, str]]:
    for path in tracked():
        data = path.read_bytes()
        if b"\0" not in data:
            yield path, data.decode()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_no_file_is_longer_than_the_wall() -> None:
    """A file nobody can hold in the head is two files."""
    lengths = {name_of(p): p.read_text().count("\n") for p in tracked(".py", ".js", ".css")}
    assert {name: n for name, n in lengths.items() if n > FILE_WALL} == {}


def test_no_function_is_longer_than_the_wall() -> None:
    """A function is read in one piece."""
    long = {
        f"{name_of(path)}:{node.name}": length
        for path in tracked(".py")
        for node in functions(path)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_WALL
    }
    assert long == {}


def test_every_module_says_what_lives_in_it() -> None:
    """The first lines tell a reader whether this is the file."""
    silent = [name_of(path) for path in tracked(".py") if not ast.get_docstring(parsed(path))]
    assert silent == []


def test_every_folder_of_sources_says_what_it_is() -> None:
    """Its `__init__` tells what lives there, what does not, and which thread it belongs to."""
    folders = {path.parent for path in tracked(".py") if name_of(path).startswith(("backend/", "recorder/"))}
    assert [name_of(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_only_the_server_and_playback_build_responses() -> None:
    """Everything else hands out values, or refuses."""
    makes = re.compile(r"\bweb\.(Response|StreamResponse|FileResponse|WebSocketResponse|json_response)\(")
    rooms = ("backend/http/", "backend/playback/")
    found = [
        name_of(path)
        for path in tracked(".py")
        if name_of(path).startswith("backend/") and makes.search(path.read_text())
    ]
    assert [name for name in found if not name.startswith(rooms)] == []


def test_every_test_says_its_promise_in_prose() -> None:
    """The name promises, one line says why it matters."""
    silent = [
        f"{name_of(path)}:{node.name}"
        for path in tracked(".py")
        if path.name.startswith("test_")
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize("lane", ["units", "parts"])
def test_every_folder_of_tests_mirrors_a_folder_of_sources(lane: str) -> None:
    """Where a file's promises are follows from where it lies; that it has any is what coverage tells."""
    folders = {name_of(path.parent) for path in tracked(".py") if path.name.startswith("test_")}
    mirrored = [name.removeprefix(f"tests/{lane}/") for name in folders if name.startswith(f"tests/{lane}/")]
    assert [name for name in mirrored if not (ROOT / name).is_dir()] == []


def test_nothing_names_a_path_of_the_machine_it_was_written_on() -> None:
    """Such a path works for one person."""
    personal = re.compile("|".join(["/" + "work/", "/" + r"root/", "/" + r"tmp/bash", "/" + r"home/[a-z]"]))
    found = [name_of(path) for path, text in text_files() if personal.search(text)]
    assert found == []


def test_nothing_is_left_for_later() -> None:
    """What is not done is in an issue or in the README's list, never in a comment."""
    later = re.compile(r"\b(" + "TO" + "DO|FIX" + r"ME|X" + r"XX)\b")
    assert [name_of(path) for path, text in text_files() if later.search(text)] == []


@pytest.mark.parametrize("document", sorted(name_of(path) for path in tracked(".md")))
def test_every_link_in_the_documents_leads_somewhere(document: str) -> None:
    """A dead link is worse than none."""
    path = ROOT / document
    prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)
    dead = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert dead == []


def test_every_test_that_the_threat_model_names_exists() -> None:
    """A defence that a test no longer holds must not read as if one did."""
    model = (ROOT / "docs" / "design" / "threat-model.md").read_text()
    named = re.findall(r"([\w/]+\.py)((?:::\w+(?:, )?)+)", model)
    missing = [
        f"{file}::{test}"
        for file, tests in named
        for test in re.findall(r"::(\w+)", tests)
        if f"def {test}(" not in (ROOT / "tests" / file).read_text()
    ]
    assert len(named) > 20
    assert missing == []


def test_the_readme_has_the_two_commands() -> None:
    """Two commands are all that a person must know."""
    readme = (ROOT / "README.md").read_text()
    assert "./hindsight run" in readme
    assert "./hindsight test" in readme


def test_everything_the_image_copies_is_there_and_not_ignored() -> None:
    """The image is built where no test runs, so a renamed file would be noticed by a user."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = []
    for arguments in re.findall(r"^COPY (.+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE):
        *sources, _ = arguments.split()
        copied += [source.removeprefix("./") for source in sources]
    assert set(copied) == allowed
    assert [source for source in copied if not (ROOT / source).exists()] == []
