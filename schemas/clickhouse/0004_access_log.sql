-- Who looked at the log, when, and with which filters: written by the query API before or behind each answer. Persons are
-- refs here, too, the one who looked included; no name and no searched text is kept.
CREATE TABLE IF NOT EXISTS {database}.access_log
(
    client_space_id LowCardinality(String),
    at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    access_id UUID,
    subject_ref UUID CODEC(ZSTD(3)),
    action LowCardinality(String),
    filters String CODEC(ZSTD(3)),
    request_id String CODEC(ZSTD(3))
)
-- An insert that is repeated because its answer was lost doubles nothing.
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (client_space_id, at, access_id)
TTL toDateTime(at) + INTERVAL 12 MONTH + INTERVAL 1 DAY DELETE
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 1000;
