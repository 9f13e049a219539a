"""Every `TopicEpochs` keeps its promises: the one in memory, and ClickHouse."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from schemas.clickhouse_client import connect
from schemas.rows import STORED_THROUGH, TOPIC_EPOCHS, row_offset
from stream.clients.migrate import migrate
from stream.pipeline.topic_epochs import ClickHouseTopicEpochs, TopicEpochs
from tests.fakes.stream import InMemoryTopicEpochs


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The address of ClickHouse, and a database of this test's own."""
    url = request.getfixturevalue("stack_environment")["CLICKHOUSE_URL"]
    name = f"epochs_{uuid4().hex[:12]}"
    with connect(url) as client:
        list(migrate(client, name))
        yield url, name
        client.command(f"DROP DATABASE {name} SYNC")


@pytest.fixture(params=["in memory", "clickhouse"])
def epochs(request: pytest.FixtureRequest) -> TopicEpochs:
    if request.param == "in memory":
        return InMemoryTopicEpochs()
    return ClickHouseTopicEpochs(*request.getfixturevalue("database"))


def test_topics_are_numbered_in_the_order_in_which_they_were_met(epochs: TopicEpochs) -> None:
    first, second = uuid4(), uuid4()
    assert [epochs.epoch(topic) for topic in (first, second, first)] == [0, 1, 0]


def test_two_workers_give_a_topic_one_number(database: tuple[str, str]) -> None:
    topic, workers = uuid4(), [ClickHouseTopicEpochs(*database) for _ in range(2)]
    assert [worker.epoch(topic) for worker in workers] == [0, 0]


def test_a_number_that_two_topics_were_given_at_once_is_given_up_for_a_new_one(database: tuple[str, str]) -> None:
    topics = uuid4(), uuid4()
    with connect(database[0]) as client:
        client.insert(TOPIC_EPOCHS, [[topic, 0] for topic in topics], database=database[1])
    epochs = ClickHouseTopicEpochs(*database)
    assert len({epochs.epoch(topic) for topic in topics}) == 2


def test_a_log_that_was_built_again_keeps_its_places_behind_the_new_ones(database: tuple[str, str]) -> None:
    with connect(database[0]) as client:
        client.insert(STORED_THROUGH, [["acme", 0, row_offset(4, 17)]], database=database[1])
    assert ClickHouseTopicEpochs(*database).epoch(UUID(int=1)) == 5
