"""One application with a small synthetic camera for all tests of a file; it ends with the file."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.backend.whole_app import WholeApp, whole_app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeApp]:
    """A file that takes it runs its tests on the loop of the module."""
    async with whole_app(tmp_path_factory.mktemp("app")) as opened:
        yield opened
