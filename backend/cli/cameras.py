"""`hindsight cameras`: what is plugged into this machine, and the lines of config.yaml that make it a camera.

Also what `run` takes when no camera is configured. Needs no configuration and no daemon; a camera may
be listed while it runs.
"""

import argparse
import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import yaml
from pydantic import SecretStr

from backend.cli.exits import CommandFailed, Exit
from backend.config.model import CameraConfig, Config
from recorder import Device, DeviceList, PictureFormat, list_devices

ATTACHED_CAMERA_ID = "camera"
_WANTED_PX = 1280 * 720
_WANTED_FPS = 30
_SMOOTH_FPS = 15
_COMPRESSED = ("MJPG", "JPEG")


def cameras(options: argparse.Namespace) -> Exit:
    """Print them; exit 1 when there is none."""
    found = list_devices()
    if options.json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        for device in found.devices:
            _print_device(device)
        if found.devices:
            print("To use them, put these lines into config.yaml:\n")
            print(yaml.safe_dump({"cameras": _entries(found.devices)}, sort_keys=False, allow_unicode=True))
    if not found.devices:
        raise CommandFailed(Exit.FAILED, _nothing(found))
    return Exit.OK


def with_stand_in(config: Config) -> tuple[Config, str | None]:
    """Where no camera is configured: the first attached one, and a line that says which camera runs."""
    if config.cameras:
        return config, None
    found = list_devices()
    usable = [device for device in found.devices if device.formats]
    if not usable:
        why = f" and {_no_right(found)}" if found.refused else ""
        line = f"No camera is configured{why}, so the built-in synthetic one runs; add yours to config.yaml."
        return config, line
    device = usable[0]
    name = _plain(device.identity.card) or "Camera"
    camera = CameraConfig(id=ATTACHED_CAMERA_ID, name=name[:100], source=SecretStr(str(device.number)))
    line = (
        f"No camera is configured, so {name} at {device.node} runs; `hindsight cameras` lists what there is."
    )
    return config.model_copy(update={"cameras": (camera,)}), line


def _nothing(found: DeviceList) -> str:
    if found.refused:
        return f"Cameras are attached, but {_no_right(found)}."
    return (
        "No camera is attached to this machine. Plug one in (in a container: pass it on with "
        "--device /dev/video0) and try again. Network cameras are configured by their rtsp:// address."
    )


def _no_right(found: DeviceList) -> str:
    return f"this user may not open {', '.join(found.refused)} (add it to the group 'video')"


def _as_json(found: DeviceList) -> dict[str, Any]:
    entries = _entries(found.devices)
    listed = [
        {
            "node": device.node,
            "name": device.identity.card,
            "driver": device.driver,
            "bus": device.identity.bus,
            "serial": device.identity.serial or None,
            "stable_path": device.stable_path,
            "formats": [asdict(picture_format) for picture_format in device.formats],
            "config": entry,
        }
        for device, entry in zip(found.devices, entries, strict=True)
    ]
    return {"cameras": listed, "refused": list(found.refused)}


def _print_device(device: Device) -> None:
    identity = device.identity
    print(f"{_plain(identity.card)}  {device.node}  ({_plain(device.driver)}, {_plain(identity.bus)})")
    if device.stable_path:
        print(f"  {device.stable_path}")
    for offered in device.formats:
        size = f"{offered.width}x{offered.height}"
        rates = ", ".join(f"{rate:g}" for rate in offered.rates)
        print(f"  {_plain(offered.fourcc):4}  {size:9}  {rates} fps".rstrip() if rates else f"  {size}")
    if not device.formats:
        print("  tells no formats")
    print()


def _entries(devices: Sequence[Device]) -> list[dict[str, Any]]:
    """One item of `cameras:` per device; ids are unique."""
    entries: list[dict[str, Any]] = []
    for device in devices:
        name = _plain(device.identity.card) or "Camera"
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:36].strip("-") or ATTACHED_CAMERA_ID
        taken = {entry["id"] for entry in entries}
        numbered = (slug if number == 1 else f"{slug}-{number}" for number in range(1, len(devices) + 1))
        camera_id = next(candidate for candidate in numbered if candidate not in taken)
        # The stable name is what survives replugging and a second camera.
        source: str | int = device.stable_path or device.number
        entries.append({"id": camera_id, "name": name[:100], "source": source} | _best(device.formats))
    return entries


def _best(formats: Sequence[PictureFormat]) -> dict[str, Any]:
    """The size and rate nearest to 720p30, of the camera's own JPEG where it makes any."""
    compressed = [offered for offered in formats if offered.fourcc in _COMPRESSED]
    # Raw pictures fill USB 2 quickly: a camera's largest ones often come a few times a second only.
    smooth = [o for o in formats if not o.rates or o.rates[0] >= _SMOOTH_FPS]
    choice = compressed or smooth or list(formats)
    if not choice:
        return {}
    best = min(choice, key=lambda offered: abs(offered.width * offered.height - _WANTED_PX))
    rate = max((rate for rate in best.rates if rate <= _WANTED_FPS), default=min(best.rates, default=0.0))
    size = {"size": f"{best.width}x{best.height}"}
    return size | ({"fps": int(rate) if rate == int(rate) else rate} if rate else {})


def _plain(text: str) -> str:
    """Names come from devices: no escape sequence of theirs reaches the terminal."""
    return "".join(character if character.isprintable() else " " for character in text).strip()
