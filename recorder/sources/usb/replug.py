"""Finds a camera's current device node after replugging.

A camera replugged while its old node is still open gets another node, and a machine with two cameras may
number them differently at the next boot. So a numbered address stands for the camera first found there. Pure,
except for the mutable `WebcamMemory`, which belongs to the capture thread.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recorder.base.errors import SourceLost
from recorder.base.media_time import NS_PER_S
from recorder.sources.usb.devices import Device, Identity

OTHER_CAMERA_WAIT_NS = 30 * NS_PER_S
"""How long another camera at the configured node is ignored, in case the right one returns."""


@dataclass(slots=True)
class WebcamMemory:
    """State shared by a camera's successive connections."""

    identity: Identity | None = None
    last_seen_ns: int = 0
    freezes: int = 0
    """Consecutive reopenings after which the picture was still frozen."""


def node_of(source: str) -> str:
    """The device node of an address: `0`, `/dev/video0` or another path under /dev."""
    return f"/dev/video{int(source)}" if source.isdecimal() else source


def is_numbered(node: str) -> bool:
    """Whether the node is a mere number; paths under /dev/v4l identify the camera."""
    return re.fullmatch(r"/dev/video\d+", node) is not None


def find_again(node: str, memory: WebcamMemory, devices: Sequence[Device], now_ns: int) -> str:
    """The current node of the remembered camera; `node` if none is remembered.

    Raises SourceLost while another camera is at `node` and ours may still return.
    """
    known = memory.identity
    if known is None:
        return node
    candidates = [device for device in devices if device.identity.card == known.card]
    # The best match first; among equals, the configured node, then the lowest number.
    ranked = sorted(candidates, key=lambda device: (_mismatch(device.identity, known), device.node != node))
    if ranked and _mismatch(ranked[0].identity, known) < _OTHER:
        return ranked[0].node
    other = next((device for device in devices if device.node == node), None)
    if other is not None and now_ns - memory.last_seen_ns < OTHER_CAMERA_WAIT_NS:
        msg = f"{node} is another camera now ({other.identity.card}); waiting for {known.card}."
        raise SourceLost(msg)
    return node


_OTHER = 3


def _mismatch(identity: Identity, known: Identity) -> int:
    """0: identical; 1: same serial or port; 2: possibly the same; 3: another camera of the same model."""
    if identity == known:
        return 0
    if known.serial and identity.serial:
        return 1 if identity.serial == known.serial else _OTHER
    return 1 if identity.bus == known.bus else 2
