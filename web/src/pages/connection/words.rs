//! The words for what is known of a connection.

use sotto_engine::{Candidates, Examination, Finding, LinkPath, Linking, RelayTransport, Route, TurnKnown};

use crate::{
    i18n::*,
    texts::{self, Texts},
};

/// One line of what is known.
pub struct Fact {
    /// What it is about.
    pub tag: &'static str,
    pub label: &'static str,
    pub value: String,
}

/// How the contact is reached.
pub fn way(i18n: Texts, seen: &Examination) -> &'static str {
    match (seen.path, seen.route) {
        (Some(LinkPath::Local), _) => tu_string!(i18n, connection.local),
        (Some(LinkPath::Internet), _) => tu_string!(i18n, connection.internet),
        (Some(LinkPath::Relayed(RelayTransport::Udp)), _) => tu_string!(i18n, connection.turn_udp),
        (Some(LinkPath::Relayed(RelayTransport::Tcp)), _) => tu_string!(i18n, connection.turn_tcp),
        (Some(LinkPath::Relayed(RelayTransport::Tls)), _) => tu_string!(i18n, connection.turn_tls),
        (Some(LinkPath::Relayed(RelayTransport::Theirs)), _) => tu_string!(i18n, connection.turn_theirs),
        (None, Route::Waiting) => tu_string!(i18n, connection.offline),
        (None, Route::Connecting) => tu_string!(i18n, connection.connecting),
        (None, Route::Away) => tu_string!(i18n, connection.mailbox),
        (None, _) => tu_string!(i18n, connection.server),
    }
}

/// Everything known, in lines.
pub fn facts(i18n: Texts, seen: &Examination, speed: Option<u64>, last: Option<u64>) -> Vec<Fact> {
    let per_second = |speed| tu_string!(i18n, file.rate, speed = texts::size(i18n, speed)).to_string();
    let unknown = || tu_string!(i18n, connection.unknown).to_owned();
    let mut facts = Vec::new();
    let mut fact = |tag, label, value| facts.push(Fact { tag, label, value });
    if let Some(figures) = seen.figures {
        let round_trip = figures.round_trip_us.map_or_else(unknown, |us| milliseconds(i18n, us));
        fact("round-trip", tu_string!(i18n, connection.round_trip), round_trip);
        fact("rate", tu_string!(i18n, connection.rate), speed.map_or_else(unknown, per_second));
    }
    if let Some(last) = last {
        fact("rate-last", tu_string!(i18n, connection.rate_last), per_second(last));
    }
    fact("own", tu_string!(i18n, connection.own), candidates(i18n, seen.own));
    fact("theirs", tu_string!(i18n, connection.theirs), candidates(i18n, seen.theirs));
    let turn = match seen.turn {
        TurnKnown::Unasked => tu_string!(i18n, connection.turn_unasked),
        TurnKnown::Unanswered => tu_string!(i18n, connection.turn_unanswered),
        TurnKnown::None => tu_string!(i18n, connection.turn_none),
        TurnKnown::Configured => tu_string!(i18n, connection.turn_configured),
    };
    fact("turn", tu_string!(i18n, connection.turn), turn.to_owned());
    let hidden = if seen.relay_only {
        tu_string!(i18n, connection.hidden_yes)
    } else {
        tu_string!(i18n, connection.hidden_no)
    };
    fact("hidden", tu_string!(i18n, connection.hidden), hidden.to_owned());
    let webrtc = if seen.linking == Linking::Blocked {
        tu_string!(i18n, connection.webrtc_no)
    } else {
        tu_string!(i18n, connection.webrtc_yes)
    };
    fact("webrtc", tu_string!(i18n, connection.webrtc), webrtc.to_owned());
    facts
}

fn milliseconds(i18n: Texts, us: u64) -> String {
    // Below ten, one decimal place says more than it costs.
    let ms =
        if us < 10_000 { format!("{}.{}", us / 1_000, us % 1_000 / 100) } else { (us / 1_000).to_string() };
    tu_string!(i18n, connection.ms, count = ms).to_string()
}

fn candidates(i18n: Texts, kinds: Candidates) -> String {
    let names = [
        (kinds.host, tu_string!(i18n, connection.kind_host)),
        (kinds.reflexive, tu_string!(i18n, connection.kind_reflexive)),
        (kinds.relay, tu_string!(i18n, connection.kind_relay)),
    ];
    let known: Vec<&str> = names.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    if known.is_empty() { tu_string!(i18n, connection.kind_none).to_owned() } else { known.join(", ") }
}

/// A reason, as a tag, as what it is, and as what to do.
pub fn finding(i18n: Texts, finding: Finding) -> (&'static str, &'static str, &'static str) {
    match finding {
        Finding::Offline => {
            ("offline", tu_string!(i18n, finding.offline), tu_string!(i18n, finding.offline_do))
        }
        Finding::WebrtcBlocked => {
            ("webrtc-blocked", tu_string!(i18n, finding.blocked), tu_string!(i18n, finding.blocked_do))
        }
        Finding::RelayOnly => {
            ("relay-only", tu_string!(i18n, finding.hidden), tu_string!(i18n, finding.hidden_do))
        }
        Finding::RelayOnlyWithoutTurn => (
            "relay-only-without-turn",
            tu_string!(i18n, finding.unhidden),
            tu_string!(i18n, finding.unhidden_do),
        ),
        Finding::Away => ("away", tu_string!(i18n, finding.away), tu_string!(i18n, finding.away_do)),
        Finding::Trying => ("trying", tu_string!(i18n, finding.trying), tu_string!(i18n, finding.trying_do)),
        Finding::NotSeenFromOutside => {
            ("not-seen", tu_string!(i18n, finding.not_seen), tu_string!(i18n, finding.not_seen_do))
        }
        Finding::TheyNameNone => {
            ("they-name-none", tu_string!(i18n, finding.they_none), tu_string!(i18n, finding.they_none_do))
        }
        Finding::TheyNameOnlyRelays => (
            "they-name-relays",
            tu_string!(i18n, finding.they_relays),
            tu_string!(i18n, finding.they_relays_do),
        ),
        Finding::RoutersInTheWay => {
            ("routers", tu_string!(i18n, finding.routers), tu_string!(i18n, finding.routers_do))
        }
        Finding::NoTurn => {
            ("no-turn", tu_string!(i18n, finding.no_turn), tu_string!(i18n, finding.no_turn_do))
        }
        Finding::TurnUnanswered => {
            ("turn-unanswered", tu_string!(i18n, finding.unanswered), tu_string!(i18n, finding.unanswered_do))
        }
        Finding::TurnUnreached => {
            ("turn-unreached", tu_string!(i18n, finding.unreached), tu_string!(i18n, finding.unreached_do))
        }
    }
}

/// Everything as text to hand on: no name, no address, no id is in it.
pub fn report(i18n: Texts, seen: &Examination, facts: &[Fact], findings: &[Finding]) -> String {
    let mut lines = vec![
        tu_string!(i18n, settings.version, version = env!("CARGO_PKG_VERSION")).to_string(),
        way(i18n, seen).to_owned(),
    ];
    lines.extend(facts.iter().map(|fact| format!("{}: {}", fact.label, fact.value)));
    lines.extend(findings.iter().map(|one| format!("- {}", finding(i18n, *one).1)));
    lines.join("\n")
}
