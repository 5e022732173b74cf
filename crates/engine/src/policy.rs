//! Every bound and every span of time of the engine, with its unit. Bounds of formats are `sotto_wire`'s.

use core::time::Duration;

const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

const fn days(n: u64) -> Duration {
    seconds(n * 24 * 3600)
}

/// Most contacts.
pub(crate) const CONTACTS_MAX: usize = 1_000;
/// Kinds of damaged records, for each contact, that are told of; all others are set aside without a word.
pub(crate) const DAMAGES_MAX: usize = 4 * CONTACTS_MAX;
/// Most invites open at once.
pub(crate) const INVITES_MAX: usize = 50;
/// Most used invites remembered until they expire, to tell a second use.
pub(crate) const USED_INVITES_MAX: usize = 500;
/// How long an invite lives. The server takes no more than seven days.
pub(crate) const INVITE_LIFETIME: Duration = days(7);
/// How long after its end an invite's secrets are kept at least, for those who used it in time; longer until the mailbox
/// has been empty.
pub(crate) const INVITE_GRACE: Duration = days(1);
/// Most accepted invites whose bundle is still being fetched.
pub(crate) const ACCEPTANCES_MAX: usize = 8;
/// How long the server may take over the first message before the conversation is shown without its answer.
pub(crate) const BEGINNING_PATIENCE: Duration = seconds(2);

/// Most messages waiting for one contact.
pub(crate) const WAITING_MAX: usize = 1_000;
/// Most messages waiting for one contact, answers about files included; further answers are not given.
pub(crate) const ANSWERS_MAX: usize = WAITING_MAX + 200;
/// Most waiting messages of one contact that may be out on the data channel at once.
pub(crate) const CHANNEL_WINDOW: usize = 64;
/// How long a message on the data channel may stay unacknowledged before it goes to the mailbox.
pub(crate) const CHANNEL_PATIENCE: Duration = seconds(8);
/// After how long a message the server has taken, but nobody has acknowledged, is put there again.
pub(crate) const STORED_PATIENCE: Duration = days(1);
/// How long the server is asked to keep an envelope.
pub(crate) const ENVELOPE_LIFETIME: Duration = days(30);
/// For how long a refused token is tried again often.
pub(crate) const REFUSED_PATIENCE: Duration = seconds(600);
/// Pause between tries after that.
pub(crate) const REFUSED_PAUSE: Duration = seconds(3600);
/// Most ids of received messages whose acknowledgement is owed to one contact; older ones are asked for again.
pub(crate) const OWED_MAX: usize = 4_096;
/// Most farewells waiting.
pub(crate) const FAREWELLS_MAX: usize = 64;
/// How long a farewell is tried.
pub(crate) const FAREWELL_LIFETIME: Duration = days(7);

/// First pause after a failure; doubled each time, jittered.
pub(crate) const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// Longest pause after failures.
pub(crate) const BACKOFF_MAX: Duration = seconds(60);
/// Pause after the server refused this device or speaks another version.
pub(crate) const BACKOFF_REFUSED: Duration = seconds(60);

/// How long the server may take to greet.
pub(crate) const SOCKET_PATIENCE: Duration = seconds(15);
/// How often a quiet socket is asked whether it lives.
pub(crate) const PING_EVERY: Duration = seconds(45);
/// How long an answer to that may take.
pub(crate) const PONG_PATIENCE: Duration = seconds(10);
/// The same after a wake-up, when a dead socket is likely.
pub(crate) const WAKE_PATIENCE: Duration = seconds(4);
/// Bounds of the pause before acknowledgements go to the mailbox.
pub(crate) const ACKNOWLEDGE_MIN: Duration = seconds(1);
/// See [`ACKNOWLEDGE_MIN`].
pub(crate) const ACKNOWLEDGE_MAX: Duration = seconds(5);
/// Credits used before they are given back.
pub(crate) const CREDIT_BATCH: u32 = 32;

/// Most stored hashes in one record.
pub(crate) const SEEN_SEGMENT: usize = 128;
/// Most records of hashes of one contact; the oldest goes.
pub(crate) const SEEN_SEGMENTS_MAX: usize = 512;
/// How long hashes of accepted messages are kept.
pub(crate) const SEEN_LIFETIME: Duration = days(60);

/// How many of the newest records of hashes of a contact are kept however old they seem: a clock that was years ahead for
/// a moment must not make what is still being sent again look new.
pub(crate) const SEEN_SEGMENTS_KEPT: usize = 2;

/// Longest draft kept for the next run, in bytes: more than fits into one message, so that what was refused is not cut.
pub(crate) const DRAFT_MAX: usize = 64 * 1024;

/// How often signed prekey and delivery key are renewed.
pub(crate) const ROTATION: Duration = days(7);
/// How long replaced private keys, skipped keys and replaced sessions are kept.
pub(crate) const KEPT: Duration = days(45);
/// Age of the delivery key a contact knows at which it is told the newest: long before that key is deleted.
pub(crate) const TOLD_AGAIN: Duration = days(30);
/// How often the newest delivery key of a contact is asked for while the one known may be gone there.
pub(crate) const DELIVERY_KEY_LOOK_UP: Duration = seconds(6 * 3600);
/// How often old keys are looked through.
pub(crate) const HOUSEKEEPING: Duration = seconds(6 * 3600);
/// One-time prekeys below which the server is given more.
pub(crate) const ONE_TIME_LOW: u32 = 20;
/// How many it is given.
pub(crate) const ONE_TIME_BATCH: u32 = 100;
/// Most private one-time prekeys kept; the oldest goes.
pub(crate) const ONE_TIME_MAX: usize = 400;
/// Most ids of accepted sessions remembered of one contact; the oldest goes.
pub(crate) const ACCEPTED_MAX: usize = 64;
/// Most contacts, former ones included, of which they are remembered; who began none for longest goes.
pub(crate) const ACCEPTED_CONTACTS_MAX: usize = 2 * CONTACTS_MAX;
/// Most signed prekeys, and delivery keys, kept because the mailbox was never empty; the oldest go.
pub(crate) const AGED_KEYS_MAX: usize = 200;
/// Most delivery tokens of ours that one contact holds at once; the oldest is revoked.
pub(crate) const ISSUED_MAX: usize = 8;
/// Most hashes of revoked tokens waiting to be told to the server.
pub(crate) const REVOKING_MAX: usize = 1_000;

/// Most replaced sessions of one contact; they receive only.
pub(crate) const REPLACED_MAX: usize = 4;
/// How often a contact may be asked to say a message again.
pub(crate) const RETRY_EVERY: Duration = seconds(3600);
/// How often one message is said again.
pub(crate) const RETRIES_MAX: u8 = 3;
/// How often one message is put into the mailbox again at once because the contact lost its state or its keys.
pub(crate) const REPOSTS_MAX: u8 = 3;

/// Most places missing before a message; a further jump is refused. Also for Lamport time.
pub(crate) const JUMP_MAX: u64 = 1 << 16;
/// Most runs of missing messages in one conversation; what would make more is refused, and asked for again later.
pub(crate) const GAPS_MAX: usize = 64;
/// Furthest jump of a device's count of lost states.
pub(crate) const ERAS_MAX: u32 = 1_000;
/// By how much Lamport time moves on after a roll-back, so that no place in the conversation is used twice.
pub(crate) const ROLLED_BACK_LAMPORT: u64 = 1 << 12;
/// Most undecryptable messages a contact is asked for at once.
pub(crate) const ASK_AGAIN_MAX: usize = 16;
/// Most unread messages counted.
pub(crate) const UNREAD_MAX: usize = 500;
/// Longest text of the newest message in the list, in bytes; the conversation has it whole.
pub(crate) const LAST_TEXT_MAX: usize = 240;
/// Longest page of history.
pub(crate) const HISTORY_PAGE_MAX: u32 = 500;
/// Most pages of history asked for at once.
pub(crate) const HISTORY_REQUESTS_MAX: usize = 16;

/// How long an attempt at a link may take.
pub(crate) const LINK_PATIENCE: Duration = seconds(20);
/// Most links being made at once that were begun here; the others take their turn.
pub(crate) const LINKS_TRIED_MAX: usize = 8;
/// Most links at once, open and being made; further contacts are reached through the server.
pub(crate) const LINKS_MAX: usize = 64;
/// Pause before an attempt that has to wait for its turn.
pub(crate) const LINK_TURN: Duration = seconds(4);
/// First pause before the next attempt; doubled each time, jittered.
pub(crate) const LINK_BACKOFF_FIRST: Duration = Duration::from_millis(700);
/// Longest pause between attempts.
pub(crate) const LINK_BACKOFF_MAX: Duration = seconds(300);
/// Failed attempts after which only a sign of life begins the next.
pub(crate) const LINK_ATTEMPTS_MAX: u32 = 6;
/// Attempts begun by a contact that are taken at once, in this run only.
pub(crate) const ATTEMPTS_BURST: u32 = 8;
/// How often one more of them is taken.
pub(crate) const ATTEMPTS_EVERY: Duration = seconds(5);
/// Most candidates of the other side in one ICE generation; further ones are dropped.
pub(crate) const CANDIDATES_MAX: usize = 64;
/// Most signals of one attempt waiting to be sent, or received before their offer.
pub(crate) const SIGNALS_WAITING_MAX: usize = 64;
/// How often signals are posted again when the server did not take them.
pub(crate) const SIGNALS_AGAIN_MAX: u32 = 4;
/// How long a link may report that nothing comes through before another path is sought.
pub(crate) const LINK_TROUBLE: Duration = seconds(2);
/// How long seeking another path may take before the link is given up.
pub(crate) const LINK_RESTART_PATIENCE: Duration = seconds(15);
/// First pause before a better path than a relay is sought; doubled each time, jittered.
pub(crate) const LINK_BETTER_FIRST: Duration = seconds(60);
/// Longest pause between those.
pub(crate) const LINK_BETTER_MAX: Duration = seconds(1800);
/// How long a message the server has taken may stay unacknowledged before the contact counts as away.
pub(crate) const AWAY_AFTER: Duration = seconds(15);

/// How long a link waits for the credentials of TURN servers before it begins without.
pub(crate) const ICE_PATIENCE: Duration = seconds(2);
/// How long before their end credentials are renewed; for short-lived ones, a quarter of their life.
pub(crate) const ICE_MARGIN: Duration = seconds(300);
/// Shortest life of credentials believed.
pub(crate) const ICE_LIFETIME_MIN: Duration = seconds(60);
/// Longest life of credentials believed.
pub(crate) const ICE_LIFETIME_MAX: Duration = days(1);
/// First pause after asking for credentials in vain; doubled each time, jittered.
pub(crate) const ICE_BACKOFF_FIRST: Duration = seconds(5);
/// Longest pause between those.
pub(crate) const ICE_BACKOFF_MAX: Duration = seconds(300);

/// How long early signals wait for their offer.
pub(crate) const EARLY_SIGNALS: Duration = seconds(20);
/// For how long after something came from a contact it counts as being there, though no link stands: silence shorter than
/// this is somebody who reads or writes.
pub(crate) const HEARD_LATELY: Duration = seconds(300);
/// Pause between two contacts that are told that this device is online.
pub(crate) const HERE_PAUSE: Duration = Duration::from_millis(60);
/// Most contacts that are told when the socket opens, the most recent first.
pub(crate) const HERE_MAX: usize = 64;

/// Most ephemeral messages of one contact that are listened to at once: signals of several attempts at links.
pub(crate) const EPHEMERAL_BURST: u32 = 256;
/// How often one more is listened to after that.
pub(crate) const EPHEMERAL_EVERY: Duration = Duration::from_millis(500);

/// Most files offered or on their way with one contact.
pub(crate) const TRANSFERS_MAX: usize = 100;
/// Most received files kept on this device.
pub(crate) const FILES_KEPT_MAX: usize = 10_000;
