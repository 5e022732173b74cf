-- When this token's share of one-time prekeys is whole again, in seconds since 1970.
ALTER TABLE token ADD COLUMN one_time_whole_at INTEGER NOT NULL DEFAULT 0;
