"""What the daemon wrote is closed to other accounts; what an operator decides is left to the operator."""

from pathlib import Path

import pytest

from backend.base.machine.file_modes import GROUP, Facts, Owner, opening

PATH = Path("/srv/it's here")


def facts(mode: int, *, is_own: bool = True, group: str | None = "users") -> Facts:
    return Facts(PATH, mode, is_own, group)


@pytest.mark.parametrize(
    ("mode", "closed"), [(0o755, 0o700), (0o750, 0o700), (0o644, 0o600), (0o2775, 0o2700), (0o701, 0o700)]
)
def test_what_is_ours_is_closed_to_group_and_others(mode: int, closed: int) -> None:
    """Of the special bits none is lost: they are an operator's."""
    found = opening(facts(mode), Owner.DAEMON, for_group=0o010)
    assert found is not None
    assert (found.wanted, found.may_mend, found.gives_away) == (closed, True, True)


@pytest.mark.parametrize("mode", [0o700, 0o600, 0o500, 0o2700])
def test_what_is_closed_needs_nothing(mode: int) -> None:
    """A start that finds everything in order changes and says nothing."""
    assert opening(facts(mode), Owner.DAEMON) is None
    assert opening(facts(mode), Owner.OPERATOR) is None


@pytest.mark.parametrize(("mode", "wanted"), [(0o755, 0o710), (0o770, 0o710), (0o700, 0o710)])
def test_the_group_hindsight_may_pass_and_others_never(mode: int, wanted: int) -> None:
    """It enters, and does not list; where it may only pass, nothing else is open to it."""
    found = opening(facts(mode, group=GROUP), Owner.DAEMON, for_group=0o010)
    assert found is not None
    assert found.wanted == wanted
    assert found.gives_away is (mode != 0o700)
    assert opening(facts(0o710, group=GROUP), Owner.DAEMON, for_group=0o010) is None
    inner = opening(facts(0o710, group=GROUP), Owner.DAEMON)
    assert inner is not None
    assert inner.wanted == 0o700


def test_a_directory_of_another_owner_is_left_with_its_group_and_told_if_others_may_enter() -> None:
    """Several boxes may share a directory of pictures by a group."""
    assert opening(facts(0o770, is_own=False), Owner.DAEMON) is None
    found = opening(facts(0o777, is_own=False), Owner.DAEMON)
    assert found is not None
    assert (found.wanted, found.may_mend) == (0o770, False)


@pytest.mark.parametrize(
    ("mode", "is_own", "cure", "can"),
    [
        (0o644, True, "chmod 600", "be read"),
        (0o666, True, "chmod 600", "be read and changed"),
        (0o644, False, "chmod 640", "be read"),
        (0o642, True, "chmod 600", "be read and changed"),
    ],
)
def test_an_operators_secret_is_told_with_the_cure_and_never_changed(
    mode: int, is_own: bool, cure: str, can: str
) -> None:
    """The path is quoted, so that the cure can be pasted."""
    found = opening(facts(mode, is_own=is_own), Owner.OPERATOR)
    assert found is not None
    assert not found.may_mend
    assert f"can {can} by other accounts" in found.sentence
    assert f"""`{cure} '/srv/it'"'"'s here'`""" in found.sentence


@pytest.mark.parametrize("mode", [0o640, 0o660, 0o600, 0o711])
def test_a_group_that_an_operator_gave_a_file_is_no_reason_to_speak(mode: int) -> None:
    """`root:hindsight 0640` is how a service's configuration is kept."""
    assert opening(facts(mode, is_own=False), Owner.OPERATOR) is None
