-- what is cached of each registry's index, and how its refreshes fare
CREATE TABLE registry_index (
    name          TEXT PRIMARY KEY,
    url           TEXT NOT NULL,      -- a cache of another URL is no cache
    etag          TEXT,
    last_modified TEXT,
    digest        TEXT,               -- sha256 of the index; null: nothing is cached
    checked_at    TEXT,               -- when it was last confirmed current
    packs         INTEGER NOT NULL DEFAULT 0,
    problems      TEXT NOT NULL DEFAULT '[]',
    failures      INTEGER NOT NULL DEFAULT 0,
    failed_at     TEXT,
    error_kind    TEXT,
    error         TEXT,
    next_refresh  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE index_entry (
    registry    TEXT NOT NULL,
    ref         TEXT NOT NULL,
    version     TEXT NOT NULL,        -- the newest that is neither yanked nor a pre-release
    label       TEXT,
    description TEXT,
    author      TEXT,
    keywords    TEXT NOT NULL,
    raw         TEXT NOT NULL,        -- the entry as the index has it
    PRIMARY KEY (registry, ref)
) STRICT, WITHOUT ROWID;
