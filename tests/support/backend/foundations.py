"""What a room stands on, of the parts that a test has."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from backend.base.health import Health
from backend.config.model import Config
from backend.events.log import EventLog
from backend.foundation.foundation import Foundation
from tests.support.backend.rows import HERE, Box


def a_foundation(data_dir: Path, config: Config | None = None, **given: Any) -> Foundation:
    """With events and health of its own; a test that uses another part without giving it fails."""
    parts: dict[str, Any] = {field.name: None for field in fields(Foundation)}
    parts |= {"recorder_id": HERE, "events": EventLog("test"), "health": Health()}
    config = (config or Config()).model_copy(update={"data_dir": data_dir})
    return Foundation(**parts | {"config": config} | given)


def foundation_of(box: Box, config: Config | None = None, **given: Any) -> Foundation:
    """The same with the catalogue and the files of `box`."""
    own = {"catalogue": box.catalogue, "files": box.files}
    return a_foundation(box.files.clips_dir.parent, config, **own | given)
