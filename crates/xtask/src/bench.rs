//! `cargo xtask bench`.
use crate::step::Outcome;
use crate::workspace::Workspace;
/// Soon.
pub fn bench(_: &Workspace) -> Outcome<()> { Ok(()) }
