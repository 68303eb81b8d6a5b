-- What a generation changed, for whom, and which was active when; also after its job and its forerunner are forgotten.
ALTER TABLE generation ADD COLUMN base INTEGER;            -- the generation that was active before; null: none
ALTER TABLE generation ADD COLUMN activation INTEGER;      -- counts up with each switch; null: pending
ALTER TABLE generation ADD COLUMN by TEXT;                 -- login name, or the uid in digits
ALTER TABLE generation ADD COLUMN summary TEXT;            -- of its job
ALTER TABLE generation ADD COLUMN changes TEXT NOT NULL DEFAULT '[]';   -- [{ref, from, to}] against `base`
ALTER TABLE generation ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;    -- 1: kept for ever
ALTER TABLE generation ADD COLUMN pin_reason TEXT;
ALTER TABLE generation ADD COLUMN pin_by TEXT;
ALTER TABLE generation ADD COLUMN pin_at TEXT;
CREATE INDEX generation_activation ON generation (activation);
CREATE INDEX generation_pack_ref ON generation_pack (ref, generation);

UPDATE generation SET
    base = (SELECT max(before.number) FROM generation AS before
            WHERE before.number < generation.number AND before.status <> 'pending'),
    activation = CASE status WHEN 'pending' THEN NULL ELSE number END,
    by = (SELECT coalesce(job.user, job.uid) FROM job WHERE job.id = generation.job),
    summary = (SELECT job.summary FROM job WHERE job.id = generation.job);
-- set back by hand: it was switched to last
UPDATE generation SET activation = (SELECT max(number) FROM generation) + 1
WHERE status = 'active' AND number < (SELECT max(number) FROM generation WHERE status <> 'pending');
UPDATE generation SET changes = (
    SELECT json_group_array(json_object('ref', name, 'from', was, 'to', becomes)) FROM (
        SELECT named.ref AS name, older.version AS was, newer.version AS becomes
        FROM (SELECT DISTINCT ref FROM generation_pack WHERE generation IN (generation.base, generation.number)) AS named
        LEFT JOIN generation_pack AS before ON before.generation = generation.base AND before.ref = named.ref
        LEFT JOIN generation_pack AS after ON after.generation = generation.number AND after.ref = named.ref
        LEFT JOIN install AS older ON older.id = before.install
        LEFT JOIN install AS newer ON newer.id = after.install
        WHERE before.install IS NOT after.install
        ORDER BY named.ref));

-- The highest number that was ever switched to: no other generation gets it, whatever is collected meanwhile.
CREATE TABLE generation_number (last INTEGER NOT NULL) STRICT;
INSERT INTO generation_number (last)
SELECT coalesce(max(number), 0) FROM generation WHERE status <> 'pending';

-- versions that were rolled back from: updates do not offer them
CREATE TABLE blocked (
    ref     TEXT NOT NULL,
    version TEXT NOT NULL,
    tree    TEXT NOT NULL,           -- digest of the tree that was active
    since   TEXT NOT NULL,
    job     INTEGER NOT NULL,        -- the rollback
    reason  TEXT,                    -- its summary
    PRIMARY KEY (ref, version)
) STRICT, WITHOUT ROWID;
