//! What is known of the way to a contact, and why it is not a better one.

use crate::{ContactId, LinkFigures, LinkPath, Linking, Route};

/// Which kinds of candidates (RFC 8445 section 5.1.1) a side has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Addresses of the device itself.
    pub host: bool,
    /// As seen from outside.
    pub reflexive: bool,
    /// Of a TURN server.
    pub relay: bool,
}

impl Candidates {
    fn any(self) -> bool {
        self.host || self.reflexive || self.relay
    }
}

/// What is known of TURN servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnKnown {
    /// The server was not asked yet.
    Unasked,
    /// It was asked, and did not answer.
    Unanswered,
    /// It has none.
    None,
    /// It has named some.
    Configured,
}

/// What is known of the way to a contact now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Examination {
    /// To whom.
    pub contact: ContactId,
    /// Where messages go now.
    pub route: Route,
    /// How, while that is over a data channel.
    pub path: Option<LinkPath>,
    /// What the link has moved; absent without one.
    pub figures: Option<LinkFigures>,
    /// Kinds of candidates gathered here in the present attempt, or the last.
    pub own: Candidates,
    /// Kinds of candidates the other side named in it.
    pub theirs: Candidates,
    /// What is known of TURN servers.
    pub turn: TurnKnown,
    /// Whether the address of this device is hidden.
    pub relay_only: bool,
    /// Whether links can be made.
    pub linking: Linking,
    /// Attempts at a link that failed since the last sign of life.
    pub failures: u32,
}

/// One reason why the way is not a better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// This device reaches nobody, not even the server.
    Offline,
    /// This browser has no WebRTC, or blocks it.
    WebrtcBlocked,
    /// The user hides the address.
    RelayOnly,
    /// The user hides the address, and the server has no TURN server.
    RelayOnlyWithoutTurn,
    /// The contact is away.
    Away,
    /// A link is being made.
    Trying,
    /// This network hides how it is seen from outside: UDP does not get out, or nobody was there to ask.
    NotSeenFromOutside,
    /// The other side has named no candidate: it hides its address without a relay, or its browser blocks WebRTC.
    TheyNameNone,
    /// The other side has named nothing but a relay's: it hides its address, or its network lets nothing else out.
    TheyNameOnlyRelays,
    /// Both sides are seen from outside, and yet no direct path works: a router gives each pair of addresses another
    /// port, or a firewall drops what it did not ask for.
    RoutersInTheWay,
    /// There is no TURN server to help.
    NoTurn,
    /// The server did not say whether there is a TURN server.
    TurnUnanswered,
    /// There is a TURN server, and it could not be reached.
    TurnUnreached,
}

impl Examination {
    /// Why the way is not a better one, the most telling first; empty where there is no better one.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let direct = self.path.is_some_and(LinkPath::is_direct) && self.route == Route::Direct;
        if direct {
            return Vec::new();
        }
        if self.route == Route::Waiting {
            return vec![Finding::Offline];
        }
        match self.linking {
            Linking::Blocked => return vec![Finding::WebrtcBlocked],
            Linking::NoRelay => return vec![Finding::RelayOnlyWithoutTurn],
            Linking::Possible => {}
        }
        let mut findings = Vec::new();
        if self.relay_only {
            findings.push(Finding::RelayOnly);
        }
        if self.route == Route::Relayed {
            findings.extend(self.why_not_direct());
            return findings;
        }
        if self.route == Route::Connecting {
            findings.push(Finding::Trying);
            return findings;
        }
        if self.route == Route::Away {
            findings.push(Finding::Away);
            return findings;
        }
        findings.extend(self.why_not_direct());
        findings.extend(match self.turn {
            TurnKnown::None => Some(Finding::NoTurn),
            TurnKnown::Unanswered => Some(Finding::TurnUnanswered),
            TurnKnown::Configured if self.own.any() && !self.own.relay => Some(Finding::TurnUnreached),
            TurnKnown::Configured | TurnKnown::Unasked => None,
        });
        findings
    }

    fn why_not_direct(&self) -> Option<Finding> {
        if self.relay_only || !self.own.any() {
            None
        } else if !self.theirs.any() {
            Some(Finding::TheyNameNone)
        } else if !self.theirs.host && !self.theirs.reflexive {
            Some(Finding::TheyNameOnlyRelays)
        } else if !self.own.reflexive {
            Some(Finding::NotSeenFromOutside)
        } else {
            Some(Finding::RoutersInTheWay)
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::RelayTransport;

    const ALL: Candidates = Candidates { host: true, reflexive: true, relay: true };
    const RELAY: Candidates = Candidates { host: false, reflexive: false, relay: true };

    fn through_the_server() -> Examination {
        Examination {
            contact: ContactId([1; 16]),
            route: Route::Server,
            path: None,
            figures: None,
            own: ALL,
            theirs: ALL,
            turn: TurnKnown::Configured,
            relay_only: false,
            linking: Linking::Possible,
            failures: 6,
        }
    }

    #[test]
    fn a_direct_way_is_the_best_there_is() {
        for path in [LinkPath::Local, LinkPath::Internet] {
            let direct = Examination { route: Route::Direct, path: Some(path), ..through_the_server() };
            assert_eq!(direct.findings(), []);
        }
    }

    #[test]
    fn a_relay_says_what_keeps_it_from_being_direct() {
        let relayed = Examination {
            route: Route::Relayed,
            path: Some(LinkPath::Relayed(RelayTransport::Udp)),
            ..through_the_server()
        };
        assert_eq!(relayed.findings(), [Finding::RoutersInTheWay]);
        assert_eq!(Examination { relay_only: true, own: RELAY, ..relayed }.findings(), [Finding::RelayOnly]);
        assert_eq!(Examination { theirs: RELAY, ..relayed }.findings(), [Finding::TheyNameOnlyRelays]);
        let own = Candidates { reflexive: false, ..ALL };
        assert_eq!(Examination { own, ..relayed }.findings(), [Finding::NotSeenFromOutside]);
    }

    #[test]
    fn without_a_link_each_cause_has_its_word() {
        let server = through_the_server();
        let cases = [
            (Examination { route: Route::Waiting, ..server }, vec![Finding::Offline]),
            (Examination { linking: Linking::Blocked, ..server }, vec![Finding::WebrtcBlocked]),
            (Examination { linking: Linking::NoRelay, ..server }, vec![Finding::RelayOnlyWithoutTurn]),
            (Examination { route: Route::Away, ..server }, vec![Finding::Away]),
            (Examination { route: Route::Connecting, ..server }, vec![Finding::Trying]),
            (
                Examination { turn: TurnKnown::None, ..server },
                vec![Finding::RoutersInTheWay, Finding::NoTurn],
            ),
            (
                Examination { theirs: Candidates::default(), turn: TurnKnown::Unanswered, ..server },
                vec![Finding::TheyNameNone, Finding::TurnUnanswered],
            ),
            (
                Examination { own: Candidates { host: true, ..Candidates::default() }, ..server },
                vec![Finding::NotSeenFromOutside, Finding::TurnUnreached],
            ),
        ];
        for (examination, findings) in cases {
            assert_eq!(examination.findings(), findings, "{examination:?}");
        }
    }
}
