-- Ten new parts are merged at once, not five: small parts count as equal whatever their size, so a merge takes in the result
-- of the last one, and each line was written anew four times. An hour later few are merged, too, as by default.
--
-- Parts of a month, or quarter, in which nothing was stored for a day become one part, which holds each line once. A read
-- then opens one part instead of six, and FINAL has nothing left to fold there.
ALTER TABLE {database}.activity_log
    MODIFY SETTING merge_selector_base = 10,
    min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE {database}.person_lines
    MODIFY SETTING merge_selector_base = 10,
    min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE {database}.event_keys
    MODIFY SETTING merge_selector_base = 10;
