"""`GET /api/clips/archive.zip`: many clips as one download. `backend.playback.archive` does the work."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Literal

from aiohttp import web
from pydantic import Field, ValidationError

from backend.access.actions import Action
from backend.access.authorise import authorise
from backend.access.streams import StreamKind
from backend.base.text.validation_text import plain_words
from backend.catalogue.values import Clip
from backend.http.handles import PRINCIPAL, house
from backend.http.routes import Route, query_of
from backend.http.wire.publishing import MOST_AT_ONCE, IdList
from backend.http.wire.times import RequestModel
from backend.playback.file_body import write_piece
from backend.playback.playback import disposition
from backend.problems.kinds import Kind
from backend.problems.refused import Refused

NAME = "Hindsight clips.zip"
JOB_HEADER = "Archive-Job"


class ArchiveQuery(RequestModel):
    """What to put into the archive."""

    ids: str = Field(
        max_length=MOST_AT_ONCE * 40, description=f"1 to {MOST_AT_ONCE} ids of clips, separated by commas."
    )
    form: Literal["clean", "original"] = Field(
        default="clean",
        description="clean: without what the clips' files hide; made when first asked for. "
        "original: the files as they were recorded, for those who may manage the clips.",
    )
    job: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="A name of your own for this download, to know its `archive` events by.",
    )


async def archive(request: web.Request) -> web.StreamResponse:
    query = query_of(request, ArchiveQuery)
    original = query.form == "original"
    clips = await _clips(request, query.ids, Action.MANAGE if original else Action.VIEW)
    async with AsyncExitStack() as stack:
        archives = house(request).archives
        made = await archives.prepare(stack, clips, query.job, original=original)
        response = web.StreamResponse(
            headers={
                "Content-Disposition": disposition(NAME, inline=False),
                "Accept-Ranges": "none",
                JOB_HEADER: made.job,
            }
        )
        response.content_type = "application/zip"
        response.content_length = made.total_bytes
        await response.prepare(request)
        if request.method != "HEAD":
            await archives.send(made, partial(write_piece, response))
        await response.write_eof()
        return response


async def _clips(request: web.Request, listed: str, action: Action) -> list[Clip]:
    try:
        wanted = IdList(ids=tuple(part.strip() for part in listed.split(",") if part.strip()))
    except ValidationError as error:
        sentence = plain_words(dict(error.errors(include_url=False, include_input=False)[0]))
        raise Refused(Kind.QUERY_NOT_VALID, field="ids", finding=f"ids: {sentence}.") from None
    clips = []
    for clip_id in wanted.ids:
        clip = await house(request).clips.get(clip_id)
        authorise(request[PRINCIPAL], action, clip.camera)
        clips.append(clip)
    return clips


ROUTES = (
    Route(
        "GET",
        "/api/clips/archive.zip",
        archive,
        Action.VIEW,
        "Many clips as one ZIP, in their clean form; `archive` events tell how far it is",
        query=ArchiveQuery,
        ignores_unknown_query=True,
        stream=StreamKind.ARCHIVE,
        media_type="application/zip",
        also_head=True,
    ),
)
