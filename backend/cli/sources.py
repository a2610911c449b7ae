"""Refuses cameras whose address we do not take, before anything is started."""

import threading

from backend.config.load import ConfigError
from backend.config.model import Config
from recorder import open_source
from recorder.base.clock import SystemClock
from recorder.base.errors import SourceUnsupported
from recorder.base.settings import CameraSettings


def check_sources(config: Config) -> None:
    """Make every source without connecting. Raises ConfigError that names the cameras and the cure."""
    wrong = []
    for index, camera in enumerate(config.effective_cameras):
        source = camera.source.get_secret_value() if camera.source else ""
        settings = CameraSettings(camera_id=camera.id, name=camera.label, source=source)
        try:
            open_source(settings, SystemClock(), threading.Event())
        except SourceUnsupported as error:
            wrong.append(f"cameras[{index}].source: {error}")
    if wrong:
        raise ConfigError(wrong)
