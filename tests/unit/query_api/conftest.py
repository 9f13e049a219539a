from collections.abc import AsyncIterator

import pytest

from query_api.log import access_log
from tests.unit.query_api.api import Api, running_api


@pytest.fixture(autouse=True)
def no_gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Views are recorded at once, so that tests need not wait for them."""
    monkeypatch.setattr(access_log, "GATHERING_SECONDS", 0)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    """The API in development mode over an empty store."""
    async with running_api() as running:
        yield running
