"""Whether the daemon is ready, and what it works without. Belongs to the event loop.

Here: what `/readyz`, `/api/system` and the pages report. Not here: finding out (each part reports its own).
"""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

Tell = Callable[[str, str | None], object]
"""Called with a subject and the sentence that is now true of it; None: all is well again."""


class Health:
    """Set by the composition root as it starts and stops, and by the parts as they work."""

    def __init__(self, tell: Tell | None = None) -> None:
        self.waiting_for: str | None = "starting"
        """None: ready."""
        self.concerns: dict[str, str] = {}
        """What does not work as it should while recording goes on: a sentence with the cure, by subject."""
        self._tell = tell

    @property
    def is_ready(self) -> bool:
        """Whether requests can be served."""
        return self.waiting_for is None

    def concern(self, subject: str, sentence: str | None) -> None:
        """Say what is wrong with `subject` now (None: nothing). Pages hear of every change."""
        if self.concerns.get(subject) == sentence:
            return
        if sentence is None:
            del self.concerns[subject]
            log.info("%s: all is well again", subject)
        else:
            self.concerns[subject] = sentence
            log.warning("%s: %s", subject, sentence)
        if self._tell is not None:
            self._tell(subject, sentence)
