-- that a job shall end: asked for while it ran, and still to be done after a restart
ALTER TABLE job ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
