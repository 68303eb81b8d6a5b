-- One thing to try about the last failure of a registry, beside its kind and words.
ALTER TABLE registry_index ADD COLUMN hint TEXT;
