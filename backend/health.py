"""Whether the daemon is ready, and if not, what it is waiting for. Belongs to the event loop."""


class Health:
    """Set by the composition root as it starts and stops."""

    def __init__(self) -> None:
        self.waiting_for: str | None = "starting"
        """None: ready."""

    @property
    def is_ready(self) -> bool:
        """Whether requests can be served."""
        return self.waiting_for is None
