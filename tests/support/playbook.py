"""A test as a script: *this happened*, *this was asked*. Failures print the whole script as it went."""

from collections.abc import Sequence

from recorder.recording.clip_session import ClipSession, Command, SessionEvent


class Playbook:
    """Drives a `ClipSession` and compares what it orders with what the script says."""

    def __init__(self, session: ClipSession) -> None:
        self.session = session
        self._story: list[str] = []

    def happens(self, happening: SessionEvent, *, asks: Sequence[Command] = ()) -> "Playbook":
        """Feed one input and insist on exactly these orders, in this order."""
        commands = self.session.handle(happening)
        self._story.append(f">> {happening}\n<< {commands}   [{self.session.state}]")
        assert commands == list(asks), "\n".join([*self._story, f"expected << {list(asks)}"])
        return self
