"""The read side: an HTTP API over ClickHouse that shows each client space its own log, and nobody else's."""
