"""The two given status endpoints, with the names and the time format their user specified."""

from aiohttp import web

from backend.access.actions import Action
from backend.http.handles import house
from backend.http.routes import Route, camera_in_query, json_response, query_of
from backend.http.wire.cameras import CameraQuery, StreamStatusJson, VideoBufferJson


async def stream_status(request: web.Request) -> web.StreamResponse:
    recorder = house(request).cameras.find(query_of(request, CameraQuery).camera)
    return json_response(StreamStatusJson.of(recorder.status()))


async def buffer_status(request: web.Request) -> web.StreamResponse:
    recorder = house(request).cameras.find(query_of(request, CameraQuery).camera)
    return json_response(VideoBufferJson.of_camera(recorder.status()))


ROUTES = (
    Route(
        "GET",
        "/api/debug/background-stream-status",
        stream_status,
        Action.VIEW,
        "Whether the background stream runs, and its buffer",
        camera=camera_in_query,
        query=CameraQuery,
        response=StreamStatusJson,
    ),
    Route(
        "GET",
        "/video/buffer/status",
        buffer_status,
        Action.VIEW,
        "The buffer, what fills it and what bounds it",
        camera=camera_in_query,
        query=CameraQuery,
        response=VideoBufferJson,
    ),
)
