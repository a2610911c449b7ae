"""Recording a hostile camera costs what a recording costs."""

import asyncio
from pathlib import Path

from recorder.base.values import RecordingContinued, RecordingFailed, RecordingFinished, RecordRequest
from recorder.recording.recording_task import MOST_SHORT_CLIPS
from tests.support.hostile.campaign import hostile_server
from tests.support.recorder_rig import running_recorder


async def test_a_camera_of_ever_new_sizes_does_not_fill_the_disk_with_clips(tmp_path: Path) -> None:
    """Every frame asks for a file of its own; after a few the recording ends, and all are finished."""
    with hostile_server(seed=3) as (rtsp_port, _):
        async with running_recorder(f"rtsp://127.0.0.1:{rtsp_port}/changing-sets", tmp_path) as rig:
            await rig.buffered(1)
            request = RecordRequest(rig.new_id(), None, 0.5, None)
            await rig.recorder.record(request)
            await rig.recorder.acknowledge(request.recording_id)

            def ended() -> bool:
                over = (RecordingFinished, RecordingFailed)
                continued = sum(isinstance(event, RecordingContinued) for event in rig.events)
                finished = sum(isinstance(event, over) for event in rig.events)
                return continued == MOST_SHORT_CLIPS and finished == continued + 1

            await rig.until(ended)
            await asyncio.sleep(0.3)  # the camera goes on; nothing more may come of it
            assert ended()
            assert rig.recorder.status().recordings == 0
