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
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 1000, old_parts_lifetime = 60, cleanup_delay_period = 15, max_cleanup_delay_period = 30, merge_with_ttl_timeout = 3600;

-- When a person was created and deleted. A set of facts: any order and any repetition of inserts ends in the same rows.
-- Of copies of one event the first that the broker recorded stays, as in activity_log.
CREATE TABLE IF NOT EXISTS {database}.person_lifetimes
(
    client_space_id LowCardinality(String),
    person_ref UUID,
    change LowCardinality(String),
    occurred_at DateTime64(6, 'UTC'),
    event_id UUID,
    precedence UInt64
)
ENGINE = ReplacingMergeTree(precedence)
ORDER BY (client_space_id, person_ref, change, occurred_at, event_id)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 1000;

-- For each person that was ever deleted: the last deletion, and when the life after it began (the epoch where none is known
-- to have begun). `schemas.lifetimes` explains the rule: an event counts no later than the broker recorded it, and a creation
-- begins a life only if the broker recorded it after every deletion. `is_doubtful`: the two clocks disagree, the person stays
-- deleted.
CREATE VIEW IF NOT EXISTS {database}.erased_persons AS
SELECT
    client_space_id,
    person_ref,
    arrayMax(e -> e.1, erasures) AS erased_at,
    if(notEmpty(lives), greatest(arrayMin(lives), erased_at + toIntervalMicrosecond(1)), toDateTime64(0, 6, 'UTC')) AS recreated_at,
    empty(lives) AND arrayExists(c -> c.1 > erased_at OR c.2 < last_precedence, creations) AS is_doubtful
FROM
(
    SELECT
        client_space_id,
        person_ref,
        groupArrayIf((happened_at, first_precedence), change = 'erased') AS erasures,
        groupArrayIf((happened_at, first_precedence), change = 'created') AS creations,
        arrayMin(e -> e.2, erasures) AS last_precedence,
        arrayMap(c -> c.1, arrayFilter(c -> c.1 >= arrayMax(e -> e.1, erasures) AND c.2 < last_precedence, creations)) AS lives
    FROM
    (
        SELECT
            client_space_id,
            person_ref,
            change,
            max(precedence) AS first_precedence,
            least(occurred_at, toDateTime64(fromUnixTimestamp64Milli(toInt64(bitShiftRight(bitNot(first_precedence), 22)) + 1, 'UTC'), 6, 'UTC')) AS happened_at
        FROM {database}.person_lifetimes
        GROUP BY client_space_id, person_ref, change, occurred_at, event_id
    )
    GROUP BY client_space_id, person_ref
)
WHERE notEmpty(erasures);

-- Each person's names as one array, ordered by first sighting.
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
