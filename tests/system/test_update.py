"""`hindsight update` with real versions, real daemons and a real git remote: forwards, and back."""

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import av
import pytest

from tests.support.update_site import Site, Upstream

pytestmark = pytest.mark.slow("makes two or three whole installations, and stops and starts daemons")


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    """v0.1.0 is what we are; v0.2.0 has a migration more; v0.3.0 has another one and then fails to start."""
    made = Upstream(tmp_path_factory.mktemp("remote") / "upstream")
    made.release("0.1.0")
    made.add_migration()
    made.release("0.2.0")
    made.add_migration()
    made.change(
        "backend/recovery/recovery.py",
        "        await in_thread(self._disk, self._tidy)\n",
        '        raise OSError("broken on purpose")\n',
    )
    made.release("0.3.0")
    return made


def schema(site: Site) -> str:
    with closing(sqlite3.connect(site.data_dir / "catalogue.sqlite")) as database:
        (found,) = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found)


def frames(video: bytes) -> int:
    with av.open(io.BytesIO(video), "r") as container:
        return sum(1 for _ in container.decode(video=0))


def test_an_update_keeps_every_clip_and_runs_the_new_version(upstream: Upstream, tmp_path: Path) -> None:
    """The clip made before plays after; the schema has moved on, and every command is the new version's."""
    with Site(tmp_path / "site", upstream, "v0.1.0") as site:
        before = schema(site)
        site.wait_for_buffer(1.0)
        clip = site.post("/api/clips", {"before_seconds": 1, "after_seconds": 0}).json()
        clip = site.wait_for_clip(clip["id"])
        video = site.get(clip["playback_url"]).body
        old_pid = site.pid
        said = site.hindsight("update", "v0.2.0")
        assert said.returncode == 0, said.stdout + said.stderr
        assert "Hindsight 0.2.0 is in use." in said.stdout
        assert site.pid != old_pid
        assert site.version() == "0.2.0"
        assert site.hindsight("version").stdout == "hindsight 0.2.0\n"
        assert schema(site) > before
        assert site.get(site.clip(clip["id"])["playback_url"]).body == video
        assert frames(video) >= clip["frame_count"]


def test_a_version_that_does_not_start_leaves_everything_as_it_was(
    upstream: Upstream, tmp_path: Path
) -> None:
    """It migrates, then ends. The old one refuses newer tables: it answers only if they are gone again."""
    with Site(tmp_path / "site", upstream, "v0.1.0") as site:
        before = schema(site)
        site.wait_for_buffer(1.0)
        clip = site.post("/api/clips", {"before_seconds": 1, "after_seconds": 0}).json()
        site.wait_for_clip(clip["id"])
        under_way = site.post("/api/clips", {"before_seconds": 1, "after_seconds": None}).json()
        said = site.hindsight("update")
        assert said.returncode == 1, said.stdout + said.stderr
        assert "Everything is as it was, and 0.1.0 runs." in said.stdout
        assert "broken on purpose" in said.stdout
        assert str(site.log_path) in said.stdout
        assert site.version() == "0.1.0"
        assert site.hindsight("version").stdout == "hindsight 0.1.0\n"
        assert schema(site) == before
        assert frames(site.get(site.clip(clip["id"])["playback_url"]).body) > 0
        assert site.wait_for_clip(under_way["id"])["duration_seconds"] >= 1.0
        assert list((site.checkout / ".versions").glob("v*")) == []
