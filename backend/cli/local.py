"""Commands that need no running daemon: config, key, version, fsck, bench."""

import argparse
import json
import sys
from pathlib import Path

import yaml

from backend import __version__
from backend.access.access_key import AccessKey
from backend.base.shipped import SAMPLE, shipped
from backend.cli.exits import CommandFailed, Exit
from backend.config.load import DEFAULT_FILE, show
from backend.config.model import Config


def config_check(config: Config, options: argparse.Namespace) -> Exit:
    """The configuration was read: say what it amounts to, and what other accounts can read."""
    from backend.cli.sources import check_sources
    from backend.foundation.other_accounts import openings
    from backend.http.tls import check_tls

    check_sources(config)
    check_tls(config)
    file = options.config or DEFAULT_FILE
    warnings = [one.sentence for one in openings(config, file) if one.gives_away]
    cameras, data_dir = [camera.id for camera in config.effective_cameras], str(config.data_dir)
    if options.json:
        told = {"ok": True, "cameras": cameras, "data_dir": data_dir, "warnings": warnings}
        print(json.dumps(told, indent=2))
    else:
        for warning in warnings:
            print(f"hindsight: {warning}", file=sys.stderr)
        print(f"The configuration is fine. Cameras: {', '.join(cameras)}. data_dir: {data_dir}")
    return Exit.OK


def config_print(config: Config, options: argparse.Namespace) -> Exit:
    """Effective values with secrets hidden."""
    values = show(config)
    if options.json:
        print(json.dumps(values, indent=2))
    else:
        yaml.safe_dump(values, sys.stdout, sort_keys=False, allow_unicode=True)
    return Exit.OK


def config_sample() -> Exit:
    """Print config.yaml as it ships, with every key and its default."""
    print(shipped(SAMPLE).read_text(encoding="utf-8"), end="")
    return Exit.OK


def key_show(config: Config, options: argparse.Namespace) -> Exit:
    """The key on stdout, alone, so that a script can take it."""
    return _print_key(config, options, make_new=False)


def key_new(config: Config, options: argparse.Namespace) -> Exit:
    """Replace the key; a running daemon follows within a second and ends every session."""
    return _print_key(config, options, make_new=True)


def version(options: argparse.Namespace) -> Exit:
    """Which Hindsight this is."""
    print(json.dumps({"version": __version__}) if options.json else f"hindsight {__version__}")
    return Exit.OK


def bench(arguments: list[str]) -> int:
    """Measure what the promises cost; the benchmarks are loaded only for this."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # benchmarks/ is part of a checkout only
    try:
        from benchmarks.__main__ import main
    except ModuleNotFoundError as error:
        raise CommandFailed(
            Exit.FAILED, f"The benchmarks are not installed here ({error.name}); run them from a checkout."
        ) from error
    return int(main(arguments) or 0)


def _print_key(config: Config, options: argparse.Namespace, *, make_new: bool) -> Exit:
    key = AccessKey(config.data_dir)
    try:
        if make_new:
            key.replace()
        else:
            key.load()
    except OSError as error:
        why = error.strerror or str(error)
        raise CommandFailed(
            Exit.NO_PERMISSION, f"{key.path}: {why}. Run this as the daemon's user."
        ) from error
    print(json.dumps({"key": key.value}) if options.json else key.value)
    return Exit.OK
