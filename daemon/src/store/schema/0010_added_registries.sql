-- registries that were added while packd ran; those of the configuration are not here
CREATE TABLE added_registry (
    name     TEXT PRIMARY KEY,
    keys     TEXT NOT NULL,       -- as in the configuration, in JSON
    by       TEXT NOT NULL,
    at       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
