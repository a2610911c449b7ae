"""A camera that means harm: RTSP (interleaved) and HTTP on two free loopback ports, a process of its own.

    python -m tests.support.hostile.server SEED H264 H265 MJPEG     (files of tests.support.cameras.material)

Prints `ready RTSP_PORT HTTP_PORT`; ends when its standard input does. The first part of the path names
what it does: `rtsp://…/bit-flips`, `http://…/bomb`. Every connection draws on from its camera's seed.
"""

import asyncio
import io
import itertools
import random
import struct
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av

from recorder.bitstream import h264
from tests.support.hostile.mutations import H264_WAYS, TICKS, Sent, Unit, claiming, flipped, load, loop

MTU = 1400
_SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP {kind}\r\na=control:track1\r\n"
_MAPS = {
    "h264": "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1{sets}\r\n",
    "h265": "a=rtpmap:96 H265/90000\r\n",
    "mjpeg": "",
}
RTSP_ONLY = (
    "slow-sdp",
    "mutated-sdp",
    "huge-sdp",
    "garbage",
    "hang-up",
    "h265-flips",
    "jpeg-noise",
    "silence",
)
RTSP_WAYS = (*H264_WAYS, *RTSP_ONLY)
HTTP_WAYS = (
    "endless-headers", "slow-headers", "slow-chunks", "part-headers", "lying-length", "no-boundary",
    "bomb", "smaller-bomb", "torn-jpegs", "fill-bytes", "many-ends", "torn-transport", "redirect",
)  # fmt: skip


class Server:
    """What all connections share: the material and a random number generator per camera."""

    def __init__(self, seed: int, paths: list[Path]) -> None:
        self.h264, self.h265, self.mjpeg = (load(path) for path in paths)
        self._seed = seed
        self._chances: dict[str, random.Random] = {}

    def chance(self, name: str) -> random.Random:
        return self._chances.setdefault(name, random.Random(f"{self._seed} {name}"))

    async def rtsp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _Conversation(self, reader, writer).run()
        except* (OSError, EOFError, asyncio.LimitOverrunError, ValueError, IndexError):
            writer.transport.abort()

    async def http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            name = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode().strip("/")
            async for piece in _http_answer(self, name):
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()


class _Conversation:
    """One RTSP connection."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._sequence = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as self._tasks:
            try:
                await self._talk()
            finally:
                self._writer.transport.abort()  # what is being played ends with it

    async def _talk(self) -> None:
        while True:
            request = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            while request[:1] == "$":  # a receiver's report
                request = request[4 + int.from_bytes(request[2:4].encode("latin-1"), "big") :]
            if not request.strip():
                continue
            if await self._answer(request):
                return

    async def _answer(self, request: str) -> bool:
        method, url = request.split()[:2]
        name = url.split("/")[3]  # IndexError: it follows an address that was mutated
        number = request.lower().partition("cseq:")[2].split()[0]
        head = f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 7\r\n"
        if name == "silence" and method != "OPTIONS":
            await asyncio.sleep(3600)
        match method:
            case "DESCRIBE":
                await self._describe(head, name, url)
            case "SETUP":
                self._writer.write(f"{head}Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n".encode())
            case "PLAY":
                self._writer.write(f"{head}\r\n".encode())
                self._tasks.create_task(self._play(name))
            case _:
                self._writer.write(f"{head}Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n".encode())
        await self._writer.drain()
        return method == "TEARDOWN"

    async def _describe(self, head: str, name: str, url: str) -> None:
        chance = self._server.chance(name)
        sdp = self._sdp(name).encode()
        if name == "mutated-sdp":
            sdp = flipped(sdp, chance, 0.02)[: chance.randrange(20, len(sdp) + 1)]
        length = 2_000_000_000 if name == "huge-sdp" else len(sdp)
        head += f"Content-Type: application/sdp\r\nContent-Base: {url}/\r\nContent-Length: {length}\r\n\r\n"
        self._writer.write(head.encode())
        if name == "slow-sdp":
            for byte in sdp:
                self._send(bytes([byte]))
                await asyncio.sleep(0.5)
        self._writer.write(sdp)
        while name == "huge-sdp":
            self._writer.write(b"a=x:" + b"y" * 100_000 + b"\r\n")
            await self._writer.drain()
            await asyncio.sleep(0.001)

    def _sdp(self, name: str) -> str:
        if name == "jpeg-noise":
            return _SDP.format(kind=26)
        if name == "h265-flips":
            return _SDP.format(kind=96) + _MAPS["h265"]
        units = self._server.h264
        given = [nal for nal in units[0].nals if h264.nal_type(nal) in (h264.NAL_SPS, h264.NAL_PPS)]
        sets = "; sprop-parameter-sets=" + ",".join(b64encode(nal).decode() for nal in given)
        return _SDP.format(kind=96) + _MAPS["h264"].format(sets=sets)

    async def _play(self, name: str) -> None:
        with suppress(OSError):
            if name == "jpeg-noise":
                await self._play_jpeg(name)
            elif name == "garbage":
                while True:
                    self._send(self._server.chance(name).randbytes(3000))
                    await asyncio.sleep(0.03)
            else:
                await self._play_nals(name)

    async def _play_nals(self, name: str) -> None:
        is_h265 = name == "h265-flips"
        material = self._server.h265 if is_h265 else self._server.h264
        way = H264_WAYS.get(name, H264_WAYS["bit-flips"])
        due_s = asyncio.get_running_loop().time()
        for count, sent in enumerate(way(material, self._server.chance(name))):
            self._send(b"".join(self._packets(sent, is_h265=is_h265)))
            if name == "hang-up" and count == 100:
                self._send(b"$\0\xff\xff half a packet")
                self._writer.transport.abort()
                return
            await self._writer.drain()
            due_s += sent.wait_s
            await asyncio.sleep(max(0.0, due_s - asyncio.get_running_loop().time()))

    async def _play_jpeg(self, name: str) -> None:
        """RFC 2435 with quantisation tables inside, sizes and scans at random."""
        chance = self._server.chance(name)
        for number in itertools.count():
            width, height = chance.choice([(40, 22), (255, 255), (0, 0), (1, 1)])
            payload = chance.randbytes(chance.randrange(2000))
            head = struct.pack(
                ">IBBBB", 0, chance.choice([0, 1, 64, 255]), chance.choice([255, 50, 0, 128]), width, height
            )
            tables = struct.pack(">BBH", 0, 0, chance.choice([128, 64, 0, 65535])) + chance.randbytes(128)
            self._send(
                self._rtp(head + tables + payload, number * 3000, marker=chance.random() < 0.8, kind=26)
            )
            await self._writer.drain()
            await asyncio.sleep(1 / 30)

    def _send(self, data: bytes) -> None:
        if self._writer.transport.is_closing():
            raise ConnectionResetError
        self._writer.write(data)

    def _packets(self, sent: Sent, *, is_h265: bool) -> list[bytes]:
        found = []
        for index, nal in enumerate(sent.nals):
            last = sent.ends and index == len(sent.nals) - 1
            pieces = [nal] if len(nal) <= MTU else list(_fragments(nal, is_h265=is_h265))
            for number, piece in enumerate(pieces):
                found.append(self._rtp(piece, sent.ticks, marker=last and number == len(pieces) - 1, kind=96))
        return found

    def _rtp(self, payload: bytes, ticks: int, *, marker: bool, kind: int) -> bytes:
        self._sequence = (self._sequence + 1) & 0xFFFF
        head = struct.pack(">BBHII", 0x80, kind | marker << 7, self._sequence, ticks & 0xFFFFFFFF, 7)
        return b"$\0" + struct.pack(">H", len(head) + len(payload)) + head + payload


def _fragments(nal: bytes, *, is_h265: bool) -> list[bytes]:
    size = 2 if is_h265 else 1
    kind = nal[0] >> 1 & 0x3F if is_h265 else nal[0] & 0x1F
    head = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]) if is_h265 else bytes([nal[0] & 0xE0 | 28])
    # One packet may be as long as its length field says; larger ones keep a firehose affordable.
    most = 60_000 if len(nal) > 100_000 else MTU
    pieces = [nal[at : at + most] for at in range(size, len(nal), most)]
    return [
        head + bytes([(index == 0) << 7 | (index == len(pieces) - 1) << 6 | kind]) + piece
        for index, piece in enumerate(pieces)
    ]


async def _http_answer(server: Server, name: str) -> AsyncIterator[bytes]:
    ok = b"HTTP/1.1 200 OK\r\n"
    multipart = ok + b"Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
    if name == "redirect":
        yield b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"
    elif name in ("endless-headers", "slow-headers"):
        yield ok
        while True:
            yield b"X-More: " + b"y" * 1000 + b"\r\n" if name == "endless-headers" else b"X"
            await asyncio.sleep(0 if name == "endless-headers" else 0.5)
    elif name == "slow-chunks":
        yield (
            ok + b"Transfer-Encoding: chunked\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
        )
        while True:
            yield b"0"
            await asyncio.sleep(0.5)
    elif name == "torn-transport":
        yield ok + b"Content-Type: video/mp2t\r\n\r\n"
        async for piece in _transport(server, name):
            yield piece
    else:
        yield multipart.replace(b"; boundary=b", b"") if name == "no-boundary" else multipart
        async for piece in _pictures(server, name):
            yield piece


async def _pictures(server: Server, name: str) -> AsyncIterator[bytes]:
    chance = server.chance(name)
    part = b"--b\r\nContent-Type: image/jpeg\r\n"
    for _, unit in loop(server.mjpeg):
        data = unit.data
        match name:
            case "part-headers":
                yield b"--b\r\n" + b"X-More: y\r\n" * 3000
            case "lying-length":
                length = chance.choice([0, 1, len(data) // 2, len(data) * 50, 999_999_999, len(data)])
                yield part + b"Content-Length: %d\r\n\r\n" % length + data + b"\r\n"
            case "no-boundary":
                yield data
            case "bomb" | "smaller-bomb":
                size = (65535, 65535) if name == "bomb" else chance.choice([(16384, 16384), (30000, 30000)])
                yield part + b"\r\n" + claiming(data, *size) + b"\r\n"
            case "fill-bytes":
                yield part + b"\r\n\xff\xd8" + b"\xff" * 500_000 + b"\xff\xd9\r\n"
            case "many-ends":
                # A picture without length that seems to end with every packet.
                yield (
                    part + b"\r\n" + data[:-2] if chance.random() < 0.001 else b""
                ) + b"\xff\xfe\xff\xd9" * 20
                await asyncio.sleep(0.001)
                continue
            case _:
                yield part + b"\r\n" + flipped(data, chance) + b"\r\n"
        await asyncio.sleep(1 / 30)


async def _transport(server: Server, name: str) -> AsyncIterator[bytes]:
    """A real transport stream; every tenth packet is torn, missing or twice there."""
    chance = server.chance(name)
    whole = _muxed(server.h264)
    while True:
        for at in range(0, len(whole), 188):
            packet = whole[at : at + 188]
            if at > 10_000 and chance.random() < 0.1:
                packet = chance.choice([flipped(packet, chance, 0.02), b"", packet * 2, packet[:100]])
            yield packet
            if at % (188 * 5) == 0:
                await asyncio.sleep(0.02)


def _muxed(units: list[Unit]) -> bytes:
    sink = io.BytesIO()
    with av.open(sink, "w", format="mpegts") as container:
        stream = container.add_mux_stream("h264", width=320, height=176)
        for number, unit in enumerate(units):
            packet = av.Packet(unit.data)
            packet.stream, packet.is_keyframe, packet.time_base = (
                stream,
                unit.is_keyframe,
                Fraction(1, 90_000),
            )
            packet.pts = packet.dts = number * TICKS
            container.mux_one(packet)
    return sink.getvalue()


async def _serve(seed: int, paths: list[Path]) -> None:
    server = Server(seed, paths)
    listening = [await asyncio.start_server(door, "127.0.0.1", 0) for door in (server.rtsp, server.http)]
    ports = [one.sockets[0].getsockname()[1] for one in listening]
    print("ready", *ports, flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
