"""Live pictures and sound: WebSockets for our page, JPEG frames for other programs.

WS /live/{camera}. Text messages are JSON: `init` (codec, width, height, and for fMP4 mime), `state` (state,
reason), `beat` (every five seconds, so that a viewer knows a quiet camera from a lost connection), `bye`
(reason: the daemon stops; come again). H.265 goes only to those who ask for it (`?h265=1`); others get it
encoded as H.264, and are closed, to come again, where a camera turns to H.265 under their eyes.
A socket whose session is over (signed out, expired, key replaced) is closed with code 4401.
Binary messages have a 24-byte big-endian header, then the bytes:

    u8   kind: 0 init segment, 1 fragment, 2 fragment that begins with a keyframe, 3 one whole JPEG, 4 sound
    7    zero bytes
    f64  media time of the fragment's picture, seconds; 0 for a JPEG; for sound the length of its lead
    u64  its label, microseconds since 1970-01-01T00:00:00Z

An `init` of codec `mjpeg` is followed by JPEGs, to be turned clockwise by its `rotation`; any other by
fMP4, which turns itself. `init` and its segment come again when the codec parameters change. A viewer that
is too slow misses fragments up to the next keyframe, or all JPEGs but the newest (the recorder drops and
counts them).

WS /live/{camera}/sound is a connection of its own, so that nothing of the sound can hold up the picture. It
says `init` (codec, rate, channels) or `unplayable` (reason: there is nothing to hear, as yet), then come
messages of kind 4: whole frames of AAC with ADTS headers, to be decoded together; the lead at their
beginning is for the decoder only and was heard before, the label is that of the first sample behind it.
"""

import asyncio
import json
import struct
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import assert_never

from aiohttp import WSMsgType, web

from backend.access.actions import Action
from backend.access.streams import StreamKind
from backend.base.times import rfc3339
from backend.http.handles import house
from backend.http.routes import STREAM, Route, camera_in_path, query_of
from backend.http.wire.cameras import LiveQuery, MjpegQuery
from backend.problems.kinds import Kind
from backend.problems.refused import Refused
from recorder import (
    LiveChunk,
    LiveInit,
    LiveJpeg,
    LiveJpegInit,
    LiveMessage,
    LiveSoundInit,
    LiveSoundMessage,
    LiveSoundMissing,
    LiveSoundPiece,
    LiveState,
    Recorder,
)
from recorder.base.errors import RecorderError
from recorder.base.media_time import label_of, label_us
from recorder.base.values import Picture

HEADER = struct.Struct(">B7xdQ")
KIND_INIT, KIND_FRAGMENT, KIND_KEYFRAME, KIND_JPEG, KIND_SOUND = 0, 1, 2, 3, 4
HEARTBEAT_S = 10.0
BEAT_S = 5.0
SEND_TIMEOUT_S = 20.0
BOUNDARY = "hindsight-frame"
SIGNED_OUT = 4401
"""The code a WebSocket is closed with when its session is over: coming again would be refused."""

_NEVER = label_of(0)


Send = Callable[[web.WebSocketResponse, Recorder], Awaitable[None]]


async def live(request: web.Request) -> web.StreamResponse:
    return await _serve(request, partial(_send_live, query_of(request, LiveQuery).h265))


async def live_sound(request: web.Request) -> web.StreamResponse:
    return await _serve(request, _send_sound)


async def _serve(request: web.Request, send: Send) -> web.StreamResponse:
    """Send until the viewer leaves, the camera goes, the session ends, or the daemon stops."""
    recorder = house(request).cameras.find(request.match_info["camera"])
    viewers, stream = house(request).viewers, request[STREAM]
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=4096, compress=False)
    if not socket.can_prepare(request):
        raise Refused(Kind.NEEDS_WEBSOCKET)
    await socket.prepare(request)
    stream.says_goodbye = True
    async with asyncio.TaskGroup() as group:
        works = (
            _sending(send, socket, recorder),
            _sending(_send_beats, socket, recorder),
            _listen(socket),
            viewers.closing.wait(),
            recorder.released.wait(),
            stream.ended.wait(),
        )
        tasks = {group.create_task(work) for work in works}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
    if stream.ended.is_set():
        await socket.close(code=SIGNED_OUT, message=b"Signed out")
    elif viewers.closing.is_set():
        await _say_bye(socket)
    await socket.close()
    return socket


async def mjpeg(request: web.Request) -> web.StreamResponse:
    recorder = house(request).cameras.find(request.match_info["camera"])
    viewers, fps = house(request).viewers, query_of(request, MjpegQuery).fps
    response = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}"})
    await response.prepare(request)
    async with asyncio.TaskGroup() as group:
        works = (_send_pictures(response, recorder, fps), viewers.closing.wait(), recorder.released.wait())
        tasks = {group.create_task(work) for work in works}
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
    return response


def pack(kind: int, media_time_s: float, label: datetime, data: bytes) -> bytes:
    """One binary message."""
    return HEADER.pack(kind, media_time_s, max(0, label_us(label))) + data


async def _sending(send: Send, socket: web.WebSocketResponse, recorder: Recorder) -> None:
    try:
        await send(socket, recorder)
    except (ConnectionError, TimeoutError):
        return


async def _send_live(plays_h265: bool, socket: web.WebSocketResponse, recorder: Recorder) -> None:
    async with recorder.subscribe(plays_h265=plays_h265) as subscription:
        async for message in subscription:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await _send(socket, message)


async def _send_sound(socket: web.WebSocketResponse, recorder: Recorder) -> None:
    async with aclosing(recorder.listen()) as messages:
        async for message in messages:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await _send_heard(socket, message)


async def _send_beats(socket: web.WebSocketResponse, recorder: Recorder) -> None:
    """The pings of `heartbeat` are invisible to a page."""
    while True:
        await asyncio.sleep(BEAT_S)
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_str(json.dumps({"type": "beat", "beat_seconds": BEAT_S}))


async def _send_heard(socket: web.WebSocketResponse, message: LiveSoundMessage) -> None:
    match message:
        case LiveSoundInit():
            init = {"codec": message.codec, "rate": message.sample_rate_hz, "channels": message.channels}
            await socket.send_str(json.dumps({"type": "init", **init}))
        case LiveSoundPiece():
            await socket.send_bytes(pack(KIND_SOUND, message.lead_s, message.label, message.data))
        case LiveSoundMissing():
            await socket.send_str(json.dumps({"type": "unplayable", "reason": message.reason}))
        case _:
            assert_never(message)


async def _send(socket: web.WebSocketResponse, message: LiveMessage) -> None:
    match message:
        case LiveInit():
            init = {
                "type": "init",
                "codec": message.codec_string,
                "width": message.width,
                "height": message.height,
                "mime": f'video/mp4; codecs="{message.codec_string}"',
            }
            await socket.send_str(json.dumps(init))
            await socket.send_bytes(pack(KIND_INIT, 0.0, _NEVER, message.init_segment))
        case LiveChunk():
            kind = KIND_KEYFRAME if message.is_keyframe else KIND_FRAGMENT
            await socket.send_bytes(pack(kind, message.media_time_s, message.label, message.data))
        case LiveJpegInit():
            init = {
                "type": "init",
                "codec": "mjpeg",
                "width": message.width,
                "height": message.height,
                "rotation": message.rotation_deg,
            }
            await socket.send_str(json.dumps(init))
        case LiveJpeg():
            await socket.send_bytes(pack(KIND_JPEG, 0.0, message.label, message.data))
        case LiveState():
            state = {"type": "state", "state": message.state, "reason": message.reason}
            await socket.send_str(json.dumps(state))
        case _:
            assert_never(message)


async def _listen(socket: web.WebSocketResponse) -> None:
    """Read, so that pings are answered and a close is noticed; what a viewer says is ignored."""
    async for message in socket:
        if message.type is WSMsgType.ERROR:
            return


async def _say_bye(socket: web.WebSocketResponse) -> None:
    try:
        async with asyncio.timeout(1.0):
            await socket.send_str(json.dumps({"type": "bye", "reason": "The daemon stops."}))
    except (ConnectionError, TimeoutError):
        return


async def _send_pictures(response: web.StreamResponse, recorder: Recorder, fps: float | None) -> None:
    try:
        async for picture in recorder.pictures(fps):
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await response.write(_part(picture))
    except (ConnectionError, TimeoutError, RecorderError):
        return


def _part(picture: Picture) -> bytes:
    head = (
        f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n"
        f"X-Frame-Label: {rfc3339(picture.label)}\r\n\r\n"
    )
    return head.encode() + picture.jpeg + b"\r\n"


ROUTES = (
    Route(
        "GET",
        "/live/{camera:[a-z0-9-]+}.mjpeg",
        mjpeg,
        Action.VIEW,
        "JPEG frames for other programs, decoded only while watched",
        camera=camera_in_path,
        query=MjpegQuery,
        ignores_unknown_query=True,
        stream=StreamKind.LIVE,
        media_type="multipart/x-mixed-replace",
    ),
    Route(
        "GET",
        "/live/{camera:[a-z0-9-]+}",
        live,
        Action.VIEW,
        "Live fMP4 or JPEGs over a WebSocket",
        camera=camera_in_path,
        query=LiveQuery,
        ignores_unknown_query=True,
        stream=StreamKind.LIVE,
        status=101,
    ),
    Route(
        "GET",
        "/live/{camera:[a-z0-9-]+}/sound",
        live_sound,
        Action.VIEW,
        "Live sound over a WebSocket of its own: pieces of AAC",
        camera=camera_in_path,
        ignores_unknown_query=True,
        stream=StreamKind.SOUND,
        status=101,
    ),
)
