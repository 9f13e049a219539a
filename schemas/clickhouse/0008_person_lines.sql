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
SETTINGS ttl_only_drop_parts = 1, index_granularity = 1024;

-- An insert into the log is answered when its rows are here, too; one that was cut off between the two is repeated whole.
CREATE MATERIALIZED VIEW IF NOT EXISTS {database}.person_lines_of_lines TO {database}.person_lines AS
SELECT
    client_space_id, person.1 AS role, person.2 AS person_ref, occurred_at, event_id, activity_type, channel,
    affected_user_ref, admin_ref, precedence
FROM {database}.activity_log
ARRAY JOIN [('affected_user', affected_user_ref), ('admin', admin_ref)] AS person;

-- What was logged before this migration. Repeating it changes nothing: equal rows fold.
INSERT INTO {database}.person_lines
SELECT
    client_space_id, person.1 AS role, person.2 AS person_ref, occurred_at, event_id, activity_type, channel,
    affected_user_ref, admin_ref, precedence
FROM {database}.activity_log
ARRAY JOIN [('affected_user', affected_user_ref), ('admin', admin_ref)] AS person;
