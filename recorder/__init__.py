"""One camera, from source to finished file. Knows no HTTP, YAML, database or object store.

This is the recorder's public interface: the backend may import only these names and `recorder.base`. Each
name is loaded on first use, so commands that need no pictures do not wait for the video libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recorder.bitstream.access_unit import Codec, upright_size
    from recorder.live.feed import LiveChunk, LiveInit, LiveJpeg, LiveJpegInit, LiveMessage, LiveState
    from recorder.live.sound import LiveSoundInit, LiveSoundMessage, LiveSoundMissing, LiveSoundPiece
    from recorder.mp4.clean_copy import CleanKind, CleanOrder, write_clean_copy
    from recorder.mp4.frame_times import FrameTimes, read_frame_times
    from recorder.mp4.sample_table import Track, tracks
    from recorder.recorder import Recorder, RecorderDirectories, RecorderTools
    from recorder.recording.clip_files import MARKER_NAME, PART_NAME, ClipFiles
    from recorder.recording.finishing import Finisher, finish_part, header_label, read_part_header
    from recorder.recording.part_file import PartHeader
    from recorder.recording.timelapse_part import (
        TimelapseContents,
        TimelapseOrder,
        TimelapsePart,
        link_timelapse_part,
        read_timelapse_part,
    )
    from recorder.recording.transcoder import TranscodeCounters, Transcoder
    from recorder.sources.open import default_read_timeout_s, is_device, open_source
    from recorder.sources.usb.devices import Device, DeviceList, PictureFormat, list_devices
    from recorder.stills.decoder import frame_extent
    from recorder.stills.replay import MOST_REPLAYS, ReplayFile
    from recorder.stills.thumbnail import (
        ClipStill,
        card_from_file,
        card_from_jpeg,
        png_from_file,
        png_from_jpeg,
    )

_NAMES_OF = {
    "recorder.bitstream.access_unit": "Codec upright_size",
    "recorder.live.feed": "LiveChunk LiveInit LiveJpeg LiveJpegInit LiveMessage LiveState",
    "recorder.live.sound": "LiveSoundInit LiveSoundMessage LiveSoundMissing LiveSoundPiece",
    "recorder.mp4.clean_copy": "CleanKind CleanOrder write_clean_copy",
    "recorder.mp4.frame_times": "FrameTimes read_frame_times",
    "recorder.mp4.sample_table": "Track tracks",
    "recorder.recorder": "Recorder RecorderDirectories RecorderTools",
    "recorder.recording.clip_files": "MARKER_NAME PART_NAME ClipFiles",
    "recorder.recording.finishing": "Finisher finish_part header_label read_part_header",
    "recorder.recording.part_file": "PartHeader",
    "recorder.recording.timelapse_part": (
        "TimelapseContents TimelapseOrder TimelapsePart link_timelapse_part read_timelapse_part"
    ),
    "recorder.recording.transcoder": "TranscodeCounters Transcoder",
    "recorder.sources.open": "default_read_timeout_s is_device open_source",
    "recorder.sources.usb.devices": "Device DeviceList PictureFormat list_devices",
    "recorder.stills.decoder": "frame_extent",
    "recorder.stills.replay": "MOST_REPLAYS ReplayFile",
    "recorder.stills.thumbnail": "ClipStill card_from_file card_from_jpeg png_from_file png_from_jpeg",
}
"""The same list for the interpreter: module, and the names it exports."""


def __getattr__(name: str) -> Any:
    for module, names in _NAMES_OF.items():
        if name in names.split():
            found = getattr(import_module(module), name)
            globals()[name] = found  # so this function runs once per name
            return found
    raise AttributeError(f"module 'recorder' has no attribute '{name}'")
