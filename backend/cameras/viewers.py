"""The signal to live viewers to leave when the daemon stops. Not here: how many there may be (`access`)."""

import asyncio


class Viewers:
    """Live viewers of all cameras. Event loop only."""

    def __init__(self) -> None:
        self.closing = asyncio.Event()
        """Set when they are to leave."""

    def close(self) -> None:
        """Tell everybody to leave, so that the server can stop without waiting for open pages."""
        self.closing.set()
