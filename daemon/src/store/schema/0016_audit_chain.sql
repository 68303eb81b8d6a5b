-- each row of the audit carries a hash over itself and the hash of the row before; null: a row of before there was one
ALTER TABLE audit ADD COLUMN hash TEXT;

-- what the first row of the chain follows: the last row that is not part of it, or was forgotten with the history
CREATE TABLE audit_anchor (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;

INSERT INTO audit_anchor (one, seq, hash)
SELECT 1, coalesce(max(seq), 0), '0000000000000000000000000000000000000000000000000000000000000000' FROM audit;
