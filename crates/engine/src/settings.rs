//! What the user has set, and what it leaves possible.

use minicbor::{Decode, Encode};

/// What the user has set: one record, absent until something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Settings {
    /// Links go through TURN servers only, so that contacts do not learn this device's network address.
    #[n(0)]
    pub relay_only: bool,
}

/// Whether links can be made. Without one, messages go through the server, and files cannot be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linking {
    /// They can, as far as is known.
    Possible,
    /// This browser has no WebRTC, or blocks it.
    Blocked,
    /// The user hides the address, and there is no TURN server to hide it behind.
    NoRelay,
}
