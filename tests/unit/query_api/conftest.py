from collections.abc import AsyncIterator

import pytest

from tests.unit.query_api.api import Api, running_api


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """The API in development mode over an empty store."""
    async with running_api() as running:
        yield running
