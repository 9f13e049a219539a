"""The Faust worker: Kafka records become rows in ClickHouse, or dead letters; nothing in between."""
