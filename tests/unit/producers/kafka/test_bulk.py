"""Many records at once."""

from aiokafka.partitioner import murmur2 as murmur2_of_aiokafka
from hypothesis import given
from hypothesis import strategies as st

from producers.kafka.bulk import murmur2


@given(st.binary(max_size=60))
def test_a_key_has_the_hash_that_every_client_of_kafka_gives_it(key: bytes) -> None:
    assert murmur2(key) == murmur2_of_aiokafka(key)
