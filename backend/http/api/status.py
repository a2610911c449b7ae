"""The two given status endpoints, with the names and the time format their user specified.

Programs on this machine may read them without authority; then they hold the documented fields alone.
"""

from aiohttp import web

from backend.access.actions import Action
from backend.http.handles import house
from backend.http.routes import Route, camera_in_query, json_response, query_of
from backend.http.wire.cameras import (
    CameraQuery,
    OpenStreamStatusJson,
    OpenVideoBufferJson,
    StreamStatusJson,
    VideoBufferJson,
)


async def stream_status(request: web.Request) -> web.StreamResponse:
    recorder = house(request).cameras.find(query_of(request, CameraQuery).camera)
    return json_response(StreamStatusJson.of(recorder.status()))


async def buffer_status(request: web.Request) -> web.StreamResponse:
    recorder = house(request).cameras.find(query_of(request, CameraQuery).camera)
    return json_response(VideoBufferJson.of_camera(recorder.status()))


async def open_stream_status(request: web.Request) -> web.StreamResponse:
    recorder = house(request).cameras.find(None)
    return json_response(OpenStreamStatusJson.of(recorder.status()))


async def open_buffer_status(request: web.Request) -> web.StreamResponse:
    recorder = house(request).cameras.find(None)
    return json_response(OpenVideoBufferJson.of_camera(recorder.status()))


ROUTES = (
    Route(
        "GET",
        "/api/debug/background-stream-status",
        stream_status,
        Action.VIEW,
        "Whether the background stream runs, and its buffer",
        camera=camera_in_query,
        query=CameraQuery,
        ignores_unknown_query=True,
        response=StreamStatusJson,
        open_handler=open_stream_status,
    ),
    Route(
        "GET",
        "/video/buffer/status",
        buffer_status,
        Action.VIEW,
        "The buffer, what fills it and what bounds it",
        camera=camera_in_query,
        query=CameraQuery,
        ignores_unknown_query=True,
        response=VideoBufferJson,
        open_handler=open_buffer_status,
    ),
)
