-- Client spaces that have left for good: no worker stores a line or a name of them, and no rebuild brings one back.
CREATE TABLE IF NOT EXISTS {database}.off_boarded_spaces
(
    client_space_id String,
    off_boarded_at DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY client_space_id;
