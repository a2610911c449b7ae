"""Names for people, which clips can be played, and from where."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from backend.base.machine.host import FreeSpace
from backend.catalogue import Clip, Location, MediaType
from backend.catalogue.lifecycle import Status
from backend.http.problems import STATUSES
from backend.playback import clip_index
from backend.playback.clip_bytes import ClipBytes
from backend.playback.forms import Form
from backend.playback.playback import Page, disposition, readable_name, usable
from backend.problems.refused import Refused
from backend.storage.s3_settings import S3Settings
from recorder.mp4.muxer import write_mp4
from tests.support.backend.clips import ID, a_clip
from tests.support.backend.houses import House, house, settings_of
from tests.support.media import NS_PER_S, Camera, counter_times, units_of
from tests.support.s3_servers import S3Server

HERE = Page("http", "127.0.0.1")
CAMERA = Camera(gop=30)
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
    clip = await held(stored, Location.REMOTE, hiding=False)
    told = await stored.playback.resolve(clip, HERE, Form.CLEAN)
    assert (told.mode, told.url) == ("proxy_stream", f"/api/clips/{ID}/playback/stream")


@pytest.mark.parametrize("location", list(Location))
async def test_a_player_that_ignores_edit_lists_gets_a_clean_form_of_what_hides_pictures(
    stored: House, location: Location
) -> None:
    """Made before the answer, and never by an address of the store, which holds the camera's own file."""
    clip = await held(stored, location, hiding=True)
    making = Making()
    told = await stored.playback.resolve(clip, HERE, Form.EXACT, making)
    assert (told.mode, told.url) == ("proxy_stream", f"/api/clips/{ID}/playback/stream?form=clean")
    assert stored.clean_copies.counters.made == 1
    assert (making.entered, making.left) == (1, 1)
    assert stored.sample("clean_total", form="exact") == 1


@pytest.mark.parametrize("location", list(Location))
async def test_what_hides_no_picture_is_played_as_ever_by_any_player(
    stored: House, location: Location
) -> None:
    """It is its own clean form: from the store, where that holds it, and nothing is made."""
    clip, making = await held(stored, location, hiding=False), Making()
    told = await stored.playback.resolve(clip, HERE, Form.EXACT, making)
    assert told.mode == ("proxy_stream" if location is Location.LOCAL else "direct_url")
    assert "form=" not in told.url
    assert (stored.clean_copies.counters.made, making.entered) == (0, 0)
    assert stored.sample("clean_total", form="exact") == 0


async def test_a_clean_form_that_cannot_be_made_is_refused_before_the_player_waits_for_it(
    tmp_path: Path,
) -> None:
    """With the reason: a player could only say that it does not play."""
    full = FreeSpace(free_bytes=1, reserve_bytes=2)
    async with house(tmp_path, shortage=lambda: full) as made:
        clip = await held(made, Location.LOCAL, hiding=True)
        with pytest.raises(Refused) as refusal:
            await made.playback.resolve(clip, HERE, Form.EXACT)
        assert STATUSES[refusal.value.kind] == 507
        assert (await made.playback.resolve(clip, HERE)).mode == "proxy_stream"


async def test_a_file_whose_index_cannot_be_read_is_played_as_it_is(alone: House) -> None:
    """A player makes more of it than a refusal."""
    alone.keep(here(), BODY)
    assert (await alone.playback.resolve(here(), HERE, Form.EXACT)).url.endswith("/playback/stream")
    with pytest.raises(Refused) as refusal:
        await alone.playback.frame_times(here())
    assert STATUSES[refusal.value.kind] == 500
    assert "fsck" in refusal.value.detail


async def test_the_index_of_a_clip_is_read_once(stored: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the store only its first bytes; what has been read is remembered."""
    clip = await held(stored, Location.REMOTE, hiding=True)
    fetched: list[int] = []
    fetch_part = ClipBytes.fetch_part

    async def counted(self: ClipBytes, clip: Clip, first: int, length: int, target: Path) -> None:
        fetched.append(length)
        await fetch_part(self, clip, first, length, target)

    monkeypatch.setattr(ClipBytes, "fetch_part", counted)
    times = await stored.indexes.frame_times(clip)
    assert len(times.pts) == 45
    assert await stored.indexes.frame_times(clip) is times
    assert len(fetched) == 1
    assert stored.indexes.remembered_frames == 45


async def test_what_is_remembered_of_indexes_is_bounded_and_counted_once(
    alone: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests may read one index at the same time; the clip that was looked at last stays."""
    clip = await held(alone, Location.LOCAL, hiding=True)
    await asyncio.gather(*(alone.indexes.frame_times(clip) for _ in range(3)))
    assert alone.indexes.remembered_frames == 45
    monkeypatch.setattr(clip_index, "MOST_REMEMBERED_FRAMES", 80)
    newer = replace(clip, sha256="other content")
    times = await alone.indexes.frame_times(newer)
    assert alone.indexes.remembered_frames == 45
    assert await alone.indexes.frame_times(newer) is times


class Making:
    """Counts how often a clean form was being made."""

    entered = left = 0

    def __enter__(self) -> None:
        self.entered += 1

    def __exit__(self, *_: object) -> None:
        self.left += 1


async def held(made: House, location: Location, *, hiding: bool) -> Clip:
    """A clip of 45 frames, in this place."""
    times = counter_times(5 * NS_PER_S, CAMERA.fps, (10, 55) if hiding else (30, 75))
    path = made.scratch.with_name("made.mp4")
    await asyncio.to_thread(write_mp4, path, units_of(CAMERA, 90), *times)
    body = await asyncio.to_thread(path.read_bytes)
    clip = a_clip(size_bytes=len(body), location=location)
    if location is not Location.REMOTE:
        made.keep(clip, body)
    if location is not Location.LOCAL:
        await made.upload(clip, body)
    return clip


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
