"""`LogReader.line`: one line by its event id."""

from tests.builders import NOW
from tests.contract.log_reader.stores import MICROSECOND, Store, a_row


async def test_a_single_line_is_found_down_to_the_microsecond_of_its_bound(store: Store) -> None:
    row = a_row(store.caller)
    store.insert([row])

    assert await store.reader.line(store.caller, row.event_id, NOW) is not None
    assert await store.reader.line(store.caller, row.event_id, NOW + MICROSECOND) is None
