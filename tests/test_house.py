"""The house rules that no linter knows: sizes, mirrored tests, living links, no machine's own paths.

What ruff, mypy and import-linter check is not repeated here, nor what `tests/units/backend/test_config.py`
says about config.yaml.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE_WALL = 600
FUNCTION_WALL = 60
ROOMS = ("backend", "recorder")

# Sources (or whole folders) without a test file of their own, and where their promises are tested instead.
TESTED_ELSEWHERE: dict[str, str] = {
    # One promise of access, one file.
    "backend/access/principals.py": "tests/units/backend/access/test_authorise.py",
    # One suite per protocol, run on SQLite and on PostgreSQL.
    "backend/catalogue/": "tests/contracts/test_catalogue.py",
    "backend/wire/": "tests/parts/backend/test_wire.py",
    "backend/cli/": "tests/system/backend/cli/test_run.py",
    # Thin by rule: parse, authorise, call, answer.
    "backend/api/retention.py": "tests/system/test_keeping.py",
    "backend/api/metrics.py": "tests/units/backend/test_metrics.py",
    # Values and sections are read the way a person writes them.
    "backend/config_values.py": "tests/units/backend/test_config.py",
    "backend/config_keep.py": "tests/units/backend/test_config.py",
    # Use cases that only join catalogue, recorder and files: tested with all three real.
    "backend/archive.py": "tests/system/test_archive.py",
    "backend/archive_names.py": "tests/parts/backend/test_zip_layout.py",
    "backend/batch.py": "tests/system/one_daemon/test_publishing.py",
    "backend/box.py": "tests/system/one_daemon/test_cameras.py",
    "backend/cameras.py": "tests/system/one_daemon/test_cameras.py",
    "backend/clip_news.py": "tests/system/one_daemon/test_cameras.py",
    "backend/housekeeping.py": "tests/system/test_keeping.py",
    "backend/file_body.py": "tests/system/one_daemon/test_clips.py",
    "backend/health.py": "tests/parts/backend/api/test_health.py",
    "backend/inbox.py": "tests/system/one_daemon/test_clips.py",
    "backend/pictures.py": "tests/system/test_previews.py",
    "backend/picturing.py": "tests/system/test_previews.py",
    "backend/recordings.py": "tests/system/one_daemon/test_clips.py",
    "backend/schedules/wiring.py": "tests/system/test_schedules.py",
    "backend/unbroken.py": "tests/system/test_kill.py",
    "backend/viewers.py": "tests/system/one_daemon/test_cameras.py",
    # Parts of one promise, tested where the promise is made.
    "recorder/clip_processor.py": "tests/parts/recorder/test_recorder.py",
    "recorder/nal_units.py": "tests/parts/recorder/test_h264.py",
    "recorder/self_contained.py": "tests/parts/recorder/test_live_muxer.py",
    "recorder/set_tracker.py": "tests/parts/recorder/test_h264.py",
    "recorder/sources/bitstream.py": "tests/parts/recorder/sources/test_stream.py",
    "recorder/sources/http_body.py": "tests/parts/recorder/sources/test_http_stream.py",
    "recorder/sources/rtsp_sound.py": "tests/parts/recorder/test_sound.py",
    "recorder/audio_unit.py": "tests/units/recorder/test_sound_cut.py",
    "recorder/sources/test_card.py": "tests/parts/recorder/test_test_card.py",
    "backend/fsck_store.py": "tests/system/test_storage.py",
    "backend/storage/bodies.py": "tests/contracts/test_object_store.py",
    "backend/storage/local_store.py": "tests/contracts/test_object_store.py",
    "backend/storage/object_store.py": "tests/contracts/test_object_store.py",
    "backend/storage/check.py": "tests/parts/backend/cli/test_storage.py",
    "backend/storage/reclaim.py": "tests/parts/backend/storage/test_upload_queue.py",
    "backend/storage/s3.py": "tests/contracts/test_object_store.py",
}


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


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def room_sources() -> list[Path]:
    return [
        path
        for path in tracked(".py")
        if name_of(path).split("/")[0] in ROOMS
        and not path.name.startswith("__")
        and "/migrations/" not in name_of(path)
    ]


def mirrors_of(source: str) -> list[Path]:
    """The test files of a source, one for each lane that has any."""
    folder, _, name = source.rpartition("/")
    places = [ROOT / "tests" / lane / folder / f"test_{name}" for lane in ("units", "parts", "system")]
    return [place for place in places if place.exists()]


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
    silent = [name_of(path) for path in tracked(".py") if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


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


def test_every_source_has_its_tests_at_the_mirrored_place() -> None:
    """Who changes a file knows where its promises are. Files of plain values promise nothing."""
    missing = [
        source
        for path in room_sources()
        if any(functions(path)) and not mirrors_of(source := name_of(path))
        if not any(source.startswith(named) for named in TESTED_ELSEWHERE)
    ]
    assert missing == []


def test_every_exception_to_the_mirror_is_real() -> None:
    """An exception for a file that is gone, that has tests by now, or with none elsewhere, is a lie."""
    wrong = [
        source
        for source, tests in TESTED_ELSEWHERE.items()
        if not (ROOT / source).exists() or not (ROOT / tests).exists() or mirrors_of(source)
    ]
    assert wrong == []


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
