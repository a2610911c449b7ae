"""Steps that are undone in reverse order when one of them fails or the operator interrupts. Pure.

`Interruptions` turns signals into an exception, but only while a step runs: nothing interrupts the undoing.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class UpdateStep:
    """One step. `undo` must cope with a `do` that stopped halfway."""

    name: str
    do: Callable[[], object]
    undo: Callable[[], object] | None = None
    undo_name: str = ""


@dataclass(frozen=True, slots=True)
class UpdateOutcome:
    """How the steps ended. `failed` and `error` are None when all of them were done."""

    failed: UpdateStep | None = None
    error: BaseException | None = None
    not_undone: tuple[str, ...] = ()
    """One sentence for each step that could not be undone."""


def carry_out(
    steps: Sequence[UpdateStep],
    report: Callable[[str], object],
    allow_interruption: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> UpdateOutcome:
    """Do the steps in order. After a failure undo those that began, the last one first. Never raises."""
    begun: list[UpdateStep] = []
    try:
        for step in steps:
            report(step.name)
            begun.append(step)
            with allow_interruption():
                step.do()
    except BaseException as error:  # noqa: BLE001  an interruption is undone like any other failure
        return UpdateOutcome(begun[-1] if begun else None, error, _undo(begun, report))
    return UpdateOutcome()


def _undo(begun: Sequence[UpdateStep], report: Callable[[str], object]) -> tuple[str, ...]:
    not_undone = []
    for step in reversed(begun):
        if step.undo is None:
            continue
        report(step.undo_name)
        try:
            step.undo()
        except Exception as error:  # noqa: BLE001  one step that cannot be undone must not keep the others from it
            not_undone.append(f"{step.undo_name}: {error}")
    return tuple(not_undone)


class Interruptions:
    """Raises KeyboardInterrupt for SIGINT, SIGTERM and SIGHUP inside `allowed`, once. Main thread only."""

    def __init__(self) -> None:
        self._is_allowed = False
        self._is_pending = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        """Let a signal end the block; one that arrived before ends it at once."""
        try:
            self._is_allowed = True
            if self._is_pending:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_allowed = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._is_pending = True
        if self._is_allowed:
            self._is_allowed = False
            raise KeyboardInterrupt
