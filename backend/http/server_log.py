"""What aiohttp has to say about requests: a stranger's nonsense is counted, an error of ours is logged.

A client that goes away in the middle of an answer is neither.
"""

import logging
from typing import Any

from aiohttp import web
from aiohttp.http import HttpProcessingError

from backend.base.rarely import and_more
from backend.http.connections import Connections

_MALFORMED = (HttpProcessingError, web.RequestPayloadError, web.PayloadAccessError)


class ServerLog(logging.LoggerAdapter[logging.Logger]):
    """Stands in for aiohttp's own logger, which writes a traceback for each request that it cannot read."""

    def __init__(self, connections: Connections) -> None:
        super().__init__(logging.getLogger(__name__), {})
        self._connections = connections
        self._rarely = connections.rarely

    def log(self, level: int, msg: object, *args: object, exc_info: Any = None, **kwargs: Any) -> None:
        if isinstance(exc_info, _MALFORMED):
            self._connections.malformed(exc_info)
            return
        if isinstance(exc_info, ConnectionError):
            return  # a client that left; what broke on our side is in the log of `server`
        held_back = self._rarely.due(f"{msg} {type(exc_info).__name__}") if level >= logging.ERROR else 0
        if held_back is not None:
            super().log(level, f"{msg}{and_more(held_back)}", *args, exc_info=exc_info, **kwargs)
