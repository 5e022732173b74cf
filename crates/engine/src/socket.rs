//! The one connection to the server: opening, authenticating, credit, liveness.

use std::collections::BTreeMap;

use sotto_wire::server::{Authentication, CloseCode, Nonce};

use crate::account::Account;
use crate::timers::Timer;
use crate::turn::Turn;
use crate::{ContactId, InviteId, Output, ServerStatus, SocketAction, Timestamp, policy};

/// How far the connection got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// There is none; a timer or a wake-up opens the next.
    Closed,
    /// Asked for; the server has not greeted.
    Opening,
    /// We answered the challenge.
    Authenticating,
    /// The mailbox is open.
    Open,
    /// We closed it and wait to hear so.
    Closing,
    /// Another connection of this device took over; never opened again.
    Displaced,
}

/// A token the server is asked to accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenOwner {
    Invite(InviteId),
    Contact(ContactId),
}

/// What the server was asked on this connection.
#[derive(Debug)]
pub(crate) enum Asked {
    AddTokens(Vec<(TokenOwner, [u8; 32])>),
    RevokeTokens(Vec<[u8; 32]>),
    Publish,
}

/// The connection and what belongs to it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) phase: Phase,
    failures: u32,
    /// The browser says that there is no network.
    pub(crate) offline: bool,
    /// Sequences that are safe on this device and not acknowledged.
    pub(crate) received: Vec<u64>,
    /// Credits used since they were last given back.
    pub(crate) used: u32,
    pub(crate) asked: BTreeMap<u32, Asked>,
    next: u32,
    pinged: Option<u32>,
    /// One-time prekeys the server has left.
    pub(crate) one_time_left: u32,
    /// Everything that was stored when it opened has come.
    pub(crate) drained: bool,
    status: Option<ServerStatus>,
}

impl Default for Socket {
    fn default() -> Self {
        Self {
            phase: Phase::Closed,
            failures: 0,
            offline: false,
            received: Vec::new(),
            used: 0,
            asked: BTreeMap::new(),
            next: 0,
            pinged: None,
            one_time_left: 0,
            drained: false,
            status: None,
        }
    }
}

impl Socket {
    pub(crate) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Tells the screen, if it changed.
    pub(crate) fn show(&mut self, status: ServerStatus, turn: &mut Turn<'_>) {
        if self.status != Some(status) {
            self.status = Some(status);
            turn.event(crate::Event::Server(status));
        }
    }

    /// How things stand without a connection.
    fn without(&self) -> ServerStatus {
        if self.offline {
            ServerStatus::Offline
        } else if self.failures < 2 {
            // A connection that has just ended counts as the first: the next may stand in a moment.
            ServerStatus::Connecting
        } else {
            ServerStatus::Unreachable
        }
    }

    /// Opens a connection if there is none.
    pub(crate) fn open(&mut self, turn: &mut Turn<'_>) {
        if self.phase != Phase::Closed {
            return;
        }
        self.phase = Phase::Opening;
        turn.timers.clear(Timer::SocketRetry);
        let deadline = turn.now.saturating_add(policy::SOCKET_PATIENCE);
        turn.timers.set(Timer::SocketDeadline, deadline);
        self.show(self.without(), turn);
        turn.output(Output::Socket(SocketAction::Open));
    }

    /// Answers the server's challenge.
    pub(crate) fn authenticate(
        &mut self,
        challenge: &Nonce,
        account: &Account,
        origin: &str,
        turn: &mut Turn<'_>,
    ) -> Vec<u8> {
        self.phase = Phase::Authenticating;
        let mut authentication = Authentication {
            version: sotto_wire::server::limits::VERSION,
            device_id: account.device().device_id(),
            signing_key: (*account.identity.signing.public().as_bytes()).into(),
            mailbox: account.identity.mailbox,
            client_nonce: Nonce(turn.random()),
            signature: [0; 64].into(),
        };
        let signed = sotto_wire::server::challenge_bytes(origin, challenge, &authentication);
        authentication.signature =
            account.identity.signing.sign_challenge(&signed, turn.rng).to_bytes().into();
        sotto_wire::server::Message::encode(&sotto_wire::server::ClientFrame::Authenticate(authentication))
    }

    /// The mailbox is open.
    pub(crate) fn welcomed(&mut self, turn: &mut Turn<'_>) {
        self.phase = Phase::Open;
        self.failures = 0;
        self.used = 0;
        self.drained = false;
        self.pinged = None;
        turn.timers.clear(Timer::SocketDeadline);
        let ping = turn.now.saturating_add(policy::PING_EVERY);
        turn.timers.set(Timer::SocketPing, ping);
        self.show(ServerStatus::Connected, turn);
    }

    /// The connection is gone; the next is opened later, unless another tab or device took over.
    pub(crate) fn closed(&mut self, code: u16, turn: &mut Turn<'_>) {
        if self.phase == Phase::Displaced {
            return;
        }
        let was_open = self.phase == Phase::Open;
        self.phase = Phase::Closed;
        self.asked.clear();
        self.received.clear();
        turn.timers.clear(Timer::SocketDeadline);
        turn.timers.clear(Timer::SocketPing);
        turn.timers.clear(Timer::Acknowledge);
        let retry = match CloseCode::from_code(code) {
            Some(CloseCode::Displaced) => {
                self.phase = Phase::Displaced;
                self.show(ServerStatus::Displaced, turn);
                return;
            }
            Some(CloseCode::Unauthenticated | CloseCode::UnsupportedVersion) => {
                self.show(ServerStatus::Refused, turn);
                turn.jittered(policy::BACKOFF_REFUSED)
            }
            _ => {
                self.show(self.without(), turn);
                // A server that closes right after greeting is not hurried either.
                let failures = if was_open { 0 } else { self.failures };
                turn.backoff(failures, policy::BACKOFF_FIRST, policy::BACKOFF_MAX)
            }
        };
        self.failures = self.failures.saturating_add(1);
        turn.timers.set(Timer::SocketRetry, retry);
    }

    /// Ends a connection that does not answer.
    pub(crate) fn give_up(&mut self, turn: &mut Turn<'_>) {
        if matches!(self.phase, Phase::Opening | Phase::Authenticating | Phase::Open) {
            self.phase = Phase::Closing;
            turn.timers.clear(Timer::SocketPing);
            turn.output(Output::Socket(SocketAction::Close));
            self.show(self.without(), turn);
        }
    }

    /// The number of the next request on this connection.
    pub(crate) fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// Asks whether the connection lives, and when the answer must be there.
    pub(crate) fn ping(&mut self, patience: core::time::Duration, turn: &mut Turn<'_>) -> u32 {
        let n = self.number();
        self.pinged = Some(n);
        let deadline = turn.now.saturating_add(patience);
        turn.timers.set_earlier(Timer::SocketDeadline, deadline);
        n
    }

    /// Anything at all came: it lives.
    pub(crate) fn lives(&mut self, turn: &mut Turn<'_>) {
        if self.phase == Phase::Open {
            self.pinged = None;
            turn.timers.clear(Timer::SocketDeadline);
            let ping: Timestamp = turn.now.saturating_add(policy::PING_EVERY);
            turn.timers.set(Timer::SocketPing, ping);
        }
    }
}
