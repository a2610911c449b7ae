"""A link among the clips leads nowhere: by no address does what it points to leave the daemon."""

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.support.backend.whole_app import WholeApp
from tests.support.daemon import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def finished(app: WholeApp) -> dict[str, Any]:
    """A clip with both automatic pictures."""
    made = await app.record(before_seconds=1)

    async def pictured() -> dict[str, Any] | None:
        clip = await app.clip(made["id"])
        current, middle = clip["previews"]["current"], clip["previews"]["middle"]
        is_exact = current is not None and not current["approximate"]
        return clip if is_exact and middle and clip["status"] == "draft" else None

    return await app.wait(pictured, 30, "a picture")


def moved_away(path: Path, elsewhere: Path) -> None:
    """What was at `path` lies in `elsewhere` from now on, and a link leads there."""
    elsewhere.mkdir(exist_ok=True)
    path.rename(elsewhere / path.name)
    path.symlink_to(elsewhere / path.name)


async def ways_out(app: WholeApp, clip_id: str) -> dict[str, Answer]:
    """Every address that hands out bytes of the clip's file."""
    at = f"/api/clips/{clip_id}"
    return {
        "stream": await app.get(f"{at}/playback/stream"),
        "part": await app.get(f"{at}/playback/stream", Range="bytes=0-9"),
        "download": await app.get(f"{at}/download"),
        "clean": await app.get(f"{at}/download?form=clean"),
        "archive": await app.get(f"/api/clips/archive.zip?ids={clip_id}"),
        "frame": await app.post(f"{at}/set_manual_from_timestamp", {"time": 0.5}),
    }


@pytest.mark.parametrize("what", ["clip.mp4", ""])
async def test_a_linked_clip_is_a_missing_clip(
    app: WholeApp, tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The file or its folder: the target is a playable clip, yet nothing of it is sent, cut or decoded."""
    clip = await finished(app)
    before = await ways_out(app, clip["id"])
    assert {answer.status for answer in before.values()} <= {200, 206}
    clip = await finished(app)
    moved_away(app.data_dir / "clips" / clip["id"] / what, tmp_path / "elsewhere")
    with caplog.at_level(logging.WARNING, "backend.foundation.planted"):
        after = await ways_out(app, clip["id"])
    assert {name: answer.status for name, answer in after.items()} == dict.fromkeys(after, 502)
    assert all("file is not on the disk" in answer.body.decode() for answer in after.values())
    named = [record.getMessage() for record in caplog.records if clip["id"] in record.getMessage()]
    assert len(named) == 1
    assert "remove it by hand" in named[0]
    metrics = (await app.get("/metrics")).body.decode()
    assert float(metrics.split("\nhindsight_planted_files_total ")[1].split()[0]) >= len(after)


@pytest.mark.parametrize("folder", [True, False])
async def test_a_linked_picture_is_a_missing_picture(app: WholeApp, tmp_path: Path, folder: bool) -> None:
    """The page gets the placeholder; promoting it makes no copy of what the link leads to."""
    clip = await finished(app)
    address = f"/api/clips/{clip['id']}/thumbnail?source=middle"
    assert (await app.get(address)).headers["content-type"] == "image/jpeg"
    kept = app.data_dir / "thumbnails" / clip["id"]
    for path in [kept] if folder else list(kept.iterdir()):
        moved_away(path, tmp_path / "elsewhere")
    assert (await app.get(address)).headers["content-type"] == "image/svg+xml"
    promoted = await app.post(f"/api/clips/{clip['id']}/promote_preview", {"source": "middle"})
    assert (promoted.status, promoted.json()["field"]) == (409, "source")


async def test_no_picture_is_written_through_a_link(app: WholeApp, tmp_path: Path) -> None:
    """The fallback takes it, and nothing is removed behind the link either."""
    clip = await finished(app)
    moved_away(app.data_dir / "thumbnails" / clip["id"], tmp_path / "elsewhere")
    behind = tmp_path / "elsewhere" / clip["id"]
    before = sorted(path.name for path in behind.iterdir())
    picked = await app.post(f"/api/clips/{clip['id']}/set_manual_from_timestamp", {"time": 0.5})
    assert picked.status == 200
    kept = (app.data_dir / "thumbnails-fallback" / clip["id"]).iterdir()
    assert [path.suffix for path in kept if path.name.startswith("manual")] == [".png"]
    assert (await app.request("DELETE", f"/api/clips/{clip['id']}")).status == 204
    assert sorted(path.name for path in behind.iterdir()) == before
