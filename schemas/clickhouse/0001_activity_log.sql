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
SETTINGS ttl_only_drop_parts = 1, index_granularity = 256, non_replicated_deduplication_window = 1000;

-- Under which key each event lies in the log, by event id: the log itself is sorted by client space and time, and to look
-- for an event there costs more with every month. Held for as long as a copy of an event may reasonably still come: a day
-- more than Kafka keeps events, and for imports, which are repeated from files, as long as the line itself.
-- Sorted by the bytes of the id. Ids of live events (version 7) begin with their time, so new ones lie behind all that are
-- known, and a lookup of them reads next to nothing. As a `UUID` ClickHouse compares the random half first.
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
ORDER BY (UUIDToNum(event_id), client_space_id, occurred_at, kafka_partition, kafka_offset)
TTL toDateTime(recorded_at) + INTERVAL 8 DAY DELETE WHERE NOT is_import,
    toDateTime(occurred_at) + INTERVAL 12 MONTH + INTERVAL 1 DAY DELETE
-- A lookup reads whole granules: small ones make the usual one, of a few events, cheap.
SETTINGS index_granularity = 256;

CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.event_keys_of_lines TO {database}.event_keys AS
SELECT event_id, client_space_id, occurred_at, kafka_partition, kafka_offset, recorded_at, import_id IS NOT NULL AS is_import
FROM {database}.activity_log;

-- Which lines mention a person, newest lines side by side: the log is sorted by time, and to look through it for somebody
-- with few lines would read all of a client space. A line is here twice, for its affected user and for its admin, with what
-- a filter may ask for beside the person. No copy that differs in any of that is folded into another: readers take the
-- places of lines from here and the lines themselves from the log, where the first copy counts.
CREATE TABLE IF NOT EXISTS {database}.person_lines
(
    client_space_id LowCardinality(String),
    role LowCardinality(String),
    person_ref UUID CODEC(ZSTD(1)),
    occurred_at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    event_id UUID CODEC(ZSTD(1)),
    activity_type LowCardinality(String),
    channel LowCardinality(String),
    affected_user_ref UUID CODEC(ZSTD(1)),
    admin_ref UUID CODEC(ZSTD(1)),
    precedence UInt64 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(precedence)
-- Quarters, not months: a person's year is then in few parts.
PARTITION BY toStartOfQuarter(occurred_at)
PRIMARY KEY (client_space_id, role, person_ref, occurred_at)
ORDER BY (client_space_id, role, person_ref, occurred_at, event_id, activity_type, channel, affected_user_ref, admin_ref)
TTL toDateTime(occurred_at) + INTERVAL 12 MONTH + INTERVAL 1 DAY DELETE
SETTINGS ttl_only_drop_parts = 1, index_granularity = 256;

-- An insert into the log is answered when its rows are here, too; one that was cut off between the two is repeated whole.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.person_lines_of_lines TO {database}.person_lines AS
SELECT
    client_space_id, person.1 AS role, person.2 AS person_ref, occurred_at, event_id, activity_type, channel,
    affected_user_ref, admin_ref, precedence
FROM {database}.activity_log
ARRAY JOIN [('affected_user', affected_user_ref), ('admin', admin_ref)] AS person;

-- How far the log is whole, by client space and partition: every row up to this offset is stored. The worker adds it after
-- an insert into the log was answered; a view could not, for it is filled while rows still come.
CREATE TABLE IF NOT EXISTS {database}.stored_through
(
    client_space_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset SimpleAggregateFunction(max, UInt64)
)
ENGINE = AggregatingMergeTree
ORDER BY (client_space_id, kafka_partition);

-- The topics that were ever read under the name of the events topic, each with its number. `kafka_offset` of a row is
-- the offset of its record plus the number of its topic times 2 to the 48th: a topic that is made anew counts from 0 again.
CREATE TABLE IF NOT EXISTS {database}.topic_epochs
(
    topic_id UUID,
    epoch UInt16
)
ENGINE = ReplacingMergeTree(epoch)
ORDER BY topic_id;
