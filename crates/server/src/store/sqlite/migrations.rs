//! Numbered steps from an empty database to the present schema.

use rusqlite::{Connection, TransactionBehavior};

/// Each step once, in order; a step that was released is never changed.
const MIGRATIONS: &[&str] =
    &[include_str!("migrations/0001_first.sql"), include_str!("migrations/0002_one_time_shares.sql")];

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A later version of the server wrote it.
    #[error(
        "the database has schema {found}, this server knows {known}: it was written by a newer version. Start that version, or another data directory"
    )]
    Newer {
        /// Schema found.
        found: u32,
        /// Newest schema known.
        known: u32,
    },
    /// SQLite said no.
    #[error("the database could not be prepared: {0}")]
    Database(#[from] rusqlite::Error),
}

pub(super) fn migrate(connection: &mut Connection) -> Result<(), MigrationError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    for (version, step) in (1..).zip(MIGRATIONS) {
        if version > found {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", version)?;
        }
    }
    transaction.commit()?;
    Ok(())
}
