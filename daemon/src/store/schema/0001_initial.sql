-- Times are RFC 3339 in UTC with a fixed number of digits, so that they sort as text.

CREATE TABLE job (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    kind             TEXT NOT NULL,
    summary          TEXT NOT NULL,
    status           TEXT NOT NULL,
    changed          INTEGER NOT NULL DEFAULT 0,
    request          TEXT NOT NULL,   -- queue::JobRequest as JSON
    uid              INTEGER NOT NULL,
    user             TEXT,
    pid              INTEGER,
    agent            TEXT,
    plan             TEXT,            -- wire::PlanView as JSON
    steps            TEXT NOT NULL DEFAULT '[]',
    warnings         TEXT NOT NULL DEFAULT '[]',
    error            TEXT,            -- wire::Problem as JSON
    attempt          INTEGER NOT NULL DEFAULT 0,
    crashes          INTEGER NOT NULL DEFAULT 0,   -- how often packd died while it ran
    retry_at         TEXT,
    generation       INTEGER,
    created_at       TEXT NOT NULL,
    started_at       TEXT,
    finished_at      TEXT,
    idempotency_key  TEXT,
    idempotency_hash TEXT
) STRICT;
CREATE INDEX job_status ON job (status, id);
CREATE UNIQUE INDEX job_idempotency ON job (uid, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- which packs a job touches: two jobs that touch the same one run in queue order
CREATE TABLE job_ref (
    job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
    ref TEXT NOT NULL,
    PRIMARY KEY (job, ref)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_ref_ref ON job_ref (ref, job);

CREATE TABLE event (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    at   TEXT NOT NULL,
    kind TEXT NOT NULL,
    job  INTEGER,
    ref  TEXT,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX event_job ON event (job, seq) WHERE job IS NOT NULL;

-- the complete trees under store/, also those that no generation names
CREATE TABLE tree (
    dir       TEXT PRIMARY KEY,       -- relative to store/: <ref>/<version>-<d12>
    ref       TEXT NOT NULL,
    version   TEXT NOT NULL,
    digest    TEXT NOT NULL,          -- of the tree
    archive   TEXT,                   -- sha256 of the archive that it came from
    path      TEXT,                   -- the folder inside the archive that was asked for
    files     INTEGER NOT NULL,
    bytes     INTEGER NOT NULL,
    made_at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tree_archive ON tree (archive) WHERE archive IS NOT NULL;

-- one row per time that a pack was put into a generation by a job
CREATE TABLE install (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    ref          TEXT NOT NULL,
    version      TEXT NOT NULL,
    dir          TEXT NOT NULL,
    record       TEXT NOT NULL,       -- store::Record as JSON
    job          INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    installed_at TEXT NOT NULL
) STRICT;

CREATE TABLE generation (
    number       INTEGER PRIMARY KEY,
    status       TEXT NOT NULL,       -- pending, active, past
    job          INTEGER NOT NULL,
    created_at   TEXT NOT NULL,
    activated_at TEXT
) STRICT;
CREATE UNIQUE INDEX generation_active ON generation (status) WHERE status = 'active';

CREATE TABLE generation_pack (
    generation INTEGER NOT NULL REFERENCES generation (number) ON DELETE CASCADE,
    ref        TEXT NOT NULL,
    install    INTEGER NOT NULL REFERENCES install (id),
    PRIMARY KEY (generation, ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at      TEXT NOT NULL,
    uid     INTEGER NOT NULL,
    user    TEXT,
    pid     INTEGER,
    agent   TEXT,
    role    TEXT NOT NULL,
    request TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    status  INTEGER NOT NULL,
    error   TEXT,
    job     INTEGER
) STRICT;
