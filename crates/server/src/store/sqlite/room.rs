//! What can still be stored.

use std::path::Path;

use rusqlite::{Connection, Result};

use super::PAGE_SIZE;

/// The lesser of what the database may still grow by and what its disk has free, in bytes. Its free pages count for both.
pub(super) fn room(db: &Connection, directory: &Path, max_bytes: u64) -> Result<u64> {
    let pages: u64 = db.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let free_pages: u64 = db.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let used = pages.saturating_sub(free_pages).saturating_mul(PAGE_SIZE);
    let database = max_bytes.saturating_sub(used);
    // A file system that does not tell is one that is large enough.
    let disk = rustix::fs::statvfs(directory)
        .map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
        .saturating_add(free_pages.saturating_mul(PAGE_SIZE));
    Ok(database.min(disk))
}
