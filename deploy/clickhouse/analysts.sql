-- The role of analysts: these views and no table. Run it with an account that manages access, after `audit-stream migrate`.
-- A person gets it by CREATE USER … IDENTIFIED WITH sha256_password BY … DEFAULT ROLE audit_analyst.
CREATE ROLE IF NOT EXISTS audit_analyst;

GRANT SELECT ON audit.activities TO audit_analyst;
GRANT SELECT ON audit.daily_counts TO audit_analyst;
GRANT SELECT ON audit.admin_counts TO audit_analyst;
GRANT SELECT ON audit.license_moves TO audit_analyst;
GRANT SELECT ON audit.admin_rights_now TO audit_analyst;
GRANT SELECT ON audit.imports TO audit_analyst;
GRANT SELECT ON audit.person_history TO audit_analyst;
GRANT SELECT ON audit.freshness TO audit_analyst;

-- One heavy question must not take the server from the worker. `readonly = 1` also keeps these bounds from being changed.
CREATE SETTINGS PROFILE IF NOT EXISTS audit_analyst
    SETTINGS readonly = 1, max_execution_time = 60, max_memory_usage = 4000000000, max_threads = 4
    TO audit_analyst;

CREATE QUOTA IF NOT EXISTS audit_analyst KEYED BY user_name
    FOR INTERVAL 1 minute MAX queries = 120, execution_time = 240
    TO audit_analyst;
