-- What analysts read: one row per line, named as it was at the time, "Deleted User" where a person was deleted, cut at 12
-- calendar months. A deleted person has neither id nor ref here: a ref that the view computes, anybody could compute for
-- the living, and so find the later life of a deleted person. An account needs SELECT on this view and on no table.
CREATE VIEW IF NOT EXISTS {database}.activities DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
WITH
    toDateTime64(0, 6, 'UTC') AS never,
    now64(6, 'UTC') AS now_utc,
    if(toMonth(now_utc) = 2 AND toDayOfMonth(now_utc) = 29, toDateTime64(toStartOfDay(now_utc) + INTERVAL 1 DAY, 6, 'UTC'), now_utc) - INTERVAL 12 MONTH AS retention_start,
    (person_erased_at, person_recreated_at, at) -> person_erased_at > never AND (person_recreated_at <= person_erased_at OR at < person_recreated_at) AS is_deleted,
    (names, life_start) -> arrayMap(n -> (greatest(n.1, life_start), n.2, n.3, n.4), arrayFilter(n -> n.2 >= life_start AND (n.3 != '' OR n.4 != ''), names)) AS names_of_life,
    -- How far a name is from being the one that was borne at a time; the least of several is. 0: it was seen until then and
    -- since then, and the one that came up last counts; 1: it was seen only before; 2: only after.
    (n, at) -> multiIf(
        n.1 > at, (2, toUnixTimestamp64Micro(n.1) - toUnixTimestamp64Micro(at), toUnixTimestamp64Micro(n.2) - toUnixTimestamp64Micro(at), n.3, n.4),
        n.2 >= at, (0, toUnixTimestamp64Micro(at) - toUnixTimestamp64Micro(n.1), toUnixTimestamp64Micro(n.2) - toUnixTimestamp64Micro(at), n.3, n.4),
        (1, toUnixTimestamp64Micro(at) - toUnixTimestamp64Micro(n.2), toUnixTimestamp64Micro(at) - toUnixTimestamp64Micro(n.1), n.3, n.4)) AS remoteness,
    (names, at) -> arraySort(n -> remoteness(n, at), names)[1] AS name_at,
    -- When the line happened, as far as its persons are concerned: see erased_persons.
    least(log.occurred_at, toDateTime64(fromUnixTimestamp64Milli(toInt64(bitShiftRight(bitNot(log.precedence), 22)) + 1, 'UTC'), 6, 'UTC')) AS happened_at,
    -- Named here and not below: a helper column would show the name of a deleted person.
    name_at(names_of_life(user_names.names, user_life.recreated_at), happened_at) AS affected_user_name,
    name_at(names_of_life(admin_names.names, admin_life.recreated_at), happened_at) AS admin_name
SELECT
    log.client_space_id AS client_space_id,
    log.occurred_at AS occurred_at,
    log.event_id AS event_id,
    log.activity_type AS activity_type,
    log.channel AS channel,
    is_deleted(user_life.erased_at, user_life.recreated_at, happened_at) AS affected_user_deleted,
    multiIf(affected_user_deleted, 'Deleted User', affected_user_name.4 != '', affected_user_name.4, affected_user_name.3 != '', affected_user_name.3, user_names.person_id) AS affected_user,
    if(affected_user_deleted OR affected_user_name.3 = '', NULL, affected_user_name.3) AS affected_user_username,
    if(affected_user_deleted OR user_names.person_id = '', NULL, user_names.person_id) AS affected_user_id,
    if(affected_user_deleted, NULL, log.affected_user_ref) AS affected_user_ref,
    is_deleted(admin_life.erased_at, admin_life.recreated_at, happened_at) AS admin_deleted,
    multiIf(admin_deleted, 'Deleted User', admin_name.4 != '', admin_name.4, admin_name.3 != '', admin_name.3, admin_names.person_id) AS admin,
    if(admin_deleted OR admin_name.3 = '', NULL, admin_name.3) AS admin_username,
    if(admin_deleted OR admin_names.person_id = '', NULL, admin_names.person_id) AS admin_id,
    if(admin_deleted, NULL, log.admin_ref) AS admin_ref,
    log.previous_license AS previous_license,
    log.new_license AS new_license,
    log.admin_rights_granted AS admin_rights_granted,
    log.source_service AS source_service,
    log.request_id AS request_id,
    log.import_id AS import_id,
    log.import_row_number AS import_row_number,
    log.recorded_at AS recorded_at
FROM {database}.activity_log AS log FINAL
LEFT JOIN {database}.erased_persons AS user_life ON user_life.client_space_id = log.client_space_id AND user_life.person_ref = log.affected_user_ref
LEFT JOIN {database}.known_names AS user_names ON user_names.client_space_id = log.client_space_id AND user_names.person_ref = log.affected_user_ref
LEFT JOIN {database}.erased_persons AS admin_life ON admin_life.client_space_id = log.client_space_id AND admin_life.person_ref = log.admin_ref
LEFT JOIN {database}.known_names AS admin_names ON admin_names.client_space_id = log.client_space_id AND admin_names.person_ref = log.admin_ref
WHERE log.occurred_at >= retention_start;
