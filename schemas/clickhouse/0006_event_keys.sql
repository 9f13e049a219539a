-- Under which key each event lies in the log, by event id: the log itself is sorted by client space and time, and to look
-- for an event there costs more with every month. Held for as long as a copy of an event may reasonably still come: a day
-- more than Kafka keeps events, and for imports, which are repeated from files, as long as the line itself.
CREATE TABLE IF NOT EXISTS {database}.event_keys
(
    event_id UUID CODEC(ZSTD(1)),
    client_space_id LowCardinality(String),
    occurred_at DateTime64(6, 'UTC') CODEC(ZSTD(1)),
    kafka_partition UInt16 CODEC(ZSTD(1)),
    kafka_offset UInt64 CODEC(ZSTD(1)),
    recorded_at DateTime64(6, 'UTC') CODEC(ZSTD(1)),
    is_import Bool CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (event_id, client_space_id, occurred_at, kafka_partition, kafka_offset)
TTL toDateTime(recorded_at) + INTERVAL 8 DAY DELETE WHERE NOT is_import,
    toDateTime(occurred_at) + INTERVAL 12 MONTH + INTERVAL 1 DAY DELETE
-- A lookup reads whole granules: small ones make the usual one, of a few events, cheap.
SETTINGS index_granularity = 256;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.event_keys_of_lines TO {database}.event_keys AS
SELECT event_id, client_space_id, occurred_at, kafka_partition, kafka_offset, recorded_at, import_id IS NOT NULL AS is_import
FROM {database}.activity_log;

-- What was logged before this migration. Repeating it changes nothing.
INSERT INTO {database}.event_keys
SELECT event_id, client_space_id, occurred_at, kafka_partition, kafka_offset, recorded_at, import_id IS NOT NULL AS is_import
FROM {database}.activity_log
WHERE recorded_at >= now64(6, 'UTC') - INTERVAL 8 DAY OR import_id IS NOT NULL;
