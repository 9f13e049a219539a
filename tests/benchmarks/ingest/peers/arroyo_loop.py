"""sentry-arroyo: reduce into batches, insert, commit."""

from collections.abc import Mapping
from typing import Any

from arroyo.backends.kafka import KafkaConsumer, KafkaPayload
from arroyo.backends.kafka.configuration import build_kafka_consumer_configuration
from arroyo.processing import StreamProcessor
from arroyo.processing.strategies import CommitOffsets, ProcessingStrategy, ProcessingStrategyFactory, Reduce, RunTask
from arroyo.types import BaseValue, Commit, Message, Partition, Topic
from common import BATCH, GROUP, SERVERS, TOPIC, Row, connect, insert, to_row

client = connect()


def _add(rows: list[Row], value: BaseValue[KafkaPayload]) -> list[Row]:
    record: Any = value
    stamp = round(record.timestamp.timestamp() * 1000)
    rows.append(to_row(record.payload.value, stamp, record.partition.index, record.offset))
    return rows


def _insert(message: Message[list[Row]]) -> None:
    insert(client, message.payload)


class Factory(ProcessingStrategyFactory[KafkaPayload]):  # type: ignore[misc]  # not installed where types are checked
    """Reduce, insert, commit."""

    def create_with_partitions(
        self,
        commit: Commit,
        partitions: Mapping[Partition, int],  # noqa: ARG002 - the interface gives both
    ) -> ProcessingStrategy[KafkaPayload]:
        """The pipeline, from its end to its start."""
        return Reduce(BATCH, 1.0, _add, list, RunTask(_insert, CommitOffsets(commit)))


StreamProcessor(
    KafkaConsumer(
        build_kafka_consumer_configuration(
            {}, bootstrap_servers=[SERVERS], group_id=GROUP, auto_offset_reset="earliest"
        )
    ),
    Topic(TOPIC),
    Factory(),
).run()
