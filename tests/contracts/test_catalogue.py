"""What every user of the catalogue may rely on, whichever database is behind it: clips."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from backend.base.ids import new_id
from backend.catalogue import (
    BadCursor,
    BadText,
    CameraStorage,
    Catalogue,
    CatalogueUnavailable,
    Clip,
    ClipFilter,
    ClipUnknown,
    IllegalTransition,
    Location,
    MediaType,
    NewClip,
    PreviewInfo,
    Previews,
    PreviewSource,
    Root,
    StoredPath,
)
from backend.catalogue.lifecycle import Status
from recorder.base.values import ClockState, Gap
from tests.contracts.conftest import SteppedClock

HERE = new_id()
ELSEWHERE = new_id()
START = datetime(2026, 3, 1, 11, 59, 45, 1)


def new_clip(**changes: object) -> NewClip:
    values: dict[str, object] = {
        "id": new_id(),
        "recorder_id": HERE,
        "camera": "front",
        "start_time": START,
        "pressed_at": START + timedelta(seconds=15),
    }
    return NewClip(**(values | changes))  # type: ignore[arg-type]


def full_clip() -> NewClip:
    return new_clip(
        status=Status.DRAFT,
        title="Fox at dusk",
        caption="Came twice — “hungry”, 狐",
        tags=("fox", "Café"),
        thumbnail=PreviewSource.CURRENT,
        end_time=START + timedelta(seconds=30),
        planned_end=START + timedelta(seconds=30),
        clock=ClockState.STEPPED,
        requested_before_s=15.0,
        requested_after_s=15.0,
        covered_before_s=14.966666,
        covered_after_s=15.0,
        duration_s=29.966666,
        frame_count=899,
        gaps=(Gap(START, START + timedelta(microseconds=1_500_001), "reconnected"),),
        width=1920,
        height=1080,
        fps=29.97,
        video_codec="avc1.640028",
        audio_codec="aac",
        lead_in_s=0.75,
        size_bytes=5_000_000_000,
        sha256="ab" * 32,
        path="x/clip.mp4",
        previews=Previews(current=PreviewInfo("x/current.jpg", 640, 360, approximate=True)),
    )


async def test_a_clip_comes_back_as_it_was_put_in(catalogue: Catalogue, clock: SteppedClock) -> None:
    """Every field, Unicode, microseconds and sizes over 4 GiB included."""
    asked = full_clip()
    stored = await catalogue.insert_clip(asked)
    assert await catalogue.get_clip(asked.id) == stored
    for name in NewClip.__dataclass_fields__:
        assert getattr(stored, name) == getattr(asked, name), name
    assert stored.created_at == clock.time
    assert (stored.location, stored.likes, stored.version) == (Location.LOCAL, 0, 1)
    assert (stored.progress, stored.error, stored.retryable) == (None, None, False)


async def test_an_unknown_clip_is_none_to_readers_and_an_error_to_writers(catalogue: Catalogue) -> None:
    """Nobody changes what is not there, and nobody makes it by changing it."""
    ghost = new_id()
    assert await catalogue.get_clip(ghost) is None
    assert await catalogue.set_progress(ghost, 0.5) is None
    for attempt in (
        catalogue.edit_clip(ghost, title="x"),
        catalogue.update_clip(ghost, {"likes": 1}),
        catalogue.transition(ghost, Status.PROCESSING),
        catalogue.set_preview(ghost, PreviewSource.MANUAL, None),
        catalogue.delete_clip(ghost),
    ):
        with pytest.raises(ClipUnknown):
            await attempt
    assert await catalogue.garbage_due(HERE) == []


async def test_a_clip_lives_from_pending_to_published_and_back(catalogue: Catalogue) -> None:
    """Each step sets its fields in the same transaction, clears progress and grows the version."""
    clip = await catalogue.insert_clip(new_clip())
    assert clip.status is Status.PENDING
    await catalogue.set_progress(clip.id, 0.25)
    clip = await catalogue.transition(
        clip.id, Status.PROCESSING, expect=Status.PENDING, fields={"progress": 0.0}
    )
    assert (clip.status, clip.progress) == (Status.PROCESSING, 0.0)
    gap = Gap(START, START + timedelta(seconds=2), "camera lost")
    done = {
        "size_bytes": 7,
        "sha256": "cd" * 32,
        "path": "a/clip.mp4",
        "gaps": (gap,),
        "clock": ClockState.STEPPED,
    }
    clip = await catalogue.transition(clip.id, Status.DRAFT, fields=done)
    assert (clip.progress, clip.size_bytes, clip.gaps, clip.clock) == (None, 7, (gap,), ClockState.STEPPED)
    clip = await catalogue.transition(clip.id, Status.PUBLISHED, fields={"published_at": START})
    clip = await catalogue.transition(clip.id, Status.DRAFT, fields={"published_at": None})
    assert (clip.status, clip.published_at, clip.version) == (Status.DRAFT, None, 6)


async def test_what_the_lifecycle_forbids_changes_nothing_and_tells_the_state(catalogue: Catalogue) -> None:
    """Also when the step is legal but the caller expected another beginning."""
    clip = await catalogue.insert_clip(new_clip())
    with pytest.raises(IllegalTransition) as refusal:
        await catalogue.transition(clip.id, Status.PUBLISHED, fields={"likes": 5})
    assert refusal.value.current is Status.PENDING
    with pytest.raises(IllegalTransition):
        await catalogue.transition(clip.id, Status.FAILED, expect=frozenset({Status.PROCESSING}))
    assert await catalogue.get_clip(clip.id) == clip


async def test_of_two_that_move_a_clip_at_once_one_wins(catalogue: Catalogue) -> None:
    """Ten people press Publish: one transition, nine refusals."""
    clip = await catalogue.insert_clip(full_clip())
    results = await asyncio.gather(
        *(catalogue.transition(clip.id, Status.PUBLISHED) for _ in range(10)), return_exceptions=True
    )
    assert sum(isinstance(result, Clip) for result in results) == 1
    assert sum(isinstance(result, IllegalTransition) for result in results) == 9


async def test_changes_made_at_once_are_all_kept(catalogue: Catalogue) -> None:
    """No writer overwrites what another wrote between its read and its write."""
    clip = await catalogue.insert_clip(full_clip())
    picture = PreviewInfo("x/p", 10, 10)
    await asyncio.gather(
        catalogue.edit_clip(clip.id, title="new"),
        catalogue.edit_clip(clip.id, caption="newer"),
        *(catalogue.set_preview(clip.id, source, picture) for source in PreviewSource),
    )
    after = await catalogue.get_clip(clip.id)
    assert after is not None
    assert (after.title, after.caption, after.tags) == ("new", "newer", clip.tags)
    assert all(after.previews.of(source) is not None for source in PreviewSource)
    assert after.version == clip.version + 5


async def test_guarded_fields_cannot_be_set_on_the_side(catalogue: Catalogue) -> None:
    """The state moves by transitions only, texts by edits (search follows them), names must exist."""
    clip = await catalogue.insert_clip(new_clip())
    for name in ("status", "title", "id", "version", "no_such_field"):
        with pytest.raises(ValueError, match=name):
            await catalogue.update_clip(clip.id, {name: "x"})
    assert await catalogue.get_clip(clip.id) == clip


async def test_progress_is_only_of_unfinished_clips(catalogue: Catalogue) -> None:
    """A late report does not make a finished clip look unfinished."""
    clip = await catalogue.insert_clip(full_clip())
    assert await catalogue.set_progress(clip.id, 0.9) is None
    assert await catalogue.get_clip(clip.id) == clip


async def test_an_edit_changes_the_texts_it_names(catalogue: Catalogue) -> None:
    """Emptying is a change, leaving out is none."""
    clip = await catalogue.insert_clip(full_clip())
    edited = await catalogue.edit_clip(clip.id, caption="", tags=["Ärger", "2"])
    assert (edited.title, edited.caption, edited.tags) == (clip.title, "", ("Ärger", "2"))


@pytest.mark.parametrize("text", ["nul\0", "half \ud83d"])
async def test_text_that_no_database_keeps_is_refused_by_both(catalogue: Catalogue, text: str) -> None:
    """What SQLite would take and PostgreSQL would not is refused before either sees it."""
    clip = await catalogue.insert_clip(new_clip())
    with pytest.raises(BadText):
        await catalogue.edit_clip(clip.id, title=text)
    with pytest.raises(BadText):
        await catalogue.insert_clip(new_clip(tags=("ok", text)))
    assert (await catalogue.list_clips(ClipFilter(q=text))).items == ()


async def test_an_error_message_is_kept_whatever_it_holds(catalogue: Catalogue) -> None:
    """Codec libraries write what they like; a clip must be able to fail all the same."""
    clip = await catalogue.insert_clip(new_clip())
    failed = await catalogue.transition(
        clip.id, Status.FAILED, fields={"error": "bad\0 \ud83d", "retryable": True}
    )
    assert (failed.error, failed.retryable) == ("bad ?", True)


async def test_an_aware_time_is_refused_before_it_is_stored(catalogue: Catalogue) -> None:
    """The one place where a zone could slip into rows that are compared without zones."""
    with pytest.raises(Exception, match="naive UTC"):
        await catalogue.insert_clip(new_clip(start_time=START.replace(tzinfo=UTC)))


async def test_pages_list_every_clip_once_newest_first(catalogue: Catalogue, clock: SteppedClock) -> None:
    """By recording order: also after the clock was set back, and though clips come and go between pages."""
    made = []
    for number in range(11):
        made.append(await catalogue.insert_clip(new_clip()))
        clock.advance(hours=-1 if number % 3 else 1)
    page = await catalogue.list_clips(limit=4)
    seen = list(page.items)
    await catalogue.insert_clip(new_clip())
    await catalogue.delete_clip(seen[-1].id)
    while page.next_cursor is not None:
        page = await catalogue.list_clips(cursor=page.next_cursor, limit=4)
        seen.extend(page.items)
    assert seen == list(reversed(made))


async def test_a_walk_meets_every_clip_of_this_recorder_once(catalogue: Catalogue) -> None:
    """Oldest first, over more clips than are read at once; another recorder's are not met."""
    made = [await catalogue.insert_clip(new_clip()) for _ in range(201)]
    await catalogue.insert_clip(new_clip(recorder_id=ELSEWHERE))
    assert [clip async for clip in catalogue.walk_clips(HERE)] == made


async def test_the_last_full_page_has_no_next(catalogue: Catalogue) -> None:
    """A page that is exactly full does not promise another one."""
    await catalogue.insert_clip(new_clip())
    assert (await catalogue.list_clips(limit=1)).next_cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "é", "WyJhIl0", "W" * 5000, "bnVsbA", "W10", "Ww" * 40_000])
async def test_a_cursor_we_did_not_make_is_refused(catalogue: Catalogue, cursor: str) -> None:
    """Whatever it holds, the answer is one sentence and no page."""
    with pytest.raises(BadCursor, match="first page"):
        await catalogue.list_clips(cursor=cursor)


async def test_filters_narrow_and_combine(catalogue: Catalogue) -> None:
    """Status lists, camera, kind, and a half-open span of start times."""
    draft = await catalogue.insert_clip(full_clip())
    back = await catalogue.insert_clip(new_clip(camera="back", start_time=START + timedelta(seconds=1)))
    image = await catalogue.insert_clip(
        new_clip(media_type=MediaType.IMAGE, status=Status.DRAFT, start_time=START + timedelta(seconds=2))
    )

    async def found(**wanted: object) -> set[str]:
        page = await catalogue.list_clips(ClipFilter(**wanted))  # type: ignore[arg-type]
        return {clip.id for clip in page.items}

    assert await found() == {draft.id, back.id, image.id}
    assert await found(statuses=frozenset({Status.DRAFT})) == {draft.id, image.id}
    assert await found(statuses=frozenset({Status.DRAFT, Status.PENDING}), camera="back") == {back.id}
    assert await found(media_type=MediaType.IMAGE) == {image.id}
    await catalogue.update_clip(back.id, {"keep": True})
    assert await found(keep=True) == {back.id}
    assert await found(keep=False) == {draft.id, image.id}
    assert await found(from_=START, to=START + timedelta(seconds=2)) == {draft.id, back.id}
    assert await found(from_=START + timedelta(microseconds=1)) == {back.id, image.id}
    assert await found(q="fox", camera="back") == set()


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("fox", True),
        ("FOX dusk", True),
        ("dus", True),
        ("usk", False),
        ("fox wolf", False),
        ("cafe", True),
        ("CAFÉ", True),
        ("hungry", True),
        ("赤い狐", False),
        ("狐", True),
        ("京", True),
        ("straße", True),
        ("STRASSE", True),
        ("10", True),
        ("10-12", True),
        ("front", False),
        ("", True),
        ("   ", True),
        ("!?", False),
        ('fox" OR "wolf', False),
        ("fox*", True),
        ("fox' | 'zz", False),
        ("fox & !dusk", True),
        ("title:fox", False),
        ("f\0ox", False),
    ],
)
async def test_search_finds_the_same_on_every_database(catalogue: Catalogue, query: str, finds: bool) -> None:
    """Words by their beginnings; case, accents and punctuation do not count; no query is syntax."""
    await catalogue.insert_clip(full_clip())
    other = new_clip(title="Nothing", caption="Die Straße, 東京都", tags=("10-12",))
    await catalogue.insert_clip(other)
    page = await catalogue.list_clips(ClipFilter(q=query))
    assert bool(page.items) is finds


async def test_search_follows_edits_and_deletion(catalogue: Catalogue) -> None:
    """The old words no longer find it, the new ones do, a deleted clip is found by neither."""
    clip = await catalogue.insert_clip(full_clip())
    await catalogue.edit_clip(clip.id, title="Badger")

    async def finds(words: str) -> bool:
        return bool((await catalogue.list_clips(ClipFilter(q=words))).items)

    assert await finds("badger")
    assert not await finds("dusk")
    await catalogue.delete_clip(clip.id)
    assert not await finds("badger")


async def test_a_word_of_any_length_is_kept_and_found(catalogue: Catalogue) -> None:
    """PostgreSQL refuses index words over 2 kB; a person may paste one all the same."""
    word = "ab" * 5000
    await catalogue.insert_clip(new_clip(title=word))
    assert len((await catalogue.list_clips(ClipFilter(q=word))).items) == 1


async def test_a_preview_changes_its_version_with_every_picture(catalogue: Catalogue) -> None:
    """So that a URL with the version in it may be cached for ever, even across clearing."""
    clip = await catalogue.insert_clip(new_clip())
    versions = []
    for approximate in (True, False):
        picture = PreviewInfo(f"{clip.id}/current.jpg", 640, 360, approximate=approximate)
        clip = await catalogue.set_preview(clip.id, PreviewSource.CURRENT, picture)
        assert clip.previews.current is not None
        assert clip.previews.current.approximate is approximate
        versions.append(clip.previews.current.version)
        clip = await catalogue.set_preview(clip.id, PreviewSource.CURRENT, None)
        assert clip.previews.current is None
    assert versions == sorted(set(versions))


async def test_a_picture_that_is_replaced_becomes_garbage_with_it(catalogue: Catalogue) -> None:
    """In one transaction: never a row without its picture, never a picture that nobody deletes."""
    clip = await catalogue.insert_clip(new_clip())

    async def left_over() -> list[str]:
        return [place.path for one in await catalogue.garbage_of_recorder(HERE) for place in one.paths]

    for name in ("a", "a", "b"):
        picture = PreviewInfo(f"{clip.id}/manual-{name}.png", 640, 360)
        await catalogue.set_preview(clip.id, PreviewSource.MANUAL, picture)
    assert await left_over() == [f"{clip.id}/manual-a.png"]
    await catalogue.set_preview(clip.id, PreviewSource.MANUAL, None)
    assert await left_over() == [f"{clip.id}/manual-a.png", f"{clip.id}/manual-b.png"]


async def test_a_continuation_is_linked_both_ways_or_not_at_all(catalogue: Catalogue) -> None:
    """And deleting one side leaves no link to a clip that is not there."""
    first, second = await catalogue.insert_clip(new_clip()), new_clip()
    with pytest.raises(ClipUnknown):
        await catalogue.insert_continuation(new_id(), second)
    assert await catalogue.get_clip(second.id) is None
    old, new = await catalogue.insert_continuation(first.id, second)
    assert (old.continued_by, new.continued_from) == (second.id, first.id)
    await catalogue.delete_clip(second.id)
    left = await catalogue.get_clip(first.id)
    assert left is not None
    assert left.continued_by is None


async def test_deleting_a_clip_hands_its_files_over_in_the_same_transaction(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Due at once, on the recorder that has the files; another recorder never sees it."""
    clip = await catalogue.insert_clip(new_clip())
    await catalogue.delete_clip(clip.id)
    assert await catalogue.get_clip(clip.id) is None
    (garbage,) = await catalogue.garbage_due(HERE)
    assert garbage.paths == (StoredPath(Root.CLIPS, clip.id), StoredPath(Root.THUMBNAILS, clip.id))
    assert await catalogue.garbage_due(ELSEWHERE) == []


async def test_garbage_waits_after_a_failure_and_leaves_when_done(
    catalogue: Catalogue, clock: SteppedClock
) -> None:
    """Attempts and the reason are kept for the person who looks."""
    clip = await catalogue.insert_clip(new_clip())
    await catalogue.delete_clip(clip.id)
    (garbage,) = await catalogue.garbage_due(HERE)
    await catalogue.garbage_failed(garbage.id, "read-only file system", clock.time + timedelta(seconds=10))
    assert await catalogue.garbage_due(HERE) == []
    clock.advance(seconds=10)
    (again,) = await catalogue.garbage_due(HERE)
    assert (again.attempts, again.last_error) == (1, "read-only file system")
    await catalogue.garbage_done(again.id)
    assert await catalogue.garbage_of_recorder(HERE) == []


async def test_start_up_sees_its_own_unfinished_clips_only(catalogue: Catalogue) -> None:
    """Another box on the same database is recording, and nobody may salvage under its hands."""
    mine = await catalogue.insert_clip(new_clip())
    await catalogue.insert_clip(new_clip(recorder_id=ELSEWHERE))
    await catalogue.insert_clip(full_clip())
    assert await catalogue.list_unfinished(HERE) == [mine]
    assert len(await catalogue.clips_of_recorder(HERE)) == 2


async def test_totals_count_every_state_and_every_camera(catalogue: Catalogue) -> None:
    """A state without clips is zero, not missing."""
    await catalogue.insert_clip(full_clip())
    await catalogue.insert_clip(full_clip())
    await catalogue.insert_clip(new_clip(camera="back"))
    counts = await catalogue.count_by_status()
    assert set(counts) == set(Status)
    assert (counts[Status.DRAFT], counts[Status.PENDING], counts[Status.FAILED]) == (2, 1, 0)
    assert await catalogue.storage_by_camera() == [
        CameraStorage("back", 1, 0),
        CameraStorage("front", 2, 10_000_000_000),
    ]


async def test_two_processes_may_have_the_catalogue_open(url: str, clock: SteppedClock) -> None:
    """The daemon and a command line: each sees what the other committed, nobody is refused."""
    first, second = Catalogue(url, now=clock), Catalogue(url, now=clock)
    await asyncio.gather(first.open(), second.open())
    try:
        new = [new_clip() for _ in range(20)]
        await asyncio.gather(*((first, second)[n % 2].insert_clip(clip) for n, clip in enumerate(new)))
        assert len((await first.list_clips()).items) == len((await second.list_clips()).items) == 20
    finally:
        await first.close()
        await second.close()


async def test_a_closed_catalogue_says_so_and_may_be_closed_again(catalogue: Catalogue) -> None:
    """A handler that comes too late gets a sentence, not a dead thread pool."""
    await catalogue.ping()
    await catalogue.close()
    await catalogue.close()
    with pytest.raises(CatalogueUnavailable, match="closed"):
        await catalogue.ping()
