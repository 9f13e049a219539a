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
-- A name lives no longer than the last line that mentions it, which is shown until 12 months after last_seen.
TTL toDateTime(last_seen) + INTERVAL 12 MONTH + INTERVAL 1 DAY DELETE
-- A deletion writes the parts anew without the person, and the replaced parts must leave the disk soon, too. By default an
-- idle table keeps them for eight minutes and is cleaned up every five.
SETTINGS non_replicated_deduplication_window = 1000, old_parts_lifetime = 60, cleanup_delay_period = 15, max_cleanup_delay_period = 30, merge_with_ttl_timeout = 3600;

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

-- For each person that was ever deleted: the last deletion, and the first creation after it (the epoch where there is none).
CREATE VIEW IF NOT EXISTS {database}.erased_persons AS
SELECT
    client_space_id,
    person_ref,
    arrayMax(erasures) AS erased_at,
    arrayMin(arrayFilter(created -> created > erased_at, creations)) AS recreated_at
FROM
(
    SELECT
        client_space_id,
        person_ref,
        groupArrayIf(occurred_at, change = 'erased') AS erasures,
        groupArrayIf(occurred_at, change = 'created') AS creations
    FROM {database}.person_lifetimes
    GROUP BY client_space_id, person_ref
)
WHERE notEmpty(erasures);

-- Each person's names as one array, the order of first sight.
CREATE VIEW IF NOT EXISTS {database}.known_names AS
SELECT
    client_space_id,
    person_ref,
    any(person_id) AS person_id,
    arraySort(groupArray((first_seen, last_seen, username, display_name))) AS names
FROM
(
    SELECT
        client_space_id,
        person_ref,
        anyLast(n.person_id) AS person_id,
        n.username AS username,
        n.display_name AS display_name,
        min(n.first_seen) AS first_seen,
        max(n.last_seen) AS last_seen
    FROM {database}.person_names AS n
    GROUP BY client_space_id, person_ref, username, display_name
)
GROUP BY client_space_id, person_ref;
