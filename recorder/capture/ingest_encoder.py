"""Encodes on ingest: units that are not H.264 become H.264 between capture and ring.

Here: one camera's thread that decodes and encodes, and its bounded queue. Not here: times and runs
(`timeline`, which has already placed the units), the ring, the choice of encoder (`transcoder`).

`offer` never blocks. When this thread falls behind, the whole queue is dropped and counted, because the rest
of a broken GOP cannot be decoded. The pictures then begin a new run, so clips show the hole as a gap. Each
counter is written by one thread and may be read by any.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import av.error
from av.video.frame import PictureType

from recorder.base.errors import FinishFailed
from recorder.base.media_time import NS_PER_S, ticks
from recorder.base.settings import MOST_PIXELS, BufferCodec
from recorder.bitstream import h264
from recorder.bitstream.access_unit import AccessUnit, Codec, Epoch
from recorder.bitstream.self_contained import self_contained
from recorder.encoding.encoder import SOFTWARE, Colours, Encoding, open_encoder, pixel_format
from recorder.encoding.pipeline import JPEG_COLOURS, Upright

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

MOST_WAITING_UNITS = 60
MOST_DECODING = 64
"""Limit of units inside a decoder, which holds back at most sixteen; older ones will never be output."""
MOST_WAITING_BYTES = 32 * 1024 * 1024
CHOICE_S = 20.0
"""How long the first pictures wait for the encoder probe; until it is done, only the bytes are limited."""
_JOIN_S = 3.0
_NS = Fraction(1, NS_PER_S)
_DECODERS = {Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}
_LIBRARY_ERRORS = (av.error.FFmpegError, FinishFailed, ValueError)

_log = logging.getLogger(__name__)


class EncoderChoice:
    """The encoder that the probe found, available once the probe is done. Any thread."""

    def __init__(self) -> None:
        self._name: str | None = None
        self._made = threading.Event()

    @property
    def name(self) -> str | None:
        """None if no encoder works or the probe is not done."""
        return self._name

    @property
    def is_made(self) -> bool:
        """Whether the probe is done."""
        return self._made.is_set()

    def make(self, name: str | None) -> None:
        """Store the result of the probe: the encoder that works, or None."""
        self._name = name
        self._made.set()

    def wait(self, seconds: float) -> None:
        """Wait until the probe is done, at most `seconds`."""
        self._made.wait(seconds)


class IngestEncoder:
    """The encoder thread of one camera. The capture thread calls `offer`; any thread may call `close`."""

    def __init__(
        self,
        camera_id: str,
        wanted: BufferCodec,
        choice: EncoderChoice,
        deliver: Callable[[Sequence[AccessUnit]], None],
        first: AccessUnit,
    ) -> None:
        """`deliver` receives the units for the ring, in order, on this encoder's thread.

        `first` is the first unit that will be offered; sequence and run numbers continue from it.
        """
        self.gops_dropped = 0
        """How often the queue was dropped because the encoder fell behind."""
        self.failures = 0
        """Pictures that could not be decoded, plus encoder failures."""
        self.niceness = 0
        """Niceness of the thread; set it before `start`."""
        self._camera_id = camera_id
        self._wanted = wanted
        self._deliver = deliver
        self._waiting: deque[AccessUnit] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._fell_behind = False
        self._closed = False
        self._choice = choice
        self._broken: str | None = None
        self._numbering = _Numbering(first.sequence, first.run)
        self._transcoder: _RunTranscoder | None = None
        self._thread = threading.Thread(target=self._run, name=f"encode-{camera_id}", daemon=True)

    @property
    def waiting(self) -> int:
        """How many units are queued."""
        return len(self._waiting)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; queued units are discarded."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(_JOIN_S)

    def offer(self, units: Sequence[AccessUnit]) -> None:
        """Queue units; if the queue is full, it is emptied first."""
        with self._changed:
            for unit in units:
                if self._is_full(unit):
                    self._waiting.clear()
                    self._waiting_bytes = 0
                    self._fell_behind = True
                    self.gops_dropped += 1
                self._waiting.append(unit)
                self._waiting_bytes += len(unit.data)
            self._changed.notify()

    def _is_full(self, unit: AccessUnit) -> bool:
        too_many = self._choice.is_made and len(self._waiting) >= MOST_WAITING_UNITS
        return bool(self._waiting) and (too_many or self._waiting_bytes + len(unit.data) > MOST_WAITING_BYTES)

    # The encoder's thread.

    def _run(self) -> None:
        if self.niceness:
            # Linux has a niceness per thread; elsewhere this may be refused, which is harmless.
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self.niceness)
        self._choice.wait(CHOICE_S)
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                units, fell_behind = list(self._waiting), self._fell_behind
                self._waiting.clear()
                self._waiting_bytes, self._fell_behind = 0, False
            if fell_behind:
                self._finish()
                self._numbering.interrupt()
            self._take_all(units)

    def _take_all(self, units: list[AccessUnit]) -> None:
        for unit in units:
            if self._closed:
                return
            try:
                self._take(unit)
            except Exception:  # noqa: BLE001  (outermost frame: counted, logged, restarted at a keyframe)
                self.failures += 1
                self._transcoder = None
                self._numbering.interrupt()
                _log.exception("camera %s: encoding on the way in broke", self._camera_id)

    def _take(self, unit: AccessUnit) -> None:
        name = self._encoder_for(unit.epoch.codec)
        if name is None:
            self._finish()
            self._emit(self._numbering.pass_through(unit))
            return
        if self._transcoder is not None and not self._transcoder.accepts(unit):
            self._finish()
        if self._transcoder is None:
            if not unit.is_keyframe:
                return
            self._transcoder = _RunTranscoder(name, unit)
        try:
            self._emit(self._numbering.numbered(self._transcoder.encode(unit)))
        except _LIBRARY_ERRORS as error:
            self.failures += 1
            self._transcoder = None
            self._numbering.interrupt()
            if name != SOFTWARE:
                # An encoder that passed the probe may refuse this size; `auto` then keeps the source codec.
                self._broken = name
                _log.warning("camera %s: %s failed (%s)", self._camera_id, name, error)

    def _encoder_for(self, codec: Codec) -> str | None:
        if codec is Codec.H264:
            return None
        found = self._choice.name
        hardware = None if found in (SOFTWARE, self._broken) else found
        return hardware or (SOFTWARE if self._wanted is BufferCodec.H264 else None)

    def _finish(self) -> None:
        """Flush decoder and encoder; the next unit starts new ones."""
        transcoder, self._transcoder = self._transcoder, None
        if transcoder is not None:
            try:
                self._emit(self._numbering.numbered(transcoder.flush()))
            except _LIBRARY_ERRORS:
                self.failures += 1
            self.failures += transcoder.damaged

    def _emit(self, units: list[AccessUnit]) -> None:
        if units:
            self._deliver(units)


class _Numbering:
    """Numbers the units for the ring: no holes in the sequence, a new run where pictures are missing."""

    def __init__(self, sequence: int, run: int) -> None:
        self._sequence = sequence
        self._run = run - 1
        self._source_run: int | None = None
        self._last_dts_ns = 0
        self._waits_for_keyframe = False

    def interrupt(self) -> None:
        """Note that pictures are missing here."""
        self._source_run = None
        self._waits_for_keyframe = True

    def pass_through(self, unit: AccessUnit) -> list[AccessUnit]:
        """Number a unit that is not re-encoded; after a hole, none before the next keyframe."""
        if self._waits_for_keyframe and not unit.is_keyframe:
            return []
        return self.numbered([unit])

    def numbered(self, units: Sequence[AccessUnit]) -> list[AccessUnit]:
        found = []
        for unit in units:
            if unit.run != self._source_run:
                self._run += 1
                self._source_run = unit.run
            self._waits_for_keyframe = False
            self._last_dts_ns = max(self._last_dts_ns, unit.dts_ns)
            found.append(replace(unit, sequence=self._sequence, run=self._run, dts_ns=self._last_dts_ns))
            self._sequence += 1
        return found


class _RunTranscoder:
    """Decoder and encoder for consecutive units of one run and one epoch, from a keyframe on."""

    def __init__(self, name: str, first: AccessUnit) -> None:
        self.damaged = 0
        self._name = name
        self._source = first
        self._is_first = True
        self._decoder = cast("VideoCodecContext", av.CodecContext.create(_DECODERS[first.epoch.codec], "r"))
        # Frame threads would delay pictures; the encoder uses the other cores.
        self._decoder.thread_count = 1
        # Decoding runs inside the daemon: a header's claim must not decide how much memory is allocated.
        self._decoder.options = {"max_pixels": str(MOST_PIXELS)}
        self._upright = Upright(0, pixel_format(name))
        self._encoder: VideoCodecContext | None = None
        self._epoch: Epoch | None = None
        self._decoding: dict[int, AccessUnit] = {}
        self._encoding: deque[tuple[int, AccessUnit]] = deque()
        self._last_tick = -1
        self._size = (0, 0)

    def accepts(self, unit: AccessUnit) -> bool:
        return unit.epoch == self._source.epoch and unit.run == self._source.run

    def encode(self, unit: AccessUnit) -> list[AccessUnit]:
        packet: av.Packet[Any] = av.Packet(self_contained(unit) if self._is_first else unit.data)
        packet.pts, packet.time_base = unit.pts_ns, _NS
        self._is_first = False
        self._decoding[unit.pts_ns] = unit
        if len(self._decoding) > MOST_DECODING:
            del self._decoding[next(iter(self._decoding))]
            self.damaged += 1
        return self._decoded(packet)

    def flush(self) -> list[AccessUnit]:
        units = self._decoded(None)
        if self._encoder is not None:
            units += self._units(self._encoder.encode(None))
        return units

    def _decoded(self, packet: "av.Packet[Any] | None") -> list[AccessUnit]:
        try:
            frames = self._decoder.decode(packet)
        except av.error.FFmpegError:
            frames = []
        units: list[AccessUnit] = []
        for frame in frames:
            unit = self._decoding.pop(frame.pts or 0, None)
            if unit is not None:
                units += self._encoded(frame, unit)
        if packet is None or self._source.epoch.codec is Codec.MJPEG:
            self.damaged += len(self._decoding)
            self._decoding.clear()
        return units

    def _encoded(self, decoded: "VideoFrame", unit: AccessUnit) -> list[AccessUnit]:
        frame = self._upright.upright(decoded)
        if self._encoder is None:
            self._size = (frame.width, frame.height)
            self._encoder = self._open(decoded, unit)
        tick = max(self._last_tick + 1, ticks(unit.pts_ns - self._source.pts_ns))
        self._last_tick = tick
        frame.pts, frame.time_base, frame.pict_type = tick, self._encoder.time_base, PictureType.NONE
        self._encoding.append((tick, unit))
        return self._units(self._encoder.encode(frame))

    def _open(self, decoded: "VideoFrame", unit: AccessUnit) -> "VideoCodecContext":
        own = Colours(int(decoded.colorspace), int(decoded.color_primaries), int(decoded.color_trc))
        is_jpeg = self._source.epoch.codec is Codec.MJPEG
        return open_encoder(
            self._name,
            Encoding(
                *self._size,
                fps=NS_PER_S / max(1, unit.duration_ns),
                colours=JPEG_COLOURS if is_jpeg else own,
                threads=1,
                live=True,
            ),
        )

    def _units(self, packets: "Sequence[av.Packet[av.VideoStream]]") -> list[AccessUnit]:
        units = []
        for packet in packets:
            tick, source = self._encoding.popleft()
            if packet.pts != tick:
                raise FinishFailed("The encoder changed the order or the times of the frames.")
            data = bytes(packet)
            if self._epoch is None:
                extradata = self._encoder.extradata if self._encoder is not None else None
                sets = h264.parameter_sets(data) or bytes(extradata or b"")
                self._epoch = Epoch(Codec.H264, *self._size, sets)
            is_keyframe = packet.is_keyframe
            units.append(
                replace(source, epoch=self._epoch, is_keyframe=is_keyframe, dts_ns=source.pts_ns, data=data)
            )
        return units
