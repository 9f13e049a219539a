-- Parts of a month, or quarter, in which nothing was stored for a day become one part, which holds each line once. A read
-- then opens one part instead of six, and FINAL has nothing left to fold there.
ALTER TABLE {database}.activity_log
    MODIFY SETTING min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

ALTER TABLE {database}.person_lines
    MODIFY SETTING min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;
