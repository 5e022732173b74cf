//! What two clients say to each other, inside the ratchet.

mod signal;

pub use signal::{DescriptionKind, Signal};
