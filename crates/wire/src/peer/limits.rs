//! Every bound of what two clients say to each other, with its unit.

use core::time::Duration;

/// Version of the structures in this module, inside everything that is signed and in the invite link.
pub const VERSION: u8 = 1;

/// Version of the file format, in a manifest.
pub const FILE_VERSION: u8 = 1;

/// Longest name of a person, in UTF-8 bytes.
pub const NAME_MAX: usize = 128;

/// Longest text, in UTF-8 bytes; what is larger is a file.
pub const TEXT_MAX: usize = 56 * 1024;

/// Largest encoded message inside the ratchet, in bytes (60 KiB).
pub const MESSAGE_MAX: usize = 60 * 1024;

/// Largest ratchet message with the prefix of first messages, in bytes: what the largest envelope carries.
pub const CARRIED_MAX: usize = 63 * 1024;

/// Most devices of an account.
pub const DEVICES_MAX: usize = 8;

/// Largest signed device list, in bytes.
pub const DEVICE_LIST_MAX: usize = 2 * 1024;

/// Most device lists in one announcement.
pub const DEVICE_LISTS_MAX: usize = 16;

/// Largest signed bundle, in bytes.
pub const BUNDLE_MAX: usize = 1024;

/// Largest content of an invite's bundle box, in bytes.
pub const INVITE_BUNDLE_MAX: usize = 4 * 1024;

/// Longest invite link worth reading, in bytes.
pub const LINK_MAX: usize = 2 * 1024;

/// Most message ids in one acknowledgement.
pub const ACKNOWLEDGE_MAX: usize = 256;

/// Longest file name, in UTF-8 bytes.
pub const FILE_NAME_MAX: usize = 1024;

/// Longest media type, in bytes (RFC 6838 section 4.2: two names of 127).
pub const MIME_MAX: usize = 255;

/// Largest file: 2²² chunks of 64 KiB, in bytes.
pub const FILE_SIZE_MAX: u64 = 1 << 38;

/// Longest session description, in bytes.
pub const SDP_MAX: usize = 16 * 1024;

/// Longest ICE candidate line or media section id, in bytes.
pub const CANDIDATE_MAX: usize = 1024;

/// Largest ephemeral message inside the ratchet, in bytes.
pub const EPHEMERAL_MAX: usize = 36 * 1024;

/// Most steps of a negotiation in one ephemeral message.
pub const SIGNALS_MAX: usize = 16;

/// Largest frame on a link's control channel, in bytes: every browser takes this much (RFC 8841).
pub const LINK_FRAME_MAX: usize = 64 * 1024;

/// Largest signed roster entry, in bytes.
pub const ROSTER_ENTRY_MAX: usize = 512;

/// Largest announcement of a sender chain, in bytes.
pub const SENDER_CHAIN_MAX: usize = 256;

/// How long a bundle counts after it was made.
pub const BUNDLE_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// How wrong a clock may be.
pub const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);
