"""A real RTSP camera for tests: gst-rtsp-server, fed with access units that were encoded before.

Run by the system's own Python (`/usr/bin/python3`), because that is where gi is; started, paused and
killed by `tests.support.cameras.rtsp`. It imports nothing of the project. Material is read from files made by
`tests.support.cameras.material`. Prints `ready PORT` once it listens; ends when its standard input does.

Every mount is one live stream shared by all its clients, paced in real time, with true timestamps. The
counter in the pictures never goes back: a stream that was torn down goes on at a later GOP, never at an
earlier one (until the loop itself is over).

Credentials come as `user:password` on the first line of standard input, never as an argument: the
process list is readable by everybody.
"""

import argparse
import json
import math
import random
import sys
import threading
import time
from fractions import Fraction

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

# What each codec's units are called, and what packs them.
CODECS = {
    "h264": ("video/x-h264,stream-format=byte-stream,alignment=au", "rtph264pay"),
    "h265": ("video/x-h265,stream-format=byte-stream,alignment=au", "rtph265pay"),
    "mjpeg": ("image/jpeg,width={width},height={height},framerate={rate[0]}/{rate[1]}", "rtpjpegpay"),
}
APPSRC = "appsrc is-live=true format=time do-timestamp=false"
SPS_PPS = (7, 8)
# Caps, payloader, payload type. Silence and the two levels of a click, where one byte is one sample.
SOUNDS = {
    "aac": (
        "audio/mpeg,mpegversion=4,stream-format=raw,rate=48000,channels=1,codec_data=(buffer)1188",
        "rtpmp4gpay",
        97,
    ),
    "pcma": ("audio/x-alaw,rate=8000,channels=1", "rtppcmapay", 8),
    "pcmu": ("audio/x-mulaw,rate=8000,channels=1", "rtppcmupay", 0),
}
BYTE_LEVELS = {"pcma": (0xD5, 0xAA, 0x2A), "pcmu": (0xFF, 0x80, 0x00)}
CLICK_SAMPLES = 80


class Loop:
    """The access units of one material file, endless."""

    def __init__(self, path, out_of_band):
        with open(path, "rb") as file:  # noqa: PTH123
            header = json.loads(file.readline())
            self.fps = header["fps"][0] / header["fps"][1]
            self.rate = header["fps"]
            self.frames = header["frames"]
            self.codec = header["codec"]
            self.width, self.height = header["size"]
            self.units = []
            for size, pts, dts, key in header["units"]:
                data = file.read(size)
                if not self.units and self.codec == "h264":
                    self.sets = [nal for nal in nals_of(data) if nal[0] & 31 in SPS_PPS]
                self.units.append((length_prefixed(data) if out_of_band else data, pts, dts, key))
        self.first_dts = self.units[0][2]

    def next_gop(self, index):
        """The first index from `index` on that starts a GOP."""
        while not self.units[index % len(self.units)][3]:
            index += 1
        return index

    def unit(self, index):
        """Data, pts and dts (both in frames, dts from 0 on) and the keyframe flag of the unit `index`."""
        data, pts, dts, key = self.units[index % len(self.units)]
        shift = index // len(self.units) * self.frames - self.first_dts
        return data, pts + shift, dts + shift, key

    def nanoseconds(self, frames):
        """Rounded up, so that the payloader's truncation to 90 kHz gives a constant rate."""
        return -(-frames * self.rate[1] * Gst.SECOND // self.rate[0])

    def decoder_record(self):
        """AVCDecoderConfigurationRecord (ISO 14496-15) of the loop's one SPS and one PPS."""
        sps, pps = sorted(self.sets, key=lambda nal: nal[0] & 31)
        record = b"\x01" + sps[1:4] + b"\xff\xe1" + len(sps).to_bytes(2, "big") + sps
        return record + b"\x01" + len(pps).to_bytes(2, "big") + pps


def nals_of(data):
    """NAL units of x264's Annex B (three- or four-byte start codes)."""
    return [nal.rstrip(b"\0") for nal in data.split(b"\0\0\1")[1:]]


def length_prefixed(data):
    """The unit without its parameter sets, as MP4 holds it."""
    pictures = [nal for nal in nals_of(data) if nal[0] & 31 not in SPS_PPS]
    return b"".join(len(nal).to_bytes(4, "big") + nal for nal in pictures)


class Feed:
    """Pushes one loop into one appsrc in real time, from its own thread."""

    def __init__(self, mount, source):
        self.mount = mount
        self.source = source
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        mount = self.mount
        index = mount.first_index()
        _, _, first_dts, _ = mount.loop_at(index).unit(index)
        began = time.monotonic()
        # Picture n is shown n / fps of the sound's time from here on.
        loop = mount.loop_at(index)
        mount.zero = (began, (-loop.first_dts - first_dts) * Fraction(*reversed(loop.rate)))
        while not self.stopped.is_set():
            loop = mount.loop_at(index)
            data, pts, dts, key = loop.unit(index)
            due = (dts - first_dts) / loop.fps
            if self.stopped.wait(max(0.0, began + due - time.monotonic())):
                return
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.dts = loop.nanoseconds(dts - first_dts)
            buffer.pts = loop.nanoseconds(pts - first_dts)
            buffer.duration = loop.nanoseconds(1)
            if not key:
                buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
            mount.last_index = index
            if self.source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return
            index += 1

    def stop(self, *_):
        self.stopped.set()


class Sound:
    """Endless sound with a click at each whole second, as (data, when it begins in seconds, seconds)."""

    def __init__(self, kind, path):
        self.kind = kind
        self.frames = []
        if path:
            with open(path, "rb") as file:  # noqa: PTH123
                for size in json.loads(file.readline()):
                    self.frames.append(file.read(size))

    def unit(self, number):
        if self.kind == "aac":
            frame_s = Fraction(1024, 48000)
            return self.frames[number % len(self.frames)], number * frame_s, frame_s
        quiet, high, low = BYTE_LEVELS[self.kind]
        samples = bytearray([quiet]) * 160
        if number % 50 == 0:
            samples[:CLICK_SAMPLES] = bytes([high, high, high, high, low, low, low, low]) * (
                CLICK_SAMPLES // 8
            )
        return bytes(samples), Fraction(number, 50), Fraction(1, 50)

    def first(self, media_s):
        """Number of the unit that begins at or after `media_s`."""
        return math.ceil(media_s * (Fraction(48000, 1024) if self.kind == "aac" else 50))


class SoundFeed:
    """Pushes the sound into its appsrc beside the pictures, from its own thread."""

    def __init__(self, mount, source):
        self.mount = mount
        self.source = source
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        mount = self.mount
        while mount.zero is None:
            if self.stopped.wait(0.002):
                return
        began, ahead_s = mount.zero
        number = mount.sound.first(-ahead_s)
        chance = random.Random(1)
        while not self.stopped.is_set():
            data, media_s, length_s = mount.sound.unit(number)
            due_s = media_s + ahead_s
            if self.stopped.wait(max(0.0, began + float(due_s + length_s) - time.monotonic())):
                return
            since_s = time.monotonic() - mount.began
            if mount.sound_stops is not None and since_s > mount.sound_stops:
                return
            if mount.sound_garbage is not None and since_s > mount.sound_garbage:
                data = chance.randbytes(max(8, len(data)))
            buffer = Gst.Buffer.new_wrapped(data)
            buffer.pts = buffer.dts = math.ceil(due_s * Gst.SECOND)
            buffer.duration = math.ceil(length_s * Gst.SECOND)
            if self.source.emit("push-buffer", buffer) != Gst.FlowReturn.OK:
                return
            number += 1

    def stop(self, *_):
        self.stopped.set()


class Mount:
    """Where one camera's stream stands, over all times it is set up and torn down."""

    def __init__(self, loops, change_after, sound, faults):
        self.loops = loops
        self.sound = sound
        self.sound_stops, self.sound_garbage = faults
        self.zero = None
        self.change_after = change_after
        self.began = time.monotonic()
        self.last_index = -1
        self.current = loops[0]

    def first_index(self):
        by_clock = int((time.monotonic() - self.began) * self.loops[0].fps)
        return self.loops[0].next_gop(max(by_clock, self.last_index + 1))

    def loop_at(self, index):
        """The loop in force: the second one from the first keyframe after `change_after` seconds on."""
        due = self.change_after is not None and time.monotonic() - self.began >= self.change_after
        if due and self.loops[1].unit(index)[3]:
            self.current = self.loops[1]
        return self.current


class Factory(GstRtspServer.RTSPMediaFactory):
    """One mount of the server."""

    def __init__(self, mount, arguments):
        super().__init__()
        self.mount = mount
        self.arguments = arguments
        self.set_shared(True)
        self.set_latency(0)
        self.set_protocols(GstRtsp.RTSPLowerTrans.TCP | GstRtsp.RTSPLowerTrans.UDP)
        self.connect("media-configure", self.configure)

    def do_create_element(self, _url):
        payloader = CODECS[self.mount.current.codec][1]
        interval = "" if payloader == "rtpjpegpay" else f"config-interval={self.arguments.config_interval}"
        pictures = f"{APPSRC} name=units max-bytes=4000000 ! {payloader} name=pay0 pt=96 {interval}"
        if self.mount.sound is None:
            return Gst.parse_launch(f"( {pictures} )")
        _, payloader, number = SOUNDS[self.mount.sound.kind]
        sound = f"{APPSRC} name=sound ! {payloader} name=pay1 pt={number}"
        return Gst.parse_launch(f"( {pictures} {sound} )")

    def configure(self, _factory, media):
        source = media.get_element().get_by_name_recurse_up("units")
        loop = self.mount.current
        caps = CODECS[loop.codec][0].format(width=loop.width, height=loop.height, rate=loop.rate)
        if self.arguments.out_of_band:
            record = loop.decoder_record().hex()
            caps = f"video/x-h264,stream-format=avc,alignment=au,codec_data=(buffer){record}"
        source.set_property("caps", Gst.Caps.from_string(caps))
        feeds = [Feed(self.mount, source)]
        self.mount.zero = None
        if self.mount.sound is not None:
            sound = media.get_element().get_by_name_recurse_up("sound")
            sound.set_property("caps", Gst.Caps.from_string(SOUNDS[self.mount.sound.kind][0]))
            feeds.append(SoundFeed(self.mount, sound))
        for feed in feeds:
            media.connect("unprepared", feed.stop)
            feed.thread.start()


def require_account(server, factories, account, digest):
    """Let in only who knows `user:password`."""
    user, _, password = account.partition(":")
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST if digest else GstRtsp.RTSPAuthMethod.BASIC)
    if digest:
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    for factory in factories:
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, True)
        permissions.add_permission_for_role("viewer", GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT, True)
        factory.set_permissions(permissions)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("material", nargs="+", help="one file, or two for --change-after")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--mounts", type=int, default=1, help="/cam0, /cam1, …")
    parser.add_argument("--config-interval", type=int, default=0, choices=(0, -1))
    parser.add_argument("--out-of-band", action="store_true", help="parameter sets in the SDP only")
    parser.add_argument("--change-after", type=float, help="seconds until the second material begins")
    parser.add_argument("--digest", action="store_true", help="digest instead of basic authentication")
    parser.add_argument("--tls-pem", help="certificate and key in one file: the server speaks rtsps")
    parser.add_argument("--sound", choices=sorted(SOUNDS), help="a click at each whole second")
    parser.add_argument("--sound-file", help="the frames of AAC: a JSON line of sizes, then the frames")
    parser.add_argument("--sound-stops", type=float, help="seconds after which it falls silent")
    parser.add_argument("--sound-garbage", type=float, help="seconds after which it is noise of random bytes")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    account = sys.stdin.buffer.readline().decode().strip()
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(arguments.port))
    loops = [Loop(path, arguments.out_of_band) for path in arguments.material]
    sound = Sound(arguments.sound, arguments.sound_file) if arguments.sound else None
    faults = (arguments.sound_stops, arguments.sound_garbage)
    mounts = [Mount(loops, arguments.change_after, sound, faults) for _ in range(arguments.mounts)]
    factories = [Factory(mount, arguments) for mount in mounts]
    for number, factory in enumerate(factories):
        server.get_mount_points().add_factory(f"/cam{number}", factory)
    if account:
        require_account(server, factories, account, arguments.digest)
    if arguments.tls_pem:
        auth = server.get_auth() or GstRtspServer.RTSPAuth()
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_file(arguments.tls_pem))
        server.set_auth(auth)
    if server.attach(None) == 0:
        sys.exit("The server cannot listen.")
    GLib.timeout_add_seconds(2, lambda: server.get_session_pool().cleanup() >= 0)
    loop = GLib.MainLoop()
    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.HUP, lambda *_: loop.quit())
    print("ready", server.get_bound_port(), flush=True)
    loop.run()


if __name__ == "__main__":
    main()
