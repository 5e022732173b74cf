//! What can be decided without a browser.

pub mod bytes;
pub mod last;
pub mod links;
pub mod person;
pub mod rate;
pub mod room;
pub mod suggestion;
pub mod timeline;
