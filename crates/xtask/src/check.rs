//! `cargo xtask check`.
use crate::step::Outcome;
use crate::workspace::Workspace;
/// Soon.
pub fn check(_: &Workspace) -> Outcome<()> { Ok(()) }
