//! What is understood, but makes no sense.

use super::{Config, ConfigError};
use crate::turn::Turn;

const DAY_S: u32 = 24 * 3600;

/// Refuses settings that cannot be meant, each with its name and what would be right.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    for origin in &config.origins {
        let authority = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let plain = |authority: &str| {
            !authority.is_empty()
                && !authority.contains(['/', '?', '#', '@'])
                && !origin.contains(char::is_whitespace)
        };
        if !authority.is_some_and(plain) || *origin != origin.to_ascii_lowercase() {
            let problem = format!(
                "{origin:?} is not an origin: write it as the browser does, like https://sotto.example, lower case and without a path"
            );
            return Err(ConfigError::Nonsense { name: "origins", problem });
        }
    }
    if config.mailbox_idle_days < 7 {
        let problem = "must be at least 7: only opening a mailbox counts, and a page may stay open for days";
        return Err(ConfigError::Nonsense { name: "mailbox_idle_days", problem: problem.into() });
    }
    if config.address_store_percent > 100 {
        let problem = "is a part of what is free: at most 100";
        return Err(ConfigError::Nonsense { name: "address_store_percent", problem: problem.into() });
    }
    if config.ban_max_s > DAY_S || config.ban_max_s < config.ban_s {
        let problem = format!("must be at least ban_s ({}) and at most a day ({DAY_S})", config.ban_s);
        return Err(ConfigError::Nonsense { name: "ban_max_s", problem });
    }
    let positive = [
        ("address_connections", u64::from(config.address_connections)),
        ("address_store_mib", config.address_store_mib),
        ("address_store_percent", u64::from(config.address_store_percent)),
        ("ban_after", u64::from(config.ban_after)),
        ("ban_s", u64::from(config.ban_s)),
        ("address_requests_per_s", u64::from(config.address_requests_per_s)),
        ("address_requests_burst", u64::from(config.address_requests_burst)),
        ("address_meetings_per_min", u64::from(config.address_meetings_per_min)),
        ("address_meetings_burst", u64::from(config.address_meetings_burst)),
        ("mailbox_envelopes_per_s", u64::from(config.mailbox_envelopes_per_s)),
        ("mailbox_envelopes_burst", u64::from(config.mailbox_envelopes_burst)),
        ("socket_frames_per_s", u64::from(config.socket_frames_per_s)),
        ("socket_frames_burst", u64::from(config.socket_frames_burst)),
        ("envelope_lifetime_s", u64::from(config.envelope_lifetime_s)),
        ("database_mib", config.database_mib),
        ("header_timeout_s", config.header_timeout_s),
        ("body_timeout_s", config.body_timeout_s),
        ("send_timeout_s", config.send_timeout_s),
        ("ping_interval_s", config.ping_interval_s),
        ("connections", u64::try_from(config.connections).unwrap_or(u64::MAX)),
    ];
    match positive.into_iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => Err(ConfigError::Nonsense { name, problem: "must be at least 1".into() }),
        None => Turn::new(config).map(drop),
    }
}
