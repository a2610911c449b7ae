"""The parts work together: what is deleted is forgotten, what is archived is clean, the policy fits."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import SecretStr

from backend.config.model import StorageConfig
from backend.config.storage import S3Config
from backend.events.clip_events import ClipEvents
from backend.events.log import EventLog
from backend.foundation.local_files import LocalFiles
from backend.http.static import PagePolicy
from backend.http.wire.writers import WRITERS
from backend.playback.parts import open_playback, open_to_share
from backend.storage.storage import open_store
from recorder.mp4.muxer import write_mp4
from tests.support.backend.clips import a_clip
from tests.support.backend.foundations import a_foundation
from tests.support.media import NS_PER_S, Camera, units_of


async def test_an_archive_gets_the_clean_form_and_a_deleted_clip_leaves_none(tmp_path: Path) -> None:
    """What is open can be read to its end all the same."""
    files = LocalFiles(tmp_path / "clips", tmp_path / "pictures", tmp_path / "quarantine")
    clip_events, disk, clip = (
        ClipEvents(EventLog("boot"), WRITERS.clip),
        ThreadPoolExecutor(2),
        a_clip(lead_in_s=0.67),
    )
    path = tmp_path / "clips" / str(clip.path)
    path.parent.mkdir(parents=True)
    start_ns = 5 * NS_PER_S
    span = (start_ns + 2 * NS_PER_S // 3, start_ns + 2 * NS_PER_S)
    await asyncio.to_thread(write_mp4, path, units_of(Camera(), 90), *span)
    playing = open_playback(a_foundation(tmp_path, files=files, disk=disk), None, clip_events)
    content = await open_to_share(playing.clip_bytes, playing.clean_copies, clip)
    assert (content.size_bytes, playing.numbers()["clean_forms_made_total"]) == (
        playing.numbers()["clean_forms_kept_bytes"],
        1,
    )
    clip_events.deleted(clip)
    clean = tmp_path / "runtime" / "clean"
    async with asyncio.timeout(20):
        while await asyncio.to_thread(lambda: list(clean.iterdir())):
            await asyncio.sleep(0.01)
    assert sum([len(piece) async for piece in content.pieces()]) == content.size_bytes
    await content.close()
    await playing.close()
    await asyncio.to_thread(disk.shutdown)


def test_the_policy_allows_the_store_that_browsers_reach_and_nothing_else() -> None:
    """The public endpoint where there is one, else the endpoint; without a store only ourselves."""
    s3 = S3Config(endpoint="http://minio:9000", access_key=SecretStr("a"), secret_key=SecretStr("b"))
    public = s3.model_copy(update={"public_endpoint": "https://s3.example.org"})
    stores = [open_store(StorageConfig(s3=one)) for one in (None, s3, public)]
    origins = [None if store is None else store.browser_origin for store in stores]
    assert origins == [None, "http://minio:9000", "https://s3.example.org"]
    directives = PagePolicy("https://s3.example.org").headers()["Content-Security-Policy"].split("; ")
    allowing = {directive.split()[0] for directive in directives if "https://s3.example.org" in directive}
    assert allowing == {"img-src", "media-src", "connect-src"}
    assert "s3" not in PagePolicy().headers()["Content-Security-Policy"]
