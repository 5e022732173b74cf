-- A device's place to receive. `seen_day` (days since 1970) only serves to forget mailboxes nobody opens.
CREATE TABLE mailbox (
    id               BLOB PRIMARY KEY,
    owner            BLOB NOT NULL,
    seen_day         INTEGER NOT NULL,
    next_sequence    INTEGER NOT NULL DEFAULT 1,
    acknowledged     INTEGER NOT NULL DEFAULT 0,
    waiting          INTEGER NOT NULL DEFAULT 0,
    waiting_bytes    INTEGER NOT NULL DEFAULT 0,
    tokens           INTEGER NOT NULL DEFAULT 0,
    bundle           BLOB,
    one_time_highest INTEGER NOT NULL DEFAULT -1
) STRICT, WITHOUT ROWID;
CREATE INDEX mailbox_seen ON mailbox (seen_day);

CREATE TABLE token (
    mailbox BLOB NOT NULL,
    hash    BLOB NOT NULL,
    PRIMARY KEY (mailbox, hash)
) STRICT, WITHOUT ROWID;

-- No column names a sender. `blob` is NULL once acknowledged: the row then only recognises late retries.
CREATE TABLE envelope (
    mailbox     BLOB NOT NULL,
    sequence    INTEGER NOT NULL,
    envelope_id BLOB NOT NULL,
    expires     INTEGER NOT NULL,
    blob        BLOB,
    UNIQUE (mailbox, envelope_id)
) STRICT;
-- What waits, in order; tombstones would slow every look into a busy mailbox.
CREATE UNIQUE INDEX envelope_waiting ON envelope (mailbox, sequence) WHERE blob IS NOT NULL;
CREATE INDEX envelope_expires ON envelope (expires);

CREATE TABLE one_time_prekey (
    mailbox BLOB NOT NULL,
    id      INTEGER NOT NULL,
    key     BLOB NOT NULL,
    PRIMARY KEY (mailbox, id)
) STRICT, WITHOUT ROWID;

-- Used: `used_at` is set. `bundle` and `redeem_id` stay for an hour after that, to repeat the answer.
CREATE TABLE invite (
    id         BLOB PRIMARY KEY,
    owner_hash BLOB NOT NULL,
    expires    INTEGER NOT NULL,
    card       BLOB,
    bundle     BLOB,
    used_at    INTEGER,
    redeem_id  BLOB
) STRICT;
CREATE INDEX invite_expires ON invite (expires);
CREATE INDEX invite_used ON invite (used_at) WHERE redeem_id IS NOT NULL;
