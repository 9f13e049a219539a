"""The outbox: an event is written in the application's own transaction, and a relay publishes it.

`outbox.add(session, event)` is all that an application calls; `outbox.metadata` has the two tables for its migrations.
"""

from producers.outbox.table import add, add_by_cursor, create_tables, metadata

__all__ = ["add", "add_by_cursor", "create_tables", "metadata"]
