//! The server over real sockets.

mod abuse;
mod crash;
mod delivery;
mod device;
mod invites;
mod page;
mod sockets;
mod support;
