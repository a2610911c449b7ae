"""The whole daemon on a real PostgreSQL: what holds with SQLite holds with it."""

from pathlib import Path

import pytest

from tests.support.commands import called
from tests.support.daemon import Daemon
from tests.support.postgres import running_postgres

pytestmark = pytest.mark.slow("a database server is made, and a daemon is killed and started again")


def test_a_daemon_on_postgresql_records_survives_a_kill_and_agrees_with_its_disk(tmp_path: Path) -> None:
    """Recording, search, publishing and deletion; a kill in the middle; fsck over the same database."""
    with running_postgres() as server:
        url = server.url(server.fresh_database())
        with Daemon(tmp_path, catalogue={"url": url}) as daemon:
            daemon.wait_for_buffer(2.0)
            asked = {"before_seconds": 1, "after_seconds": 0, "title": "Fuchs im Garten"}
            clip = daemon.post("/api/clips", asked).json()
            under_way = daemon.post("/api/clips", {"before_seconds": 1, "after_seconds": None}).json()
            daemon.kill()
            assert not (daemon.data_dir / "catalogue.sqlite").exists()
            daemon.start()
            daemon.wait_for_clip(clip["id"])
            daemon.wait_for_clip(under_way["id"])
            found = daemon.get("/api/clips?q=fuchs").json()["clips"]
            assert [one["id"] for one in found] == [clip["id"]]
            assert daemon.post(f"/api/clips/{clip['id']}/publish", {}).status == 200
            assert daemon.request("DELETE", f"/api/clips/{under_way['id']}").status == 204
            daemon.wait(lambda: daemon.clip(clip["id"])["previews"]["middle"], 20, "its preview")
            assert daemon.stop() == 0
            done = called("fsck", "--level", "hash", "--config", str(daemon.config_path))
            assert done.returncode == 0, done.stdout + done.stderr


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    """The daemon ends with a sentence; whoever supervises it tries again."""
    daemon = Daemon(tmp_path, catalogue={"url": "postgresql://us:canary-5f2b@127.0.0.1:9/nowhere"})
    daemon.start(wait=False)
    assert daemon.wait_for_end() == 1
    log = daemon.log_path.read_text()
    assert "The database cannot do that now" in log
    assert "canary-5f2b" not in log
