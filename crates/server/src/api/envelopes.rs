//! `POST /v1/envelopes`: unauthenticated delivery.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use sotto_wire::server::{Accepted, Class, ErrorCode, PutEnvelope};

use super::{Answer, Input, Refusal};
use crate::app::App;
use crate::store::{NewEnvelope, PutOutcome, Timestamp};
use crate::stranger::{Abuse, Cost};

const MINUTE_S: u64 = 60;
const HOUR_S: u64 = 3600;

/// Stores or hands over an envelope.
pub async fn put(
    State(app): State<Arc<App>>,
    Input { client, message: put }: Input<PutEnvelope>,
) -> Result<Answer<Accepted>, Refusal> {
    if put.blob.id() != put.envelope_id {
        app.abused(client.address, Abuse::Malformed);
        return Err(Refusal::new(ErrorCode::Malformed));
    }
    let token = put.token.hash();
    if !app.store.authorise(put.mailbox, token).await? {
        return Err(Refusal::new(ErrorCode::Forbidden));
    }
    app.strangers.mailbox(put.mailbox)?;
    match put.class {
        Class::Ephemeral => {
            app.presence.arrived(put.mailbox, None, put.envelope_id, put.blob);
            app.metrics.envelopes_ephemeral_total.add();
        }
        Class::Stored => {
            let now = Timestamp::now();
            // Whoever waits for it gets it from here, and not out of the store again.
            let waited_for = app.presence.is_open(put.mailbox).then(|| put.blob.clone());
            let envelope = NewEnvelope {
                mailbox: put.mailbox,
                token,
                envelope_id: put.envelope_id,
                expires: expiry(now, u64::from(put.lifetime_s.min(app.config.envelope_lifetime_s))),
                blob: put.blob,
            };
            let cost = Cost::of(envelope.blob.as_bytes().len());
            app.may_store(client.address, cost)?;
            let outcome = app.store.put(envelope, now).await;
            if !matches!(outcome, Ok(PutOutcome::Stored(_))) {
                app.strangers.not_stored(client.address, cost);
            }
            match outcome? {
                PutOutcome::Stored(at) => match waited_for {
                    Some(blob) => app.presence.arrived(put.mailbox, Some(at), put.envelope_id, blob),
                    None => app.presence.stored(put.mailbox),
                },
                // Who put it first may have gone before it was told here.
                PutOutcome::Repeated(_) => app.presence.stored(put.mailbox),
                PutOutcome::Forbidden => return Err(Refusal::new(ErrorCode::Forbidden)),
                PutOutcome::Full => return Err(Refusal::new(ErrorCode::Quota)),
            }
            app.metrics.envelopes_stored_total.add();
        }
    }
    Ok(Answer::with(StatusCode::ACCEPTED, Accepted {}))
}

/// Rounded up, so that the time of sending cannot be read off it: to the hour, or for lives below that to the
/// minute.
fn expiry(now: Timestamp, lifetime_s: u64) -> Timestamp {
    let step = if lifetime_s < HOUR_S { MINUTE_S } else { HOUR_S };
    let end = now.plus(lifetime_s).0;
    Timestamp(end.checked_next_multiple_of(step).unwrap_or(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_is_rounded_up() {
        assert_eq!(expiry(Timestamp(7200), 3600), Timestamp(10_800));
        assert_eq!(expiry(Timestamp(7201), 3600), Timestamp(14_400));
        assert_eq!(expiry(Timestamp(7201), 10), Timestamp(7260));
    }
}
