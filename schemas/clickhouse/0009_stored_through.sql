-- How far the log is whole, by client space and partition: up to this offset, every row that the worker stores is there.
-- The worker adds it after an insert into the log was answered; a view could not, for it is filled while rows still come.
CREATE TABLE IF NOT EXISTS {database}.stored_through
(
    client_space_id LowCardinality(String),
    kafka_partition UInt16,
    kafka_offset UInt64
)
ENGINE = ReplacingMergeTree(kafka_offset)
ORDER BY (client_space_id, kafka_partition);

-- What was logged before this migration. Repeating it changes nothing: the greatest offset stays.
INSERT INTO {database}.stored_through
SELECT client_space_id, kafka_partition, max(kafka_offset) FROM {database}.activity_log GROUP BY client_space_id, kafka_partition;
