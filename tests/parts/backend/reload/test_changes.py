"""What a reload means, case by case: nobody is disturbed who need not be."""

from pathlib import Path

from backend.cameras.changes import CameraChanges
from backend.config.model import Config
from backend.reload.changes import describe, in_force, needs_restart


def test_what_is_read_at_the_start_only_is_named_and_stays_as_it_was() -> None:
    """Every section that is not known to take effect live is taken for one that does not."""
    running = Config.model_validate({"data_dir": "here", "server": {"port": 1}})
    cameras = [{"id": "yard", "source": "synthetic"}]
    wanted = Config.model_validate(
        {
            "data_dir": "there",
            "server": {"port": 2, "allowed_hosts": ["cam.example"]},
            "storage": {"thumbnails_dir": "pictures"},
            "cameras": cameras,
            "buffer": {"seconds": 9},
            "recording": {"before_seconds": 3},
            "log_level": "debug",
        }
    )
    waiting = ("data_dir", "server.port", "server.allowed_hosts", "storage.thumbnails_dir")
    assert needs_restart(running, wanted) == waiting
    held = in_force(running, wanted)
    assert (held.data_dir, held.server, held.storage) == (Path("here"), running.server, running.storage)
    assert (held.cameras, held.buffer, held.recording, held.log_level) == (
        wanted.cameras,
        wanted.buffer,
        wanted.recording,
        "debug",
    )
    assert needs_restart(held, wanted) == waiting


def test_the_sentence_names_every_camera_and_every_key_that_waits() -> None:
    """It is all that the person who sent the signal hears."""
    said = describe(CameraChanges((), ("a", "b"), ("c",), ("d",), ("e",)), ("server.port",))
    for word in ("added a, b", "removed c", "restarted d", "changed as they run e", "server.port"):
        assert word in said
    assert describe(CameraChanges(()), ()) == "Configuration reloaded; cameras: as they were."
