"""The wheel, installed without the checkout: it holds everything, and it records a clip.

The wheel is built from the tracked files alone and installed into an environment of its own, which finds
the dependencies in that of the tests. No package index is needed.
"""

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from recorder.sources.test_picture.test_card import read_counter
from tests.support.cameras.fake_v4l2.camera import without_cameras
from tests.support.daemon import END_S
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = "backend/shipped/"
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
OFFLINE = ["--no-index", "--no-deps"]


def _tracked(*folders: str) -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def _clean_environment() -> dict[str, str]:
    """Ours without what would lead a program to the checkout or change its configuration."""
    dropped = ("HINDSIGHT_", "PYTHON", "VIDEO_SOURCE", "COV")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


def _do(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=_clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _build_wheel(source: Path, out: Path) -> Path:
    _do(*PIP, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", out, source, cwd=out.parent)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files, without what earlier builds and runs left in the checkout."""
    copy = tmp_path_factory.mktemp("source")
    for name in _tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build_wheel(source, tmp_path_factory.mktemp("built") / "wheel")


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel."""
    where = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(where, symlinks=True)
    python = where / "bin" / "python"
    _do(*PIP, "--python", python, "install", *OFFLINE, wheel, cwd=where)
    # Python reads no .pth file in a folder that one names: the editable checkout stays unknown there.
    purelib = _do(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=where).strip()
    dependencies = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    Path(purelib, "dependencies.pth").write_text("\n".join(dependencies) + "\n")
    return where / "bin"


class Installed:
    """The installed daemon in a folder of its own, started with nothing configured."""

    def __init__(self, programs: Path, folder: Path) -> None:
        quiet = {"HINDSIGHT_SERVER__PORT": "0", "HINDSIGHT_SERVER__HOST": "127.0.0.1"}
        # What this machine's disk has left decides nothing here.
        quiet |= {"HINDSIGHT_RETENTION__RESERVE__BYTES": "0", "HINDSIGHT_RETENTION__RESERVE__CLIPS": "0"}
        self.folder = folder
        self._log = (folder.parent / "log").open("w+")
        self._process = subprocess.Popen(
            [programs / "hindsight", "run"],
            cwd=folder,
            env=_clean_environment() | without_cameras() | quiet,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.said: list[str] = []

    def url(self) -> str:
        """Read what it prints up to its address, and return that."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said.append(line.rstrip())
            if line.startswith("Open "):
                return line.split()[1].partition("/#")[0]
        self._log.seek(0)
        pytest.fail(self._log.read())

    def close(self) -> int:
        """End it with SIGTERM; returns its exit code."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=END_S)
        finally:
            self._process.kill()
            self._log.close()
        return self._process.returncode


@pytest.fixture
def installed(programs: Path, tmp_path: Path) -> Iterator[Installed]:
    folder = tmp_path / "empty"
    folder.mkdir()
    daemon = Installed(programs, folder)
    yield daemon
    assert daemon.close() == 0


def _fetch(url: str, body: Any = None, key: str = "") -> bytes:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(url, data, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        content: bytes = answer.read()
    return content


def _json(url: str, body: Any = None, key: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_fetch(url, body, key))
    return found


def test_the_wheel_holds_the_page_the_sample_and_every_module(wheel: Path) -> None:
    """Each file of the checkout byte for byte, and nothing beside them."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    served = {SHIPPED + name: name for name in _tracked("web", "config.yaml", "test_video_playback.html")}
    wanted = served | {name: name for name in _tracked("backend", "recorder")}
    assert {"backend/py.typed", "recorder/py.typed", f"{SHIPPED}web/index.html"} <= wanted.keys()
    assert sorted(held) == sorted(wanted)
    assert [name for name in held if held[name] != (ROOT / wanted[name]).read_bytes()] == []


def test_the_source_distribution_builds_the_same_wheel(source: Path, wheel: Path, tmp_path: Path) -> None:
    """Debian and conda build from it, without the repository."""
    build = "import setuptools.build_meta as b, sys; print(b.build_sdist(sys.argv[1]))"
    name = _do(sys.executable, "-c", build, tmp_path, cwd=source).splitlines()[-1]
    with tarfile.open(tmp_path / name) as archive:
        archive.extractall(tmp_path, filter="data")
    again = _build_wheel(tmp_path / name.removesuffix(".tar.gz"), tmp_path / "wheel")
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())


def test_the_installed_program_prints_the_sample_and_its_version(programs: Path, tmp_path: Path) -> None:
    """`config sample` must work where an unusable config.yaml lies: the shell empties the file first."""
    (tmp_path / "config.yaml").write_text("sevrer: {}")
    assert _do(programs / "hindsight", "config", "sample", cwd=tmp_path) == (ROOT / "config.yaml").read_text()
    where = "import backend, recorder; print(backend.__file__, recorder.__file__)"
    origins = _do(programs / "python", "-c", where, cwd=tmp_path).split()
    assert [Path(origin).is_relative_to(programs.parent) for origin in origins] == [True, True]
    assert re.fullmatch(
        r"hindsight \d+\.\d+\.\d+", _do(programs / "hindsight", "version", cwd=tmp_path).strip()
    )


def test_a_first_run_in_an_empty_folder_serves_the_page_and_records_a_clip(installed: Installed) -> None:
    """The built-in camera runs, every file of the page is there, and the clip holds its frames in order."""
    url = installed.url()
    assert any("hindsight config sample > config.yaml" in line for line in installed.said)
    page = _fetch(url).decode()
    scripts = re.findall(r'"\.(/assets/[0-9a-f]+/[^"]+)"', page)
    assert len(scripts) > 3
    assert all(_fetch(url + script) for script in scripts)
    assert _fetch(f"{url}/test_video_playback.html").startswith(b"<!doctype html>")
    wait_until(lambda: _json(f"{url}/video/buffer/status")["duration_seconds"] >= 1, deadline_s=30)
    key = (installed.folder / "data" / "access_key").read_text().strip()
    asked = {"before_seconds": 1, "after_seconds": 1}
    clip_url = f"{url}/api/clips/{_json(f'{url}/api/clips', asked, key)['id']}"
    wait_until(lambda: _json(clip_url, key=key)["status"] in {"draft", "failed"}, deadline_s=30)
    clip = _json(clip_url, key=key)
    assert clip["status"] == "draft", clip
    video = _fetch(url + clip["playback_url"], key=key)
    assert hashlib.sha256(video).hexdigest() == clip["sha256"]
    with av.open(io.BytesIO(video), "r") as container:
        seen = [read_counter(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    assert len(seen) == clip["frame_count"]
    assert seen[0] is not None
    assert seen == list(range(seen[0], seen[0] + len(seen)))
