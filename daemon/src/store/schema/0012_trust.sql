-- what was accepted of signed registries; a row stays until an admin says otherwise, also when the registry is
-- configured in another way or not at all: what was signed once is never believed without signatures again
CREATE TABLE registry_trust (
    name          TEXT PRIMARY KEY,
    pin           TEXT NOT NULL,      -- sha256 of the root that the operator pinned
    root          BLOB NOT NULL,      -- the newest root, as it was signed
    held          TEXT NOT NULL DEFAULT '{}',   -- format::sign::Held as JSON
    accepted_root INTEGER,            -- the root under which `held` was accepted; null: nothing was yet
    expires       TEXT,
    warnings      TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;

-- the bytes of everything that a signed index names
CREATE TABLE signed_target (
    registry TEXT NOT NULL,
    place    TEXT NOT NULL,           -- URL as the index writes it; of a repository with #REF
    target   TEXT NOT NULL,           -- format::sign::Target as JSON
    PRIMARY KEY (registry, place)
) STRICT, WITHOUT ROWID;
