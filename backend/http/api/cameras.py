"""Cameras and what is in their buffers: state, frames, filmstrip, replay."""

from urllib.parse import quote

from aiohttp import web

from backend.access.actions import Action
from backend.access.streams import StreamKind
from backend.base.times import rfc3339
from backend.http.handles import PRINCIPAL, house
from backend.http.routes import Route, camera_in_path, json_response, query_of
from backend.http.wire.cameras import (
    CameraJson,
    CameraListJson,
    FilmPictureJson,
    FilmstripJson,
    FilmstripQuery,
    FrameQuery,
    FramesJson,
    FramesQuery,
    RecordingDefaultsJson,
    ReplayJson,
    ReplayQuery,
)
from backend.playback.file_body import FileToSend, send_file
from recorder import Recorder
from recorder.base.errors import SpanOutsideBuffer

REPLAY_CACHING = {"Cache-Control": "private, no-cache"}
"""A player that may keep nothing asks for the same bytes at every seek; one that may gets a 304."""


async def list_cameras(request: web.Request) -> web.StreamResponse:
    cameras, principal = house(request).cameras, request[PRINCIPAL]
    seen = [
        CameraJson.of(status, default=status.camera_id == cameras.default_id)
        for status in cameras.statuses()
        if principal.may(Action.VIEW, status.camera_id)
    ]
    defaults = house(request).clips.defaults
    recording = RecordingDefaultsJson(
        before_seconds=defaults.before_seconds, after_seconds=defaults.after_seconds
    )
    return json_response(CameraListJson(cameras=seen, recording=recording))


async def get_camera(request: web.Request) -> web.StreamResponse:
    status = _recorder(request).status()
    default = status.camera_id == house(request).cameras.default_id
    return json_response(CameraJson.of(status, default=default))


async def frame(request: web.Request) -> web.StreamResponse:
    query = query_of(request, FrameQuery)
    picture = await _recorder(request).frame(query.at, exact=query.exact, max_width=query.width)
    if query.at is not None and query.exact and picture.label > query.at:
        raise SpanOutsideBuffer(
            f"The buffer begins at {rfc3339(picture.label)}, after the asked moment.", "at"
        )
    headers = {
        "X-Frame-Label": rfc3339(picture.label),
        "X-Frame-Approximate": "true" if picture.approximate else "false",
    }
    return web.Response(body=picture.jpeg, content_type="image/jpeg", headers=headers)


async def filmstrip(request: web.Request) -> web.StreamResponse:
    query = query_of(request, FilmstripQuery)
    recorder = _recorder(request)
    pictures = await recorder.filmstrip(query.count, query.width, query.start, query.end)
    camera = recorder.settings.camera_id
    shown = [FilmPictureJson.of(picture, camera) for picture in pictures]
    return json_response(FilmstripJson(camera=camera, pictures=shown))


async def frames(request: web.Request) -> web.StreamResponse:
    query = query_of(request, FramesQuery)
    recorder = _recorder(request)
    found = recorder.frames(query.start, query.end, query.limit)
    return json_response(FramesJson.of(found, recorder.settings.camera_id))


async def replay(request: web.Request) -> web.StreamResponse:
    query = query_of(request, ReplayQuery)
    holder = request[PRINCIPAL].holder
    file = await house(request).replays.open(
        _recorder(request), query.start, query.end, holder, from_keyframe=query.form == "clean"
    )
    headers = {
        "Location": f"/replay/{quote(file.token)}.mp4",
        "X-Start-Time": rfc3339(file.start_time),
        "X-End-Time": rfc3339(file.end_time),
    }
    return web.Response(status=303, headers=headers)


async def open_replay(request: web.Request) -> web.StreamResponse:
    query = query_of(request, ReplayQuery)
    recorder = _recorder(request)
    holder = request[PRINCIPAL].holder
    file = await house(request).replays.open(
        recorder, query.start, query.end, holder, from_keyframe=query.form == "clean"
    )
    return json_response(ReplayJson.of(file, recorder.settings.camera_id))


async def replay_file(request: web.Request) -> web.StreamResponse:
    async with house(request).replays.reading(request.match_info["token"]) as path:
        return await send_file(request, FileToSend(path, "video/mp4", headers=REPLAY_CACHING))


async def close_replay(request: web.Request) -> web.StreamResponse:
    await house(request).replays.release(request.match_info["token"])
    return web.Response(status=204)


async def _camera_of_replay(request: web.Request) -> str | None:
    return house(request).replays.camera(request.match_info["token"])


def _recorder(request: web.Request) -> Recorder:
    return house(request).cameras.find(request.match_info["camera"])


ROUTES = (
    Route("GET", "/api/cameras", list_cameras, Action.VIEW, "Every camera's state", response=CameraListJson),
    Route(
        "GET",
        "/api/cameras/{camera}",
        get_camera,
        Action.VIEW,
        "One camera's state",
        camera=camera_in_path,
        response=CameraJson,
    ),
    Route(
        "GET",
        "/api/cameras/{camera}/frame.jpg",
        frame,
        Action.VIEW,
        "The newest frame, or the buffered frame at a label",
        camera=camera_in_path,
        query=FrameQuery,
        ignores_unknown_query=True,
        stream=StreamKind.STILLS,
        media_type="image/jpeg",
        also_head=True,
    ),
    Route(
        "GET",
        "/api/cameras/{camera}/filmstrip",
        filmstrip,
        Action.VIEW,
        "Small pictures across the buffer",
        camera=camera_in_path,
        query=FilmstripQuery,
        stream=StreamKind.STILLS,
        response=FilmstripJson,
    ),
    Route(
        "GET",
        "/api/cameras/{camera}/frames",
        frames,
        Action.VIEW,
        "The frames of a span of the buffer, to look at one by one",
        camera=camera_in_path,
        query=FramesQuery,
        response=FramesJson,
    ),
    Route(
        "GET",
        "/api/cameras/{camera}/replay.mp4",
        replay,
        Action.VIEW,
        "A span of the buffer as a video, at the address in Location",
        camera=camera_in_path,
        query=ReplayQuery,
        ignores_unknown_query=True,
        status=303,
    ),
    Route(
        "GET",
        "/api/cameras/{camera}/replay",
        open_replay,
        Action.VIEW,
        "A span of the buffer to look at, with the times it shows",
        camera=camera_in_path,
        query=ReplayQuery,
        response=ReplayJson,
    ),
    Route(
        "GET",
        r"/replay/{token:[\w-]{1,64}}.mp4",
        replay_file,
        Action.VIEW,
        "The bytes of a replay, until a minute after the last look",
        camera=_camera_of_replay,
        ignores_unknown_query=True,
        stream=StreamKind.CLIP,
        media_type="video/mp4",
        also_head=True,
    ),
    Route(
        "DELETE",
        r"/replay/{token:[\w-]{1,64}}.mp4",
        close_replay,
        Action.VIEW,
        "Let a replay go before its minute is over",
        camera=_camera_of_replay,
        status=204,
    ),
)
