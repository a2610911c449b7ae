"""Commands on many clips, against a running daemon."""

import hashlib
import json
import zipfile
from pathlib import Path

from tests.support.commands import Ended, called
from tests.support.daemon import Daemon

GHOST = "0199f0d0-0000-7000-8000-000000000001"


def test_many_clips_are_published_archived_and_deleted_by_one_command_each(
    daemon: Daemon, tmp_path: Path
) -> None:
    """What cannot be done says why and makes the exit code 1; an archive is whole or not there."""

    def run(*arguments: str) -> Ended:
        return called(*arguments, "--config", str(daemon.config_path), cwd=tmp_path)

    recorded = run("record", "--before", "1", "--after", "0", "--wait", "--json")
    clip = json.loads(recorded.stdout)["id"]
    assert clip in run("clips", "list").stdout
    later = run("clips", "publish", clip, "--at", "2100-01-01T00:00:00Z")
    assert (later.returncode, "at 2100" in later.stdout) == (0, True)
    published = run("clips", "publish", clip, GHOST, "--caption", "Fox")
    assert published.returncode == 1
    assert [" ".join(line.split()[1:3]) for line in published.stdout.splitlines()[1:]] == [
        "published", "not done",
    ]  # fmt: skip
    archived = run("clips", "archive", clip, "--output", "all.zip", "--json")
    assert (tmp_path / "all.zip").stat().st_size == json.loads(archived.stdout)["size_bytes"]
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        clean = archive.read(archive.namelist()[0])
    assert clean == daemon.get(f"/api/clips/{clip}/download?form=clean").body
    run("clips", "archive", clip, "--output", "all.zip", "--original")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        original = archive.read(archive.namelist()[0])
    assert hashlib.sha256(original).hexdigest() == daemon.clip(clip)["sha256"]
    refused = run("clips", "archive", GHOST, "--output", "none.zip")
    assert (refused.returncode, (tmp_path / "none.zip").exists()) == (1, False)
    assert run("clips", "delete", clip).returncode == 0
    assert clip not in run("clips", "list").stdout
