//! What happens on a socket, from the challenge to the end.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use sotto_wire::server::{
    Authentication, Blob, Class, ClientFrame, CloseCode, EnvelopeId, ErrorCode, Nonce, Sequence, ServerFrame,
    limits,
};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use super::connection::{Connection, End, Received};
use crate::api::Client;
use crate::app::App;
use crate::presence::{Arrival, Arriving, Listening};
use crate::store::{ListOutcome, MailboxState, OpenOutcome, StoreError, StoreFuture, Timestamp};
use crate::stranger::{Cost, random};

/// Envelopes read from the store at once; at most 256 KiB of large ones.
const BATCH: u32 = 4;

/// Envelopes sent at once that came just now.
const AT_ONCE: usize = 16;

/// Small rows that a mailbox and its entry in an index are worth.
const MAILBOX_ROWS: usize = 3;

/// Pause before a busy store is asked again; a commit takes a few of these.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Serves one socket until it ends.
pub(super) async fn run(app: &App, connection: &mut Connection, client: &Client, arrival: Arrival) -> End {
    let opened = tokio::select! {
        opened = timeout(app.body_timeout(), authenticate(app, connection, client)) => opened,
        () = app.stopping.cancelled() => return End::Because(CloseCode::ShuttingDown),
    };
    let (authentication, state) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(end)) => return end,
        Err(_) => return End::Because(CloseCode::TooSlow),
    };
    let Some(listening) = app.presence.listen(authentication.mailbox, arrival) else {
        return End::Because(CloseCode::Displaced);
    };
    let _counted = app.metrics.sockets.hold();
    let session = Session {
        app,
        client,
        connection,
        listening,
        authentication,
        sent_through: Sequence(0),
        credit: limits::CREDIT_WINDOW,
        look: true,
        drained: false,
    };
    session.run(state).await
}

async fn authenticate(
    app: &App,
    connection: &mut Connection,
    client: &Client,
) -> Result<(Authentication, MailboxState), End> {
    let nonce = Nonce(random().map_err(|_| End::Because(CloseCode::Unavailable))?);
    connection.send(&ServerFrame::Challenge { version: limits::VERSION, nonce }).await?;
    let authentication = loop {
        match connection.receive().await? {
            Received::Frame(ClientFrame::Authenticate(authentication)) => break authentication,
            Received::Frame(_) => return Err(End::Because(CloseCode::Malformed)),
            Received::Alive => {}
        }
    };
    if authentication.version != limits::VERSION {
        return Err(End::Because(CloseCode::UnsupportedVersion));
    }
    if authentication.verify(&client.origin, &nonce).is_err() {
        return Err(End::Because(CloseCode::Unauthenticated));
    }
    match open(app, &authentication, client).await {
        Ok(OpenOutcome::Opened(state)) => Ok((authentication, state)),
        Ok(OpenOutcome::Refused) => Err(End::Because(CloseCode::Unauthenticated)),
        Err(StoreError::Busy | StoreError::Unavailable) => Err(End::Because(CloseCode::Unavailable)),
    }
}

/// Opens a mailbox; a new one has to fit into its address's allowance.
async fn open(
    app: &App,
    authentication: &Authentication,
    client: &Client,
) -> Result<OpenOutcome, StoreError> {
    let mailbox = authentication.mailbox;
    if !app.store.knows(mailbox).await? {
        let cost = Cost::long_lived(MAILBOX_ROWS, 0, app.config.mailbox_idle_days);
        app.may_store(client.address, cost).map_err(|_| StoreError::Unavailable)?;
    }
    app.store.open_mailbox(mailbox, *authentication.signing_key, Timestamp::now()).await
}

struct Session<'a> {
    app: &'a App,
    client: &'a Client,
    connection: &'a mut Connection,
    listening: Listening<'a>,
    authentication: Authentication,
    /// The last position sent on this connection.
    sent_through: Sequence,
    /// Stored envelopes that may be sent now.
    credit: u32,
    /// Something may be waiting after `sent_through`.
    look: bool,
    /// The client was told that it has everything, and has.
    drained: bool,
}

impl Session<'_> {
    async fn run(mut self, state: MailboxState) -> End {
        match self.serve(state).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn serve(&mut self, state: MailboxState) -> Result<std::convert::Infallible, End> {
        let welcome = ServerFrame::Welcome {
            acknowledged_through: state.acknowledged_through,
            one_time_left: state.one_time_left,
            waiting: state.waiting,
        };
        self.connection.send(&welcome).await?;
        let frames = frame_limit(self.app);
        let every = Duration::from_secs(self.app.config.ping_interval_s);
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let may_deliver = self.look && self.credit > 0;
            tokio::select! {
                biased;
                () = self.app.stopping.cancelled() => return Err(End::Because(CloseCode::ShuttingDown)),
                () = self.listening.displaced.cancelled() => return Err(End::Because(CloseCode::Displaced)),
                received = self.connection.receive() => {
                    heard = Instant::now();
                    if frames.check().is_err() {
                        return Err(End::Because(CloseCode::RateLimited));
                    }
                    if let Received::Frame(frame) = received? {
                        self.handle(frame).await?;
                    }
                }
                Some(first) = self.listening.arriving.recv() => self.deliver_arriving(first).await?,
                () = self.listening.stored.notified() => self.look = true,
                _ = pings.tick() => {
                    if heard.elapsed() > every.saturating_mul(2) {
                        return Err(End::Because(CloseCode::TooSlow));
                    }
                    self.connection.ping().await?;
                }
                () = std::future::ready(()), if may_deliver => self.deliver_stored().await?,
            }
        }
    }

    /// Sends the next few stored envelopes.
    async fn deliver_stored(&mut self) -> Result<(), End> {
        let count = self.credit.min(BATCH);
        let mailbox = self.authentication.mailbox;
        let fetched = match self.app.store.fetch(mailbox, self.sent_through, count, Timestamp::now()).await {
            Ok(fetched) => fetched,
            // The next reconnect looks again; a socket without its mailbox would only seem to work.
            Err(StoreError::Busy | StoreError::Unavailable) => {
                return Err(End::Because(CloseCode::Unavailable));
            }
        };
        let drained = u32::try_from(fetched.len()).is_ok_and(|found| found < count);
        for envelope in fetched {
            self.deliver(Some(envelope.sequence), envelope.envelope_id, envelope.blob).await?;
        }
        if drained {
            self.look = false;
            self.tell_drained().await?;
        }
        self.connection.flush().await
    }

    async fn tell_drained(&mut self) -> Result<(), End> {
        if !self.drained {
            self.drained = true;
            self.connection.feed(&ServerFrame::Drained {}).await?;
        }
        Ok(())
    }

    /// Sends what came just now. A stored envelope has to be the next; otherwise another is under way or was stored
    /// before this connection, and all are looked up in their order.
    async fn deliver_arriving(&mut self, first: Arriving) -> Result<(), End> {
        let mut arriving = first;
        // Not all of a queue that fills as fast as it is emptied: whoever is sent this may have something to say.
        for left in (0..AT_ONCE).rev() {
            let Arriving { sequence, envelope_id, blob, room } = arriving;
            match sequence {
                Some(at) if at <= self.sent_through => {}
                Some(at) if self.credit == 0 || at.0 != self.sent_through.0.saturating_add(1) => {
                    self.look = true;
                }
                Some(_) if self.look => {}
                _ => self.deliver(sequence, envelope_id, blob).await?,
            }
            drop(room);
            let next = if left > 0 { self.listening.arriving.try_recv().ok() } else { None };
            match next {
                Some(next) => arriving = next,
                None => break,
            }
        }
        if !self.look {
            self.tell_drained().await?;
        }
        self.connection.flush().await
    }

    /// Begins to send an envelope, and notes it if it is a stored one.
    async fn deliver(
        &mut self,
        stored: Option<Sequence>,
        envelope_id: EnvelopeId,
        blob: Blob,
    ) -> Result<(), End> {
        let (sequence, class) = match stored {
            Some(sequence) => {
                self.credit = self.credit.saturating_sub(1);
                self.sent_through = sequence;
                self.drained = false;
                (sequence, Class::Stored)
            }
            None => (Sequence(0), Class::Ephemeral),
        };
        self.connection.feed(&ServerFrame::Deliver { sequence, envelope_id, class, blob }).await?;
        self.app.metrics.envelopes_delivered_total.add();
        Ok(())
    }

    /// Forgets what the device has. While the store is busy this waits, and so does whoever sends more; if the store
    /// fails, they come again on the next connection and are acknowledged again.
    async fn acknowledge(&mut self, sequences: Vec<Sequence>) -> Result<(), End> {
        let until = Instant::now() + self.app.send_timeout();
        loop {
            let (store, mailbox) = (&self.app.store, self.authentication.mailbox);
            match store.acknowledge(mailbox, sequences.clone(), Timestamp::now()).await {
                Err(StoreError::Busy) if Instant::now() < until => tokio::time::sleep(BUSY_PAUSE).await,
                Err(StoreError::Busy) => return Err(End::Because(CloseCode::Unavailable)),
                Ok(()) | Err(StoreError::Unavailable) => return Ok(()),
            }
        }
    }

    async fn handle(&mut self, frame: ClientFrame) -> Result<(), End> {
        let (store, mailbox) = (&self.app.store, self.authentication.mailbox);
        let (request, outcome) = match frame {
            ClientFrame::Authenticate(_) => return Err(End::Because(CloseCode::Malformed)),
            ClientFrame::Credit { n } => {
                self.credit = self.credit.saturating_add(n).min(limits::CREDIT_WINDOW);
                return Ok(());
            }
            ClientFrame::Acknowledge { sequences } => {
                return self.acknowledge(sequences.into_vec()).await;
            }
            ClientFrame::Ping { n } => return self.connection.send(&ServerFrame::Pong { n }).await,
            ClientFrame::AddTokens { request, hashes } => {
                let hashes: Vec<_> = hashes.into_vec().into_iter().map(|listed| listed.0).collect();
                let (rows, added) = (hashes.len(), store.add_tokens(mailbox, hashes));
                (request, allowed(self.app, self.client, (rows, 0), added).await)
            }
            ClientFrame::RevokeTokens { request, hashes } => {
                let hashes = hashes.into_vec().into_iter().map(|listed| listed.0).collect();
                let revoked = store.revoke_tokens(mailbox, hashes).await;
                (request, answer(revoked.map(|()| ListOutcome::Done)))
            }
            ClientFrame::PublishPreKeys { request, bundle, one_time } => {
                let (rows, bytes) = (one_time.as_slice().len(), bundle.as_bytes().len());
                let published = store.publish_prekeys(mailbox, bundle, one_time.into_vec());
                (request, allowed(self.app, self.client, (rows, bytes), published).await)
            }
        };
        let answer = match outcome {
            Ok(()) => ServerFrame::Done { request },
            Err(code) => ServerFrame::Failed { request, code },
        };
        self.connection.send(&answer).await
    }
}

/// Stores so many rows and bytes that stay with a mailbox, if its device's address may.
async fn allowed(
    app: &App,
    client: &Client,
    (rows, bytes): (usize, usize),
    write: StoreFuture<'_, ListOutcome>,
) -> Result<(), ErrorCode> {
    let cost = Cost::long_lived(rows, bytes, app.config.mailbox_idle_days);
    app.may_store(client.address, cost).map_err(|_| ErrorCode::RateLimited)?;
    let outcome = write.await;
    if outcome != Ok(ListOutcome::Done) {
        app.strangers.not_stored(client.address, cost);
    }
    answer(outcome)
}

const fn answer(outcome: Result<ListOutcome, StoreError>) -> Result<(), ErrorCode> {
    match outcome {
        Ok(ListOutcome::Done) => Ok(()),
        Ok(ListOutcome::Full) => Err(ErrorCode::Quota),
        Err(StoreError::Busy | StoreError::Unavailable) => Err(ErrorCode::Unavailable),
    }
}

fn frame_limit(app: &App) -> DefaultDirectRateLimiter {
    let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::per_second(at_least_one(app.config.socket_frames_per_s));
    RateLimiter::direct(quota.allow_burst(at_least_one(app.config.socket_frames_burst)))
}
