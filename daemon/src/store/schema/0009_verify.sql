-- what the latest look at a tree found
CREATE TABLE look (
    dir         TEXT PRIMARY KEY,      -- relative to store/, as in tree
    state       TEXT NOT NULL,         -- wire::PackState
    differences TEXT NOT NULL,         -- the first of them: wire::TreeDifference as JSON
    count       INTEGER NOT NULL,      -- of all differences
    at          TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- when something was last done that is done once in a while
CREATE TABLE routine (
    name TEXT PRIMARY KEY,
    at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- what a job that verifies found: wire::TreeView as JSON
ALTER TABLE job ADD COLUMN verify TEXT;
