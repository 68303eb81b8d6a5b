-- what came of the tests of packs
CREATE TABLE test_result (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    ref         TEXT NOT NULL,
    version     TEXT NOT NULL,
    tree        TEXT NOT NULL,        -- digest of the tree that was tested
    reason      TEXT NOT NULL,        -- wire::TestTrigger
    job         INTEGER NOT NULL,
    at          TEXT NOT NULL,
    status      TEXT NOT NULL,        -- wire::TestStatus
    gate        TEXT NOT NULL,
    total       INTEGER NOT NULL,
    passed      INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    skipped     INTEGER NOT NULL,
    pass_rate   REAL NOT NULL,
    duration_ms INTEGER NOT NULL,
    error       TEXT,
    sandbox     TEXT NOT NULL,        -- what was demanded and enforced, as JSON
    report      TEXT                  -- Attune's result document; null: there is none
) STRICT;
CREATE INDEX test_result_ref ON test_result (ref, id);

-- how versions fared on this host, also after their jobs are forgotten
CREATE TABLE quality (
    ref          TEXT NOT NULL,
    version      TEXT NOT NULL,
    installs     INTEGER NOT NULL DEFAULT 0,
    failures     INTEGER NOT NULL DEFAULT 0,
    tests_passed INTEGER NOT NULL DEFAULT 0,
    tests_failed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (ref, version)
) STRICT, WITHOUT ROWID;
