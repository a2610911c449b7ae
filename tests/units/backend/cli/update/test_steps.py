"""Steps are undone in reverse, whatever ends them, and nothing interrupts the undoing."""

import os
import signal
from collections.abc import Callable

import pytest

from backend.cli.update.steps import Interruptions, UpdateOutcome, UpdateStep, carry_out


class Record:
    """Makes steps that note what is done to them."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def step(
        self, name: str, error: BaseException | None = None, undo_error: Exception | None = None
    ) -> UpdateStep:
        def do() -> None:
            self.events.append(name)
            if error is not None:
                raise error

        def undo() -> None:
            self.events.append(f"not {name}")
            if undo_error is not None:
                raise undo_error

        return UpdateStep(name, do, undo, f"undo {name}")


@pytest.fixture
def record() -> Record:
    return Record()


def nothing(_line: str) -> None:
    pass


def test_steps_that_succeed_are_not_undone(record: Record) -> None:
    """Each is announced before it begins."""
    reports: list[str] = []
    assert carry_out([record.step("a"), record.step("b")], reports.append) == UpdateOutcome()
    assert record.events == reports == ["a", "b"]


def test_a_failure_undoes_what_began_in_reverse_order(record: Record) -> None:
    """The failed step too: it may have got halfway."""
    steps = [record.step("a"), record.step("b", ValueError("no")), record.step("c")]
    outcome = carry_out(steps, nothing)
    assert record.events == ["a", "b", "not b", "not a"]
    assert (outcome.failed, str(outcome.error), outcome.not_undone) == (steps[1], "no", ())


def test_a_failed_undo_is_reported_and_does_not_stop_the_others(record: Record) -> None:
    """The old version should start even if the new one's folder cannot be removed."""
    steps = [record.step("a"), record.step("b", ValueError("no"), undo_error=OSError("stuck"))]
    outcome = carry_out(steps, nothing)
    assert record.events == ["a", "b", "not b", "not a"]
    assert outcome.not_undone == ("undo b: stuck",)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_a_step_undoes_like_a_failure(record: Record, number: signal.Signals) -> None:
    """Ctrl-C, an end of the session and a broken connection must not leave the box without a daemon."""

    def do() -> None:
        os.kill(os.getpid(), number)

    steps = [record.step("a"), UpdateStep("b", do), record.step("c")]
    with Interruptions() as interruptions:
        outcome = carry_out(steps, nothing, interruptions.allowed)
    assert record.events == ["a", "not a"]
    assert isinstance(outcome.error, KeyboardInterrupt)


def test_a_signal_during_the_undoing_changes_nothing(record: Record) -> None:
    """A second Ctrl-C would otherwise leave neither version running."""

    def undo() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        record.events.append("undone")

    with Interruptions() as interruptions:
        steps = [record.step("a"), UpdateStep("b", _failing(ValueError()), undo)]
        outcome = carry_out(steps, nothing, interruptions.allowed)
    assert record.events == ["a", "undone", "not a"]
    assert outcome.not_undone == ()


def test_a_signal_between_steps_ends_the_next_one(record: Record) -> None:
    """It is not lost, and it never arrives while the bookkeeping is under way."""

    def tell(name: str) -> None:
        if name == "b":
            os.kill(os.getpid(), signal.SIGTERM)

    with Interruptions() as interruptions:
        outcome = carry_out([record.step("a"), record.step("b")], tell, interruptions.allowed)
    assert record.events == ["a", "not b", "not a"]
    assert isinstance(outcome.error, KeyboardInterrupt)


def test_signals_mean_again_what_they_meant_before(record: Record) -> None:
    """The handlers are put back."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Interruptions():
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def _failing(error: Exception) -> Callable[[], None]:
    def do() -> None:
        raise error

    return do
