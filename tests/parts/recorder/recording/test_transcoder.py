"""Transcodes begin, wait, die and begin again; what comes out is the same."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from recorder.base.errors import Busy, FinishFailed
from recorder.bitstream.access_unit import AccessUnit
from recorder.encoding.encoder import SOFTWARE
from recorder.recording.part_file import PartWriter
from recorder.recording.transcoder import TRIES, Transcode, Transcoder
from tests.support.foreign import header_of, jpeg_units, time_of, write_part
from tests.support.media import play

pytestmark = pytest.mark.blocking


async def until(condition: Callable[[], bool], deadline_s: float = 60.0) -> None:
    """Wait for `condition`, failing at the deadline."""
    async with asyncio.timeout(deadline_s):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
async def transcoder() -> AsyncIterator[Transcoder]:
    """One place, so that the second has to wait."""
    made = Transcoder(at_once=1, most_waiting=2)
    made.start()
    yield made
    await made.close()


def growing(directory: Path, name: str, units: list[AccessUnit]) -> tuple[PartWriter, tuple[Path, Path]]:
    """A recording under way that has written `units`."""
    part = directory / f"{name}.part"
    writer = PartWriter(part, header_of(units[0], (units[0].pts_ns, None)))
    writer.append(units)
    return writer, (part, directory / f"{name}.mp4")


def complete(directory: Path, name: str, count: int = 30) -> tuple[Path, Path]:
    """A recording whose material is complete."""
    part = write_part(directory / f"{name}.part", jpeg_units(range(count)), (time_of(0), None))
    return part, directory / f"{name}.mp4"


def workers() -> list[psutil.Process]:
    """The processes at work or idle: grandchildren, by the fork server."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if "forkserver" in " ".join(process.cmdline()) and process.ppid() != os.getpid()
    ]


async def test_the_encoder_is_found_by_trying(transcoder: Transcoder, tmp_path: Path) -> None:
    """Hardware first; every one that was refused is listed with its reason."""
    assert (await transcoder.begin("a", complete(tmp_path, "a"), print, follow=False).result()).frame_count
    assert transcoder.encoder == transcoder.probes[-1].name
    assert all(probe.reason for probe in transcoder.probes[:-1])


async def test_a_recording_is_followed_from_the_press_to_the_seal(
    transcoder: Transcoder, tmp_path: Path
) -> None:
    """Most of it is encoded before its last unit is there, and progress is told from then on."""
    units = jpeg_units(range(60))
    writer, files = growing(tmp_path, "a", units[:40])
    shares: list[float] = []
    work = transcoder.begin("a", files, shares.append, follow=True)
    await until(lambda: transcoder.running == 1)
    writer.append(units[40:])
    writer.seal()
    writer.close()
    assert shares == []
    transcoder.complete(work)
    assert (await work.result()).frame_count == 60
    assert play(files[1]).counters == tuple(range(60))
    assert transcoder.counters.done == 1


async def test_a_killed_process_begins_again_and_gives_the_same(
    transcoder: Transcoder, tmp_path: Path
) -> None:
    """SIGKILL as by the kernel when memory is short: the part file is all that is needed."""
    undisturbed = await transcoder.begin("a", complete(tmp_path, "a"), print, follow=False).result()
    units = jpeg_units(range(30))
    writer, files = growing(tmp_path, "b", units[:20])
    work = transcoder.begin("b", files, print, follow=True)
    await until(files[1].exists)
    for process in workers():
        process.send_signal(signal.SIGKILL)
    await until(lambda: transcoder.counters.retried == 1)
    writer.append(units[20:])
    writer.seal()
    writer.close()
    transcoder.complete(work)
    assert (await work.result()).sha256 == undisturbed.sha256


async def test_a_process_that_always_dies_fails_the_clip_with_a_reason(
    transcoder: Transcoder, tmp_path: Path
) -> None:
    """Nothing is tried for ever, and no half file stays."""
    writer, files = growing(tmp_path, "a", jpeg_units(range(20)))
    work = transcoder.begin("a", files, print, follow=True)
    for died in range(TRIES):
        await until(lambda died=died: transcoder.counters.retried == died and files[1].exists())  # type: ignore[misc]
        files[1].unlink()
        for process in workers():
            process.send_signal(signal.SIGKILL)
    with pytest.raises(FinishFailed, match="3 times"):
        await work.result()
    writer.close()
    assert not files[1].exists()
    assert transcoder.counters.failed == 1


async def test_a_failing_hardware_encoder_is_replaced_by_software(
    transcoder: Transcoder, tmp_path: Path
) -> None:
    """It passed its probe and fails on this camera's size: the clip is made all the same."""
    await until(lambda: bool(transcoder.probes))
    transcoder.encoder = "h264_imagined"
    cut = await transcoder.begin("a", complete(tmp_path, "a"), print, follow=False).result()
    assert cut.frame_count == 30
    assert transcoder.counters.retried == 1


async def test_without_any_encoder_the_reason_says_where_to_look(
    transcoder: Transcoder, tmp_path: Path
) -> None:
    """A build of FFmpeg without x264 on a box without hardware."""
    await until(lambda: bool(transcoder.probes))
    transcoder.encoder = None
    with pytest.raises(FinishFailed, match="/api/system"):
        await transcoder.begin("a", complete(tmp_path, "a"), print, follow=False).result()


async def test_a_box_too_busy_to_try_its_encoders_encodes_all_the_same(tmp_path: Path) -> None:
    """At boot everything starts at once; a year of clips must not fail for the first fifteen seconds."""
    transcoder = Transcoder(probe_timeout_s=0.001)
    transcoder.start()
    try:
        files = complete(tmp_path, "a")
        cut = await transcoder.begin("a", files, print, follow=False).result()
        assert (cut.frame_count, transcoder.encoder) == (30, SOFTWARE)
    finally:
        await transcoder.close()


async def test_a_complete_recording_goes_before_one_under_way(transcoder: Transcoder, tmp_path: Path) -> None:
    """A recording until stopped may take hours; it gives its place up and is made when it is complete."""
    units = jpeg_units(range(30))
    writer, files = growing(tmp_path, "long", units[:10])
    long = transcoder.begin("long", files, print, follow=True)
    await until(files[1].exists)
    short = transcoder.begin("short", complete(tmp_path, "short"), print, follow=False)
    assert (await short.result()).frame_count == 30
    assert (transcoder.counters.preempted, transcoder.waiting) == (1, 1)
    writer.append(units[10:])
    writer.seal()
    writer.close()
    transcoder.complete(long)
    assert (await long.result()).frame_count == 30


async def test_a_recording_that_is_complete_before_it_gave_its_place_up_is_made_at_once(
    transcoder: Transcoder, tmp_path: Path
) -> None:
    """The clip it was to give way to was deleted meanwhile: its place is its own again."""
    units = jpeg_units(range(30))
    writer, files = growing(tmp_path, "long", units[:10])
    long = transcoder.begin("long", files, print, follow=True)
    await until(files[1].exists)
    writer.append(units[10:])
    writer.seal()
    writer.close()
    short = transcoder.begin("short", complete(tmp_path, "short"), print, follow=False)
    assert transcoder.counters.preempted == 1
    transcoder.cancel(short)
    transcoder.complete(long)
    assert (await long.result()).frame_count == 30
    assert (transcoder.running, transcoder.waiting) == (0, 0)


async def test_the_queue_is_bounded_and_refusals_are_counted(transcoder: Transcoder, tmp_path: Path) -> None:
    """One runs, two wait, the next is told to come again."""
    writers = []
    for name in ("a", "b", "c"):
        writer, files = growing(tmp_path, name, jpeg_units(range(3)))
        writers.append(writer)
        transcoder.begin(name, files, print, follow=True)
        await until(lambda: transcoder.running == 1)
    with pytest.raises(Busy, match="2 clips wait"):
        transcoder.begin("d", complete(tmp_path, "d"), print, follow=False)
    assert transcoder.counters.refused == 1
    for writer in writers:
        writer.close()


async def test_cancelling_ends_the_process_and_frees_the_place(
    transcoder: Transcoder, tmp_path: Path
) -> None:
    """A deleted clip costs nothing more, whether it is being made or waits."""
    writer, files = growing(tmp_path, "a", jpeg_units(range(20)))
    running = transcoder.begin("a", files, print, follow=True)
    await until(files[1].exists)
    writer_b, files_b = growing(tmp_path, "b", jpeg_units(range(20)))
    waiting = transcoder.begin("b", files_b, print, follow=True)
    transcoder.cancel_clip("b")
    transcoder.cancel_clip("a")
    await asyncio.gather(*(_refused(work) for work in (running, waiting)))
    cut = await transcoder.begin("c", complete(tmp_path, "c"), print, follow=False).result()
    assert cut.frame_count == 30
    assert transcoder.counters.failed == 0
    writer.close()
    writer_b.close()


async def _refused(work: Transcode) -> None:
    with pytest.raises(FinishFailed, match="not wanted"):
        await work.result()


async def test_closing_ends_what_runs_and_what_waits(tmp_path: Path) -> None:
    """The daemon must not wait for an encode; the next start begins again from the part files."""
    transcoder = Transcoder(at_once=1)
    transcoder.start()
    writer, files = growing(tmp_path, "a", jpeg_units(range(20)))
    running = transcoder.begin("a", files, print, follow=True)
    await until(files[1].exists)
    writer_b, files_b = growing(tmp_path, "b", jpeg_units(range(20)))
    waiting = transcoder.begin("b", files_b, print, follow=True)
    await transcoder.close()
    assert running.ended.is_set()
    assert waiting.ended.is_set()
    assert (transcoder.running, transcoder.waiting) == (0, 0)
    writer.close()
    writer_b.close()


async def test_the_processes_are_nicer_than_everything_else(transcoder: Transcoder, tmp_path: Path) -> None:
    """The buffers and the pictures people wait for come first."""
    writer, files = growing(tmp_path, "a", jpeg_units(range(20)))
    transcoder.begin("a", files, print, follow=True)
    await until(files[1].exists)
    assert max(process.nice() for process in workers()) >= min(19, os.nice(0) + 15)
    writer.close()


async def test_a_transcode_that_is_cancelled_before_its_first_step_ends(
    transcoder: Transcoder, tmp_path: Path
) -> None:
    """Else whoever waits for it waits for ever, and its place is lost."""
    await transcoder.chosen.wait()
    item = transcoder.begin("a", complete(tmp_path, "a"), print, follow=False)
    transcoder.cancel(item)
    async with asyncio.timeout(10):
        with pytest.raises(FinishFailed):
            await item.result()
    assert (await transcoder.begin("b", complete(tmp_path, "b"), print, follow=False).result()).frame_count
