//! Digests, as names and as subresource integrity write them.

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256, Sha384};

/// SHA-256 in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The short digest that stands in a file's name.
pub fn short(bytes: &[u8]) -> String {
    hex(bytes).chars().take(16).collect()
}

/// SHA-384 as <https://www.w3.org/TR/SRI/> writes it.
pub fn integrity(bytes: &[u8]) -> String {
    format!("sha384-{}", Base64::encode_string(&Sha384::digest(bytes)))
}

/// SHA-256 as a Content-Security-Policy names an inline script, quotes included.
pub fn policy_source(bytes: &[u8]) -> String {
    format!("'sha256-{}'", Base64::encode_string(&Sha256::digest(bytes)))
}
