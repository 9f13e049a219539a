-- What analysts ask most, each answered from `activities`, which drops copies, cuts at 12 months and hides the deleted. Persons
-- are grouped by the ref that it shows: all deleted persons are one group, and none leads to a later life.
-- An account needs SELECT on the view alone. `deploy/clickhouse/QUESTIONS.md` has a question for each.
CREATE VIEW IF NOT EXISTS {database}.daily_counts DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT client_space_id, toDate(occurred_at, 'UTC') AS day, activity_type, channel, count() AS lines
FROM {database}.activities
GROUP BY client_space_id, day, activity_type, channel;

-- The name is that of the admin's last line.
CREATE VIEW IF NOT EXISTS {database}.admin_counts DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH argMax((a.admin, a.admin_id), (a.occurred_at, a.event_id)) AS last_seen_as
SELECT
    a.client_space_id AS client_space_id,
    a.admin_ref AS admin_ref,
    last_seen_as.1 AS admin,
    last_seen_as.2 AS admin_id,
    count() AS lines,
    countIf(a.activity_type = 'user_creation') AS user_creations,
    countIf(a.activity_type = 'user_deletion') AS user_deletions,
    countIf(a.activity_type = 'user_license_update') AS license_updates,
    countIf(a.activity_type = 'admin_rights_update') AS admin_rights_updates,
    countIf(a.channel = 'ui') AS by_ui,
    countIf(a.channel = 'api') AS by_api,
    countIf(a.channel = 'file_import') AS by_file_import,
    min(a.occurred_at) AS first_occurred_at,
    max(a.occurred_at) AS last_occurred_at
FROM {database}.activities AS a
GROUP BY client_space_id, admin_ref;

-- NULL is no license.
CREATE VIEW IF NOT EXISTS {database}.license_moves DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT client_space_id, toDate(toStartOfMonth(occurred_at)) AS month, previous_license, new_license, count() AS lines
FROM {database}.activities
WHERE activity_type = 'user_license_update'
GROUP BY client_space_id, month, previous_license, new_license;

-- The living whose last change of admin rights was a grant. One that is older than 12 months is not in the log.
CREATE VIEW IF NOT EXISTS {database}.admin_rights_now DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH argMax(
    (a.affected_user, a.affected_user_id, a.admin_rights_granted, a.admin, a.admin_id, a.channel, a.occurred_at),
    (a.occurred_at, a.event_id)
) AS last_change
SELECT
    a.client_space_id AS client_space_id,
    assumeNotNull(a.affected_user_ref) AS person_ref,
    last_change.1 AS person,
    last_change.2 AS person_id,
    last_change.7 AS granted_at,
    last_change.4 AS granted_by,
    last_change.5 AS granted_by_id,
    last_change.6 AS channel
FROM {database}.activities AS a
WHERE a.activity_type = 'admin_rights_update' AND NOT a.affected_user_deleted
GROUP BY client_space_id, a.affected_user_ref
HAVING last_change.3;

CREATE VIEW IF NOT EXISTS {database}.imports DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH argMax((a.admin, a.admin_id), (a.occurred_at, a.event_id)) AS last_seen_as
SELECT
    a.client_space_id AS client_space_id,
    assumeNotNull(a.import_id) AS import_id,
    a.admin_ref AS admin_ref,
    last_seen_as.1 AS admin,
    last_seen_as.2 AS admin_id,
    min(a.occurred_at) AS first_occurred_at,
    max(a.occurred_at) AS last_occurred_at,
    count() AS lines,
    uniqExact(a.import_row_number) AS file_rows,
    countIf(a.activity_type = 'user_creation') AS user_creations,
    countIf(a.activity_type = 'user_deletion') AS user_deletions,
    countIf(a.activity_type = 'user_license_update') AS license_updates,
    countIf(a.activity_type = 'admin_rights_update') AS admin_rights_updates
FROM {database}.activities AS a
WHERE a.import_id IS NOT NULL
GROUP BY client_space_id, a.import_id, admin_ref;

-- Each line once for its affected user and once for its admin, if they live.
CREATE VIEW IF NOT EXISTS {database}.person_history DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    client_space_id, assumeNotNull(mention.2) AS person_ref, mention.3 AS person_id, mention.4 AS person, mention.1 AS role,
    occurred_at, event_id, activity_type, channel, affected_user, admin, previous_license, new_license, admin_rights_granted
FROM {database}.activities
ARRAY JOIN [
    ('affected_user', affected_user_ref, affected_user_id, affected_user),
    ('admin', admin_ref, admin_id, admin)
] AS mention
WHERE mention.2 IS NOT NULL;

-- `last_recorded_at`: when Kafka took the newest event that is a line.
CREATE VIEW IF NOT EXISTS {database}.freshness DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT
    a.client_space_id AS client_space_id,
    count() AS lines,
    min(a.occurred_at) AS first_occurred_at,
    max(a.occurred_at) AS last_occurred_at,
    max(a.recorded_at) AS last_recorded_at
FROM {database}.activities AS a
GROUP BY client_space_id;
