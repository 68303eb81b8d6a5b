-- When the due updates of a registry begin, so that a restart does not begin to wait anew, and the job that makes them.
CREATE TABLE update_turn (
    registry TEXT PRIMARY KEY,
    at       TEXT NOT NULL,      -- RFC 3339
    late     INTEGER NOT NULL,   -- 1: the moment before was missed while packd did not run
    job      INTEGER             -- unfinished, or its end was not looked at yet
) STRICT, WITHOUT ROWID;

-- Versions that updates tried in vain, one of each pack, and when they try again.
CREATE TABLE update_attempt (
    ref      TEXT PRIMARY KEY,
    version  TEXT NOT NULL,      -- the newest that was wanted
    failures INTEGER NOT NULL,
    next     TEXT NOT NULL,      -- RFC 3339
    world    TEXT,               -- what it depends on was so; null: on nothing that is known
    apart    INTEGER NOT NULL,   -- 1: failed with others, and is tried without them now
    job      INTEGER NOT NULL,
    reason   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Versions of which `update_available` told.
CREATE TABLE update_told (
    ref     TEXT NOT NULL,
    version TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (ref, version)
) STRICT, WITHOUT ROWID;

-- That nothing is updated by itself: one row, or none.
CREATE TABLE freeze (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    until  TEXT,                 -- RFC 3339; null: until it is lifted
    reason TEXT,
    by     TEXT NOT NULL,        -- login name, or the uid in digits
    at     TEXT NOT NULL
) STRICT;

-- What tells this host from others where it has no machine id: one row, or none.
CREATE TABLE host (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id   TEXT NOT NULL
) STRICT;
