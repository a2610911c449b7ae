"""Names for people, which clips can be played, and from where."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from backend.catalogue import Clip, Location, MediaType
from backend.catalogue.lifecycle import Status
from backend.http.problems import STATUSES
from backend.playback.playback import Page, disposition, readable_name, usable
from backend.problems.refused import Refused
from backend.storage.s3_settings import S3Settings
from tests.support.backend.clips import ID, a_clip
from tests.support.backend.houses import House, house, settings_of
from tests.support.s3_servers import S3Server

HERE = Page("http", "127.0.0.1")
BODY = b"0123456789" * 1000


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[House]:
    """Without a store."""
    async with house(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    running = S3Server("rclone", tmp_path_factory.mktemp("s3") / "data")
    running.start()
    yield running
    running.kill()


@pytest.fixture
async def stored(tmp_path: Path, server: S3Server) -> AsyncIterator[House]:
    """With a store behind it."""
    async with house(tmp_path, settings_of(server)) as made:
        assert made.store is not None
        await made.store.prepare()
        yield made


def here(**changes: object) -> Clip:
    """A clip of the size of BODY."""
    return a_clip(size_bytes=len(BODY), **changes)


async def test_a_finished_video_is_streamed_by_the_daemon(alone: House) -> None:
    """One address, no expiry, while there is no store."""
    alone.keep(here(), BODY)
    told = await alone.playback.resolve(here(), HERE)
    assert (told.mode, told.provider, told.expires_at) == ("proxy_stream", "local", None)
    assert told.url == f"/api/clips/{ID}/playback/stream"


@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING, Status.FAILED])
async def test_what_is_not_finished_is_not_ready(alone: House, status: Status) -> None:
    """409, and a failed clip says why."""
    clip = here(status=status, path=None, error="The disk is full.")
    with pytest.raises(Refused) as refusal:
        await alone.playback.resolve(clip, HERE)
    assert (STATUSES[refusal.value.kind], "The disk is full." in refusal.value.detail) == (409, True)
    assert alone.failures("local", "proxy_stream", "not_ready") == 1


async def test_an_image_is_not_played(alone: House) -> None:
    """400: there is a picture to show instead."""
    with pytest.raises(Refused) as refusal:
        await alone.playback.resolve(here(media_type=MediaType.IMAGE, path=f"{ID}/snapshot.jpg"), HERE)
    assert STATUSES[refusal.value.kind] == 400


@pytest.mark.parametrize("location", list(Location))
async def test_a_clip_whose_bytes_are_nowhere_is_a_502(alone: House, location: Location) -> None:
    """Lost from the disk, or kept in a store that is not configured any more."""
    with pytest.raises(Refused) as refusal:
        await alone.playback.resolve(here(location=location), HERE)
    assert STATUSES[refusal.value.kind] == 502
    assert alone.failures("local", "proxy_stream", "file_missing") == 1


@pytest.mark.parametrize("location", [Location.BOTH, Location.REMOTE])
async def test_a_stored_clip_is_played_from_the_store(
    stored: House, tmp_path: Path, location: Location
) -> None:
    """A presigned address of two minutes, and no secret of ours in it."""
    clip = here(location=location)
    stored.keep(clip, BODY)
    await stored.upload(clip, BODY)
    told = await stored.playback.resolve(clip, HERE)
    assert (told.mode, told.provider) == ("direct_url", "s3")
    assert told.expires_at is not None
    assert "X-Amz-Expires=120" in told.url
    assert "a-secret-of-the-tests" not in told.url


async def test_an_address_of_the_camera_s_own_file_is_for_those_who_have_originals(stored: House) -> None:
    """All others get the stream, and there the clean form: what the store holds hides pictures."""
    clip = here(location=Location.REMOTE)
    await stored.upload(clip, BODY)
    told = await stored.playback.resolve(clip, HERE, clean=True)
    assert (told.mode, told.url) == ("proxy_stream", f"/api/clips/{ID}/playback/stream")


async def test_a_page_that_could_not_use_the_address_gets_the_stream(stored: House, tmp_path: Path) -> None:
    """After a failure through the daemon, after mere expiry another address; both are counted."""
    clip = here(location=Location.REMOTE)
    await stored.upload(clip, BODY)
    failed = await stored.playback.resolve(clip, Page("http", "127.0.0.1", "failed"))
    expired = await stored.playback.resolve(clip, Page("http", "127.0.0.1", "expired"))
    assert (failed.mode, failed.provider, expired.mode) == ("proxy_stream", "s3", "direct_url")
    assert stored.failures("s3", "direct_url", "page_could_not_play") == 1
    assert stored.failures("s3", "direct_url", "expired") == 1


async def test_a_secure_or_distant_page_gets_the_stream(stored: House, tmp_path: Path) -> None:
    """An http address on a https page is blocked; 127.0.0.1 is another machine to a browser elsewhere."""
    clip = here(location=Location.BOTH)
    stored.keep(clip, BODY)
    await stored.upload(clip, BODY)
    for page in (Page("https", "127.0.0.1"), Page("http", "192.168.1.9")):
        told = await stored.playback.resolve(clip, page)
        assert (told.mode, told.provider) == ("proxy_stream", "local")


async def test_a_store_that_lost_the_clip_or_is_down_leaves_the_local_copy(
    stored: House, tmp_path: Path
) -> None:
    """And without one it is a 502 with the store's own cause."""
    clip = here(location=Location.BOTH, path=f"{ID}/never-uploaded.mp4")
    stored.keep(clip, BODY)
    assert (await stored.playback.resolve(clip, HERE)).provider == "local"
    nobody = S3Settings("http://127.0.0.1:1", "key-of-nobody", "a-secret-key")
    async with house(tmp_path / "dead", nobody) as dead:
        dead.keep(clip, BODY)
        assert (await dead.playback.resolve(clip, HERE)).provider == "local"
        with pytest.raises(Refused) as refusal:
            await dead.playback.resolve(here(location=Location.REMOTE), HERE)
        assert (STATUSES[refusal.value.kind], refusal.value.members) == (502, {"cause": "host"})
        assert dead.failures("s3", "direct_url", "host") == 2


def test_what_a_browser_can_use() -> None:
    """Scheme not weaker than the page's, host not its own machine unless the page is there too."""
    assert usable("https://s3.example.org/a", Page("https", "box"))
    assert usable("https://s3.example.org/a", Page("http", "box"))
    assert not usable("http://s3.example.org/a", Page("https", "box"))
    assert not usable("http://localhost:9000/a", Page("http", "box"))
    assert usable("http://[::1]:9000/a", Page("http", "localhost"))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("", "front 2025-10-26 08-00-00Z.mp4"),
        ("Fox by the hedge", "Fox by the hedge 2025-10-26 08-00-00Z.mp4"),
        ("../../etc/passwd", "etc passwd 2025-10-26 08-00-00Z.mp4"),
        ('a\r\nX: "b"', "a X b 2025-10-26 08-00-00Z.mp4"),
        (" . ", "front 2025-10-26 08-00-00Z.mp4"),
        ("x" * 200, "x" * 80 + " 2025-10-26 08-00-00Z.mp4"),
        ("猫", "猫 2025-10-26 08-00-00Z.mp4"),
        ("a\u202egpj.exe", "agpj.exe 2025-10-26 08-00-00Z.mp4"),
        pytest.param("🦊" * 80, "🦊" * 57 + " 2025-10-26 08-00-00Z.mp4", id="255 bytes"),
        ("\u2066\u200b\x85", "front 2025-10-26 08-00-00Z.mp4"),
    ],
)
def test_a_download_has_a_name_that_people_can_read(title: str, name: str) -> None:
    """No separators, no quotes, no line ends, whatever the title holds."""
    assert readable_name(a_clip(title=title, start_time=datetime(2025, 10, 26, 8))) == name


def test_the_header_carries_any_name(tmp_path: Path) -> None:
    """ASCII for old clients, UTF-8 by RFC 6266 for the rest."""
    assert disposition("Häuser 100%.mp4", inline=False) == (
        "attachment; filename=\"Hauser 100_.mp4\"; filename*=UTF-8''H%C3%A4user%20100%25.mp4"
    )
    assert disposition("a\uff02; filename*=UTF-8''evil.exe ….mp4", inline=False).startswith(
        "attachment; filename=\"a ; filename =UTF-8''evil.exe.mp4\"; filename*=UTF-8''a%EF%BC%82"
    )
    assert disposition("猫", inline=True) == "inline; filename=\"clip\"; filename*=UTF-8''%E7%8C%AB"
