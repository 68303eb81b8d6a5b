-- What a job of the kind `gc` removed: wire::GcView as JSON.
ALTER TABLE job ADD COLUMN gc TEXT;

-- When something that packd does by itself is due, so that a restart does not begin to count anew.
CREATE TABLE due (
    name TEXT PRIMARY KEY,
    at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
