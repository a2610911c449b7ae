"""Finding a camera again: which node it is at now, and what is remembered of it between connections.

A camera that is pulled out and plugged in while its old node is still open comes back as another node;
a box that starts with two cameras may number them the other way round. So an address that is a mere
number stands for the camera that was first found there. Pure, but for its one mutable memory, which
belongs to the capture thread.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recorder.base.errors import SourceLost
from recorder.base.media_time import NS_PER_S
from recorder.sources.usb.devices import Device, Identity

OTHER_CAMERA_WAIT_NS = 30 * NS_PER_S
"""How long another camera at the configured node is left alone, in case the right one comes back."""


@dataclass(slots=True)
class WebcamMemory:
    """What one camera's connections know of those before them."""

    identity: Identity | None = None
    last_seen_ns: int = 0
    freezes: int = 0
    """Reopenings in a row after which the picture was still the same."""


def node_of(source: str) -> str:
    """The device node that `0`, `/dev/video0` or a longer path under /dev names."""
    return f"/dev/video{int(source)}" if source.isdecimal() else source


def is_numbered(node: str) -> bool:
    """Whether the node's name says nothing of the camera; names under /dev/v4l stay with it."""
    return re.fullmatch(r"/dev/video\d+", node) is not None


def find_again(node: str, memory: WebcamMemory, devices: Sequence[Device], now_ns: int) -> str:
    """The node at which the remembered camera is now; `node` when nothing is remembered.

    Raises SourceLost while `node` is taken by another camera and ours may still come back.
    """
    known = memory.identity
    if known is None:
        return node
    candidates = [device for device in devices if device.identity.card == known.card]
    # The best match first; among equals the configured node, then the lowest number.
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
    """0: the same at the same socket; 1: the same elsewhere; 2: could be; 3: another of its kind."""
    if identity == known:
        return 0
    if known.serial and identity.serial:
        return 1 if identity.serial == known.serial else _OTHER
    return 1 if identity.bus == known.bus else 2
