"""Which number a topic has among all that were ever made under the name of the events topic.

A topic that was made anew counts its offsets from 0 again. Its number, the epoch, is what tells a record of it from one
of an earlier topic: `schemas.rows.row_offset` puts it above the offset, so that places in the log only ever grow.
"""

from typing import Protocol
from uuid import UUID

from clickhouse_connect.driver.client import Client

from schemas.rows import STORED_THROUGH, TOPIC_EPOCHS, epoch_of
from stream.clients.clickhouse import open_clickhouse
from stream.errors import Unavailable

_ATTEMPTS = 5


class TopicEpochs(Protocol):
    """The epochs of topics."""

    def epoch(self, topic_id: UUID) -> int:
        """The epoch of the topic, the same for ever and for every worker: the next one where it has none yet.

        Blocks. Raises `Unavailable`.
        """
        ...


class ClickHouseTopicEpochs:
    """`TopicEpochs` in a table beside the log."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    def epoch(self, topic_id: UUID) -> int:
        with open_clickhouse(self._url) as client:
            for _ in range(_ATTEMPTS):
                epochs = self._epochs(client)
                own = epochs.pop(topic_id, None)
                if own is not None and own not in epochs.values():
                    return own
                # Read again: a worker that gives another topic the same number at the same moment sees it, or this one.
                self._give(client, topic_id, self._next(client, [*epochs.values(), *([] if own is None else [own])]))
        raise Unavailable("other topics are numbered at the same time")

    def _epochs(self, client: Client) -> dict[UUID, int]:
        sql = f"SELECT topic_id, max(epoch) FROM {self._database}.{TOPIC_EPOCHS} GROUP BY topic_id"  # noqa: S608 - a checked name
        return {topic_id: int(epoch) for topic_id, epoch in client.query(sql).result_rows}

    def _next(self, client: Client, given: list[int]) -> int:
        # The log knows of topics that the table does not where it was built again from its history.
        sql = f"SELECT count(), max(kafka_offset) FROM {self._database}.{STORED_THROUGH}"  # noqa: S608 - as above
        ((rows, highest),) = client.query(sql).result_rows
        return max([*given, epoch_of(highest) if rows else -1]) + 1

    def _give(self, client: Client, topic_id: UUID, epoch: int) -> None:
        client.insert(
            TOPIC_EPOCHS,
            [[topic_id, epoch]],
            column_names=["topic_id", "epoch"],
            database=self._database,
            settings={"async_insert": 0, "wait_end_of_query": 1},
        )
