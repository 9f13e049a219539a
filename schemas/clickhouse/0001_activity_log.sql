-- The log itself. Copies of an event (replays, retries, repeated imports) have one sorting key, lie side by side and are
-- folded by merges; readers drop the copies that no merge has reached yet. The largest precedence is the first copy.
CREATE TABLE IF NOT EXISTS {database}.activity_log
(
    client_space_id LowCardinality(String),
    occurred_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    event_id UUID CODEC(ZSTD(1)),
    activity_type LowCardinality(String),
    channel LowCardinality(String),
    admin_ref UUID CODEC(ZSTD(3)),
    affected_user_ref UUID CODEC(ZSTD(3)),
    previous_license LowCardinality(Nullable(String)),
    new_license LowCardinality(Nullable(String)),
    admin_rights_granted Nullable(Bool),
    source_service LowCardinality(Nullable(String)),
    request_id Nullable(String) CODEC(ZSTD(3)),
    import_id Nullable(UUID) CODEC(ZSTD(3)),
    import_file_sha256 Nullable(String) CODEC(ZSTD(3)),
    import_row_number Nullable(UInt32) CODEC(ZSTD(1)),
    recorded_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    kafka_partition UInt16 CODEC(ZSTD(1)),
    kafka_offset UInt64 CODEC(DoubleDelta, ZSTD(1)),
    schema_id UInt32 CODEC(ZSTD(1)),
    precedence UInt64 CODEC(ZSTD(1)),
    INDEX by_affected_user affected_user_ref TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_admin admin_ref TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(precedence)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (client_space_id, occurred_at, event_id)
-- A day more than the promise: 29 February plus 12 months is 28 February, yet those lines are shown until 1 March.
TTL toDateTime(occurred_at) + INTERVAL 12 MONTH + INTERVAL 1 DAY DELETE
-- Whole months are dropped at once; readers cut at 12 months to the microsecond, so the rest of a month is never shown.
SETTINGS ttl_only_drop_parts = 1, index_granularity = 1024, non_replicated_deduplication_window = 1000;
