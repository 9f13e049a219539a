"""The two long-lived topics from which the whole log can be built again: the port."""

from typing import Protocol

from stream.batches import Rows


class History(Protocol):
    """The log's second home, beside the store. One caller at a time."""

    async def publish(self, rows: Rows) -> None:
        """Publish *rows*; on return the broker has all of them.

        Raises `Unavailable` where it may not have: publish all of them again. A row may thus be there twice, as it may
        after a replay; who reads the history folds the copies.
        """
        ...
