//! A bad network that real programs talk over: IP packets go from one namespace of the kernel's to another through a
//! relay of ours, which loses, delays, doubles, reorders and throttles them as it is told, from a seed. The kernel's
//! own netem does not exist everywhere; `/dev/net/tun` does.

mod conditions;
#[cfg(unix)]
mod device;
mod pipe;

pub use conditions::Conditions;
#[cfg(unix)]
pub use device::{End, Relay};
pub use pipe::{Counts, Pipe};
