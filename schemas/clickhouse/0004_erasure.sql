-- A deletion from person_names writes the parts anew without the person; the parts before it must soon leave the disk too.
-- An idle table is cleaned up every five minutes by default, and its replaced parts stay for eight.
ALTER TABLE {database}.person_names MODIFY SETTING old_parts_lifetime = 60, cleanup_delay_period = 15, max_cleanup_delay_period = 30, merge_with_ttl_timeout = 3600;

-- A name lives no longer than the last line that mentions it, which is shown until 12 months after last_seen.
ALTER TABLE {database}.person_names MODIFY TTL toDateTime(last_seen) + INTERVAL 12 MONTH + INTERVAL 1 DAY DELETE;
