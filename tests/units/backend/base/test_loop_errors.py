"""Errors that reach the event loop."""

import asyncio

import pytest

from backend.base.loop_errors import counted_loop_errors


async def test_errors_of_the_loop_are_all_counted_and_one_of_a_kind_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """asyncio's own handler writes a traceback for each: a stranger's way to fill a disk."""
    loop, failed = asyncio.get_running_loop(), list[str]()
    with counted_loop_errors(lambda: failed.append("loop")):
        for number in range(100):
            loop.call_exception_handler(
                {"message": f"Exception in callback <handle {number}>", "exception": OSError(24, "too many")}
            )
        loop.call_exception_handler({"message": "Exception in callback <x>", "exception": KeyError("other")})
    assert len(failed) == 101
    assert [record.exc_info is not None for record in caplog.records] == [True, True]
    assert loop.get_exception_handler() is None
