"""The machine that figures were measured on."""

from benchmarks.machine import describe


def test_the_machine_is_named_by_what_moves_figures() -> None:
    """A figure without its machine says nothing."""
    names = dict(describe())
    assert {"Processor", "Cores", "Memory", "Python", "Libraries"} <= set(names)
    assert all(names.values())
