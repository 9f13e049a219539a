-- Every name of a person, with the time it was seen. The only table that holds ids and names: erasing a person erases here.
CREATE TABLE IF NOT EXISTS {database}.person_names
(
    client_space_id LowCardinality(String),
    person_ref UUID,
    person_id SimpleAggregateFunction(anyLast, String),
    username String,
    display_name String,
    first_seen SimpleAggregateFunction(min, DateTime64(6, 'UTC')),
    last_seen SimpleAggregateFunction(max, DateTime64(6, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (client_space_id, person_ref, username, display_name)
SETTINGS non_replicated_deduplication_window = 1000;

-- When a person was created and deleted. A set of facts: any order and any repetition of inserts ends in the same rows.
CREATE TABLE IF NOT EXISTS {database}.person_lifetimes
(
    client_space_id LowCardinality(String),
    person_ref UUID,
    change LowCardinality(String),
    occurred_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (client_space_id, person_ref, change, occurred_at)
SETTINGS non_replicated_deduplication_window = 1000;
