-- the job that goes back from a watched generation, once it was asked for, and how many were before it that did not
ALTER TABLE watch ADD COLUMN rollback INTEGER;
ALTER TABLE watch ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
