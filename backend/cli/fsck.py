"""`hindsight fsck`: prove that catalogue and disk agree. Works with and without a running daemon."""

import argparse
import asyncio
import json
from dataclasses import asdict, replace

from backend.base.ids import RecorderIdDamaged, recorder_id
from backend.catalogue import Catalogue, CatalogueError
from backend.cli.exits import CommandFailed, Exit
from backend.config.model import Config
from backend.foundation.local_files import LocalFiles
from backend.recovery.fsck import FsckReport, Level, check
from backend.recovery.fsck_store import compare_with_store
from backend.storage.storage import open_store


def fsck(config: Config, options: argparse.Namespace) -> Exit:
    """Compare, print what does not agree, exit 1 when something does not."""
    if config.catalogue.url is None and not (config.data_dir / "catalogue.sqlite").is_file():
        raise CommandFailed(Exit.FAILED, f"{config.data_dir} holds no catalogue; is this the right data_dir?")
    try:
        report = asyncio.run(_check(config, Level(options.level)))
    except (CatalogueError, RecorderIdDamaged) as error:
        raise CommandFailed(Exit.FAILED, str(error)) from error
    except OSError as error:
        raise CommandFailed(Exit.NO_PERMISSION, f"{error.filename}: {error.strerror}.") from error
    if options.json:
        print(json.dumps(asdict(report) | {"ok": report.ok}, indent=2))
    else:
        _print(report)
    return Exit.OK if report.ok else Exit.FAILED


async def _check(config: Config, level: Level) -> FsckReport:
    files = LocalFiles.of(config)
    catalogue = Catalogue(config.catalogue_url)
    store = open_store(config.storage)
    try:
        await catalogue.open()
        identity = await asyncio.to_thread(recorder_id, config.data_dir)
        report = await check(catalogue, files, identity, level)
        objects, more = await compare_with_store(catalogue, store, identity, level)
        return replace(report, objects=objects, findings=(*report.findings, *more))
    finally:
        if store is not None:
            await store.close()
        await catalogue.close()


def _print(report: FsckReport) -> None:
    for finding in report.findings:
        print(f"{finding.kind}: {finding.sentence}")
    verdict = "agree" if report.ok else f"disagree in {len(report.findings)} places"
    objects = f", {report.objects} objects at the store" if report.objects else ""
    print(
        f"{report.clips} clips, {report.files} files, {report.size_bytes} bytes{objects}: "
        f"catalogue and disk {verdict} (level {report.level})"
    )
