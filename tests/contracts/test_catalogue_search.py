"""What a search finds, whichever database is behind it, where a text has no spaces between its words."""

import sqlalchemy as sa

from backend.base.ids import new_id
from backend.catalogue import Catalogue, ClipFilter
from backend.catalogue.model import clips
from backend.catalogue.search_words import FORM
from tests.contracts.test_catalogue import HERE, START, new_clip
from tests.contracts.test_catalogue_schema import connected

THAI = ("แ", "ม", "ว", "ดำ", "ใ", "น", "ส", "ว", "น")
EMOJI = ("🦊", "👍🏽", "❤️", "👨‍👩‍👧", "🇩🇪", "🇫🇷", "#️⃣", "1️⃣", "‼️")


async def found(catalogue: Catalogue, words: str) -> set[str]:
    return {clip.id for clip in (await catalogue.list_clips(ClipFilter(q=words))).items}


async def test_any_part_of_a_run_and_any_emoji_is_found(catalogue: Catalogue) -> None:
    """From every character on, up to every other; together with words; and only in what holds it."""
    title = (*THAI, *EMOJI)
    clip = await catalogue.insert_clip(new_clip(title=f"Yard {''.join(title)}"))
    await catalogue.insert_clip(new_clip(title="ปีชาติ 東京 🐈 🇮🇹", caption="Yard"))
    for begin in range(len(title)):
        for end in {begin + 1, begin + 2, begin + 5, len(title)}:
            assert await found(catalogue, f"yard {''.join(title[begin:end])}") == {clip.id}, (begin, end)
    for nowhere in ("แมวใน", "วดำม", "🐕", "🇪🇫", "#️⃣ wolf"):
        assert await found(catalogue, nowhere) == set(), nowhere


async def test_the_longest_query_is_answered(catalogue: Catalogue) -> None:
    """200 letters, as many as a request may hold: each its own word for the database."""
    text = "".join(chr(0x4E00 + n) for n in range(200))
    clip = await catalogue.insert_clip(new_clip(title=f"狐{text}狐"))
    assert await found(catalogue, text) == {clip.id}
    assert await found(catalogue, text[::-1]) == set()
    clip = await catalogue.insert_clip(new_clip(title="".join(chr(0x1F400 + n) for n in range(200))))
    assert await found(catalogue, clip.title) == {clip.id}


async def test_clips_of_an_earlier_version_are_found_after_the_update(catalogue: Catalogue, url: str) -> None:
    """Their words are stored again once, a page at a time; nothing that a page shows changes with it."""
    made = [await catalogue.insert_clip(new_clip(title=f"แมว {n}")) for n in range(210)]
    elsewhere = await catalogue.insert_clip(new_clip(title="แมว", recorder_id=new_id()))
    with connected(url) as connection:
        connection.execute(clips.update().values(search_text="as it was"))
    assert await found(catalogue, "มว") == set()
    await catalogue.renew_search(HERE)
    assert await found(catalogue, "มว 209") == {made[209].id}
    assert await found(catalogue, "มว 0") == {made[0].id}
    assert await catalogue.get_clip(made[0].id) == made[0]
    assert await found(catalogue, "was") == {elsewhere.id}, "another recorder does its own"


async def test_what_was_looked_through_is_not_looked_through_again(catalogue: Catalogue, url: str) -> None:
    """The next start goes on behind it, where an older version may have written; another form starts over."""
    first = await catalogue.insert_clip(new_clip(title="แมว"))
    await catalogue.renew_search(HERE)
    second = await catalogue.insert_clip(new_clip(title="แมว", start_time=START))
    with connected(url) as connection:
        connection.execute(clips.update().values(search_text="as it was"))
    await catalogue.renew_search(HERE)
    assert await found(catalogue, "มว") == {second.id}
    with connected(url) as connection:
        connection.execute(sa.text("UPDATE meta SET value = '0' || value WHERE key LIKE 'search %'"))
    await catalogue.renew_search(HERE)
    assert await found(catalogue, "มว") == {first.id, second.id}
    assert (await catalogue.note(f"search {HERE}") or "").startswith(f"{FORM} ")
