-- Whether the job lacks a pack that an earlier job may bring. Which packs a job of an archive touches is
-- known once it was inspected; until then it has no rows in job_ref, and those that lack something wait.
ALTER TABLE job ADD COLUMN lacks INTEGER NOT NULL DEFAULT 0;
