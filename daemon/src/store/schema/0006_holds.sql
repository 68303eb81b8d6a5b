-- packs that stay in the version that they have
CREATE TABLE hold (
    ref    TEXT PRIMARY KEY,
    until  TEXT,                 -- RFC 3339; null: until it is lifted
    reason TEXT,
    by     TEXT NOT NULL,        -- login name, or the uid in digits
    at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
