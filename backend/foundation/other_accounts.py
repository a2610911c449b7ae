"""Closes what the daemon wrote to other accounts of the machine, and finds what an operator left open.

A fixed number of files, however many clips there are: nobody passes a closed directory, so what lies below it
needs no look. Not here: the rule (`base.file_modes`), the umask (the commands set it). Blocking; used before
the daemon serves.
"""

import grp
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path

from backend.base.ids import is_id
from backend.base.machine.file_modes import GROUP, Facts, Opening, Owner, opening
from backend.config.model import Config

OWN_NAMES = {
    "": 0o010,
    "runtime": 0o010,
    "daemon.lock": 0o040,
    "access_key": 0,
    "before-update": 0,
    "catalogue.sqlite": 0,
    "catalogue.sqlite-shm": 0,
    "catalogue.sqlite-wal": 0,
    "clips": 0,
    "hindsight.log": 0,
    "quarantine": 0,
    "recorder_id": 0,
    "spare-room": 0,
    "thumbnails": 0,
    "thumbnails-fallback": 0,
    "timelapses": 0,
}
"""What lies directly in data_dir ("" is itself), and what the group may do with it."""
MOST_LOOKED_AT = 64
"""Entries of a folder that show whether it is ours alone: it may hold 100,000."""


def openings(config: Config, config_file: Path | None) -> list[Opening]:
    """What other accounts can get at. Changes nothing; what cannot be looked at is passed over."""
    # Links to the tops are an operator's; below them none is followed.
    data_dir, *tops = (
        path.resolve() for path in (config.data_dir, config.thumbnails_dir, config.thumbnails_fallback_dir)
    )
    inside = {top.relative_to(data_dir).parts[0] for top in tops if data_dir in top.parents}
    shared = _is_shared(data_dir, inside | OWN_NAMES.keys() - {""})
    names = {name: bits for name, bits in OWN_NAMES.items() if name or not shared}
    found = [_opening(data_dir / name, Owner.DAEMON, bits) for name, bits in names.items()]
    for top in tops:
        if top != data_dir and (one := _opening(top, Owner.DAEMON)) is not None:
            shared = data_dir not in top.parents and _is_shared(top)
            found.append(replace(one, may_mend=one.may_mend and not shared, is_shared=shared))
    found += [_opening(file.resolve(), Owner.OPERATOR) for file in _secret_files(config, config_file)]
    return list({one.path: one for one in found if one is not None}.values())


def close(found: Iterable[Opening]) -> tuple[list[Opening], list[Opening]]:
    """Mend what is ours; returns what was closed, and what remains for the operator."""
    closed: list[Opening] = []
    left: list[Opening] = []
    for one in found:
        mended = one.may_mend and _set_mode(one.path, one.wanted)
        if one.gives_away:
            (closed if mended else left).append(one)
    return closed, left


def let_group_pass(directory: Path) -> None:
    """Close a directory of data_dir, except that the group of data_dir may enter if it is `hindsight`."""
    directory.chmod(0o700)
    gid = directory.parent.stat().st_gid
    if _group_name(gid) == GROUP:
        with suppress(PermissionError):  # our account is no member
            os.chown(directory, -1, gid)
            directory.chmod(0o710)


def _is_shared(folder: Path, own_names: Iterable[str] = ()) -> bool:
    """Whether it holds more than ours. To close it is then an operator's decision: it may be /tmp."""
    try:
        if folder.stat().st_mode & stat.S_ISVTX:
            return True
        with os.scandir(folder) as entries:
            names = [entry.name for entry in islice(entries, MOST_LOOKED_AT)]
    except OSError:
        return True
    # What a crash leaves half written bears the name of the file it should have become.
    own = (*own_names, "lost+found")
    return not all(is_id(name) or name.startswith(own) for name in names)


def _opening(path: Path, owner: Owner, for_group: int = 0) -> Opening | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    if stat.S_ISLNK(status.st_mode):
        return None
    mode, is_own = stat.S_IMODE(status.st_mode), status.st_uid == os.geteuid()
    return opening(Facts(path, mode, is_own, _group_name(status.st_gid)), owner, for_group)


def _secret_files(config: Config, config_file: Path | None) -> Iterator[Path]:
    """Files that hold passwords or keys and are an operator's."""
    s3, tls = config.storage.s3, config.server.tls
    named = [camera.source_file for camera in config.cameras]
    named += [config.catalogue.url_file, None if tls is None else tls.key]
    named += [] if s3 is None else [s3.access_key_file, s3.secret_key_file]
    yield from (file for file in named if file is not None)
    if config_file is not None and _holds_one_of(config_file, config.secrets()):
        yield config_file


def _holds_one_of(file: Path, secrets: set[str]) -> bool:
    try:
        text = file.read_text("utf-8", errors="replace")
    except OSError:
        return False
    return any(secret in text for secret in secrets)


def _group_name(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None


def _set_mode(path: Path, mode: int) -> bool:
    """Whether it has the mode now; some file systems keep none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.fchmod(descriptor, mode)
        return stat.S_IMODE(os.fstat(descriptor).st_mode) == mode
    except OSError:
        return False
    finally:
        os.close(descriptor)
