//! Waiting for conditions, and what is said when they do not come.

use std::fmt;
use std::time::{Duration, Instant};

/// How long anything may take that is not about large files. A test that passes never waits for it to end.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Why a scenario failed, told for people.
pub struct Trouble(String);

/// The result of a scenario or of a step of it.
pub type Outcome<T = ()> = Result<T, Trouble>;

/// Trouble told by `text`.
pub fn trouble(text: impl Into<String>) -> Trouble {
    Trouble(text.into())
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

// What a failing test prints.
impl fmt::Debug for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Trouble {
    fn from(error: E) -> Trouble {
        Trouble(error.to_string())
    }
}

/// Looks again and again until `look` finds something, and tells the last trouble it had if it never does.
///
/// # Errors
///
/// After `patience`, naming `what` was waited for.
pub async fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl AsyncFnMut() -> Outcome<Option<T>>,
) -> Outcome<T> {
    let start = Instant::now();
    loop {
        let seen = match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => String::new(),
            Err(trouble) => format!("; at last: {trouble}"),
        };
        if start.elapsed() > patience {
            return Err(Trouble(format!("waited {} s for {what}{seen}", patience.as_secs())));
        }
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}
