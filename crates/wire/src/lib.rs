//! Every byte format of Sotto once, with every size limit.

pub mod peer;
pub mod server;
