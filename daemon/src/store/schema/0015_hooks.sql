-- whether nobody asked for the job: packd did by itself
ALTER TABLE job ADD COLUMN automatic INTEGER NOT NULL DEFAULT 0;

-- how the hooks of the job's events ended: wire::HookView as JSON
ALTER TABLE job ADD COLUMN hooks TEXT;

-- the hooks that are to run, or run
CREATE TABLE hook_due (
    event  INTEGER NOT NULL,           -- what they are to be told
    hook   TEXT NOT NULL,              -- its name in the configuration
    starts INTEGER NOT NULL DEFAULT 0, -- how often it was started and packd died before it ended
    PRIMARY KEY (hook, event)
) STRICT, WITHOUT ROWID;

-- the generations of automatic jobs whose health is watched
CREATE TABLE watch (
    generation INTEGER PRIMARY KEY,
    job        INTEGER NOT NULL,       -- what activated it
    since      TEXT NOT NULL,
    failed     TEXT                    -- why it is gone back from
) STRICT;
